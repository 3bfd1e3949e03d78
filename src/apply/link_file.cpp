// SPDX-License-Identifier: GPL-2.0-or-later
// Choosing between a drop-in and a file of our own, and writing either.
#include "apply/link_file.h"

#include "apply/durable_file.h"
#include "base/text.h"
#include "model/link_file_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <set>

namespace netwright::apply {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view our_prefix = "10-netwright-", drop_in_name = "90-netwright.conf";
constexpr std::string_view taken_over = "# Taken over from ";
// Where .link files and their drop-ins are looked for, first one first (systemd.link(5)).
constexpr std::array directories{"etc/systemd/network", "run/systemd/network", "usr/local/lib/systemd/network",
                                 "usr/lib/systemd/network", "lib/systemd/network"};

fs::path root_of(const fs::path& etc_dir) { return (etc_dir / "..").lexically_normal(); } // "/etc/" too
fs::path network_dir(const fs::path& etc_dir) { return etc_dir / "systemd" / "network"; }
fs::path own_file(const fs::path& etc_dir, const std::string& nic)
{
    return network_dir(etc_dir) / fmt::format("{}{}.link", our_prefix, nic);
}

std::string text_of(const fs::path& file)
{
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string line_of(const fs::path& file) { return std::string(trim(text_of(file))); }

fs::path below(const fs::path& root, std::string_view absolute)
{
    return root / absolute.substr(std::min(absolute.find_first_not_of('/'), absolute.size()));
}

// The files of NAME.link.d; one in an earlier directory hides the same name in later ones.
std::vector<fs::path> drop_ins_of(const fs::path& root, const std::string& link_name)
{
    std::vector<fs::path> files;
    std::set<std::string> seen;
    for (const char* directory : directories) {
        std::error_code ignored;
        for (const auto& entry : fs::directory_iterator(root / directory / (link_name + ".d"), ignored)) {
            const std::string name = entry.path().filename().string();
            if (name.ends_with(".conf") && seen.insert(name).second) files.push_back(entry.path());
        }
    }
    std::ranges::sort(files, {}, [](const fs::path& file) { return file.filename().string(); });
    return files;
}

// Everything but [Match] and comments, as it stands.
std::string without_match(std::string_view text)
{
    std::string out;
    bool matching = false;
    for (std::string_view line; next_line(text, line);) {
        const std::string_view word = trim(line);
        if (word.starts_with('[')) matching = word == "[Match]";
        if (matching || word.empty() || word.front() == '#' || word.front() == ';') continue;
        out += std::string(line) + '\n';
    }
    return out;
}

// What the base file and its drop-ins say, so that the interface keeps its name.
std::string content_of(const fs::path& root, std::string_view base)
{
    if (base.empty()) return {};
    const fs::path file = below(root, base);
    std::string text = without_match(text_of(file));
    for (const fs::path& drop_in : drop_ins_of(root, file.filename().string()))
        if (drop_in.filename() != drop_in_name) text += without_match(text_of(drop_in));
    return text;
}

// A permanent address belongs to the device alone; VLANs and bridges on top share only the present one.
std::string match_of(const fs::path& root, const std::string& nic, const UdevNote& note)
{
    const fs::path device = root / "sys/class/net" / nic;
    std::string match;
    if (line_of(device / "addr_assign_type") == "0" && !line_of(device / "address").empty())
        match += fmt::format("PermanentMACAddress={}\n", line_of(device / "address"));
    if (!note.path.empty()) match += fmt::format("Path={}\n", note.path);
    return match.empty() ? fmt::format("OriginalName={}\n", nic) : match;
}

std::string lines_for(const std::map<Tunable, Value>& settings)
{
    std::string text;
    for (const auto& [tunable, value] : settings)
        for (const std::string& line : link_file_lines(tunable, value))
            text += line + '\n';
    return text;
}

// The file that applied before ours did.
std::string base_of(const fs::path& etc_dir, const std::string& nic, const UdevNote& note)
{
    const fs::path own = own_file(etc_dir, nic);
    if (fs::path(note.link_file).filename() != own.filename()) return note.link_file;
    const std::string text = text_of(own);
    std::string_view rest = text;
    for (std::string_view line; next_line(rest, line);)
        if (line.starts_with(taken_over)) return std::string(trim(line.substr(taken_over.size())));
    return {};
}

// Where distributions put systemd's shared library: beside its programs, or where those of its architecture are.
std::vector<fs::path> library_directories(const fs::path& root)
{
    std::vector<fs::path> found{root / "usr/lib/systemd", root / "lib/systemd", root / "usr/lib64/systemd"};
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(root / "usr/lib", ignored))
        if (entry.path().filename().string().ends_with("-linux-gnu")) found.push_back(entry.path() / "systemd");
    return found;
}

bool is_ours(const fs::path& file)
{
    const std::string name = file.filename().string();
    return name == drop_in_name || (name.starts_with(our_prefix) && name.ends_with(".link"));
}

std::vector<fs::path> our_files(const fs::path& etc_dir)
{
    std::vector<fs::path> files;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(network_dir(etc_dir), ignored)) {
        if (is_ours(entry.path())) files.push_back(entry.path());
        const fs::path drop_in = entry.path() / drop_in_name;
        if (entry.path().filename().string().ends_with(".link.d") && fs::exists(drop_in, ignored))
            files.push_back(drop_in);
    }
    return files;
}

