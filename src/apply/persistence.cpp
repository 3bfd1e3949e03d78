// SPDX-License-Identifier: GPL-2.0-or-later
// sysctl.d: writing our file, and finding who would override it.
#include "apply/persistence.h"

#include "apply/durable_file.h"
#include "base/text.h"
#include "model/sysctl_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

namespace netwright::apply {
namespace {

namespace fs = std::filesystem;

fs::path our_file(const fs::path& etc_dir) { return etc_dir / "sysctl.d" / sysctl_file_name; }

std::string single_blanks(std::string_view text)
{
    std::string out;
    for (const std::string_view word : split_words(text))
        out += (out.empty() ? "" : " ") + std::string(word);
    return out;
}

// Files with a later name, from every directory; a name in an earlier directory hides the same name in later ones.
std::vector<fs::path> later_files(const fs::path& etc_dir)
{
    std::vector<fs::path> directories{etc_dir / "sysctl.d"};
    if (etc_dir == "/etc") // other directories belong to this system, not to an image elsewhere
        directories.insert(directories.end(),
                           {"/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d"});
    std::vector<fs::path> files;
    std::set<std::string> seen;
    for (const fs::path& directory : directories) {
        std::error_code ignored;
        for (const auto& entry : fs::directory_iterator(directory, ignored)) {
            const std::string name = entry.path().filename().string();
            if (name.ends_with(".conf") && name > sysctl_file_name && seen.insert(name).second)
                files.push_back(entry.path());
        }
    }
    std::ranges::sort(files, {}, [](const fs::path& file) { return file.filename().string(); });
    files.push_back(etc_dir / "sysctl.conf"); // `sysctl --system` of procps reads it last of all (sysctl(8))
    return files;
}

// A FIFO or device among them would keep a reader waiting for ever.
std::string text_of(const fs::path& file)
{
    std::error_code ignored;
    if (!fs::is_regular_file(file, ignored)) return {};
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace

Settings settings_of(std::span<const Record> confirmed, std::string_view etc_dir)
{
    Settings settings;
    for (const Record& record : confirmed) {
        if (record.etc_dir != etc_dir) continue;
        for (const Step& step : record.steps)
            if (const auto* key = std::get_if<SysctlKey>(&step.tunable); key && !step.follower && step.to)
                settings[key->name] = to_text(*step.to);
    }
    return settings;
}

std::string sysctl_file_text(const Settings& settings)
{
    std::string text =
        "# Written by netwright: what `netwright confirm` made to last. Do not edit: the next confirm or\n"
        "# rollback writes it anew. See: netwright history; netwright rollback\n";
    for (const auto& [key, value] : settings)
        text += fmt::format("{} = {}\n", key, value);
    return text;
}

Result<void> persist(const fs::path& etc_dir, const Settings& settings)
{
    if (settings.empty()) return remove_durably(our_file(etc_dir));
    return write_durably(our_file(etc_dir), sysctl_file_text(settings), 0644);
}

std::vector<std::pair<std::string, std::string>> parse_sysctl_lines(std::string_view text)
{
    std::vector<std::pair<std::string, std::string>> lines;
    for (std::string_view text_line; next_line(text, text_line);)
        if (const SysctlLine line = parse_sysctl_line(text_line); line.kind == SysctlLine::Kind::Setting)
            lines.emplace_back(dotted_sysctl_key(line.key), single_blanks(line.value));
    return lines;
}

std::vector<std::string> overridden_by(const fs::path& etc_dir, const Settings& settings)
{
    std::vector<std::string> warnings;
    for (const fs::path& file : later_files(etc_dir))
        for (const auto& [key, value] : parse_sysctl_lines(text_of(file)))
            for (const auto& [ours, wanted] : settings)
                if (glob_match(key, ours) && single_blanks(wanted) != value)
                    warnings.push_back(fmt::format("{} is read after {} and sets {} to {}: at boot {} will not hold",
                                                   file.string(), sysctl_file_name, ours, value, wanted));
    return warnings;
}

} // namespace netwright::apply