Result<void> remove_ours(const fs::path& file)
{
    TRY_VOID(remove_durably(file));
    std::error_code ignored;
    if (file.filename() == drop_in_name) fs::remove(file.parent_path(), ignored); // only if nothing else is in it
    return {};
}

} // namespace

std::string file_heading(const std::string& nic)
{
    return fmt::format("# Written by netwright: what `netwright confirm` made to last for {}. Do not edit: the next\n"
                       "# confirm or rollback writes it anew. See: netwright status; netwright rollback\n",
                       nic);
}

UdevNote parse_udev_note(std::string_view text)
{
    UdevNote note;
    for (std::string_view line; next_line(text, line);) {
        if (line.starts_with("E:ID_NET_LINK_FILE=")) note.link_file = std::string(line.substr(line.find('=') + 1));
        if (line.starts_with("E:ID_PATH=")) note.path = std::string(line.substr(line.find('=') + 1));
    }
    return note;
}

std::optional<UdevNote> udev_note(const fs::path& root, const std::string& nic)
{
    const std::string index = line_of(root / "sys/class/net" / nic / "ifindex");
    const std::string text = index.empty() ? "" : text_of(root / "run/udev/data" / ("n" + index));
    if (text.empty()) return std::nullopt;
    return parse_udev_note(text);
}

std::optional<unsigned> systemd_version(const fs::path& root)
{
    constexpr std::string_view before = "libsystemd-shared-";
    std::optional<unsigned> newest;
    for (const fs::path& directory : library_directories(root)) {
        std::error_code ignored;
        for (const auto& entry : fs::directory_iterator(directory, ignored)) {
            const std::string name = entry.path().filename().string();
            if (!name.starts_with(before)) continue;
            const std::string_view rest = std::string_view(name).substr(before.size());
            const auto number = parse_unsigned(rest.substr(0, rest.find_first_not_of("0123456789")));
            if (number)
                newest = std::max(newest.value_or(0), static_cast<unsigned>(std::min<std::uint64_t>(*number, 9999)));
        }
    }
    return newest;
}

bool is_for_one_device(std::string_view file)
{
    bool matching = false;
    for (std::string_view line; next_line(file, line);) {
        line = trim(line);
        if (line.starts_with('[')) matching = line == "[Match]";
        const std::size_t equals = line.find('=');
        if (!matching || equals == std::string_view::npos) continue;
        const std::string_view key = trim(line.substr(0, equals));
        const auto words = split_words(line.substr(equals + 1));
        const bool exact = words.size() == 1 && words.front().find_first_of("*?[!") == std::string_view::npos;
        constexpr std::array<std::string_view, 5> naming{"MACAddress", "PermanentMACAddress", "Path", "OriginalName",
                                                         "Name"}; // the last of .network files
        if (exact && std::ranges::find(naming, key) != naming.end()) return true;
    }
    return false;
}

LinkFile link_file_for(const fs::path& etc_dir, const std::string& nic, const UdevNote& note,
                       const std::map<Tunable, Value>& settings)
{
    const fs::path root = root_of(etc_dir);
    const std::string base = base_of(etc_dir, nic, note);
    if (!base.empty() && is_for_one_device(text_of(below(root, base))))
        return {network_dir(etc_dir) / (fs::path(base).filename().string() + ".d") / drop_in_name,
                file_heading(nic) + "[Link]\n" + lines_for(settings)};
    std::string text = file_heading(nic) +
                       "# Only one .link file applies to a device: this one says what the one before it "
                       "said, and then what is ours.\n";
    if (!base.empty()) text += fmt::format("{}{}\n", taken_over, base);
    text += fmt::format("[Match]\n{}\n{}\n[Link]\n{}", match_of(root, nic, note), content_of(root, base),
                        lines_for(settings));
    return {own_file(etc_dir, nic), std::move(text)};
}

Result<void> write_link_files(const fs::path& etc_dir, const LinkSettings& settings)
{
    std::set<fs::path> wanted;
    for (const auto& [nic, values] : settings) {
        const auto note = udev_note(root_of(etc_dir), nic);
        const LinkFile file = link_file_for(etc_dir, nic, note.value_or(UdevNote{}), values);
        TRY_VOID(make_directory(file.path.parent_path(), 0755));
        TRY_VOID(write_durably(file.path, file.text, 0644));
        wanted.insert(file.path);
    }
    for (const fs::path& file : our_files(etc_dir))
        if (!wanted.contains(file)) TRY_VOID(remove_ours(file));
    return {};
}

bool link_file_holds(const fs::path& etc_dir, const Tunable& tunable, const Value& value)
{
    const auto file = find_link_file(etc_dir, std::string(interface_of(tunable)));
    const std::string text = file ? text_of(*file) : "";
    return !text.empty() && std::ranges::all_of(link_file_lines(tunable, value), [&](const std::string& line) {
        return text.find('\n' + line + '\n') != std::string::npos;
    });
}

std::optional<fs::path> find_link_file(const fs::path& etc_dir, const std::string& nic)
{
    for (const fs::path& file : our_files(etc_dir))
        if (text_of(file).starts_with(file_heading(nic))) return file;
    return std::nullopt;
}

} // namespace netwright::apply
