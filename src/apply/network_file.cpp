// SPDX-License-Identifier: GPL-2.0-or-later
// Reading who owns an interface, and writing drop-ins of .network files.
#include "apply/network_file.h"

#include "apply/durable_file.h"
#include "apply/link_file.h"
#include "base/text.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <set>

namespace netwright::apply {
namespace {

namespace fs = std::filesystem;
using Who = NetworkOwner::Who;

constexpr std::string_view drop_in_name = "90-netwright.conf";

std::string text_of(const fs::path& file)
{
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// The value of "KEY=" among the lines of a file.
std::string entry(std::string_view text, std::string_view key)
{
    for (std::string_view line; next_line(text, line);)
        if (line.starts_with(key) && line.substr(key.size()).starts_with('='))
            return std::string(trim(line.substr(key.size() + 1)));
    return {};
}

// MTUBytes=, or UseMTU= of a DHCP section.
bool has_mtu(std::string_view text)
{
    for (std::string_view line; next_line(text, line);) {
        const std::string_view word = trim(line);
        if (word.starts_with("MTUBytes=") || word.starts_with("UseMTU=")) return true;
    }
    return false;
}

fs::path below(const fs::path& root, std::string_view absolute)
{
    return root / absolute.substr(std::min(absolute.find_first_not_of('/'), absolute.size()));
}

bool drop_ins_have_mtu(const fs::path& root, const std::string& name)
{
    for (const char* directory : {"etc/systemd/network", "run/systemd/network", "usr/local/lib/systemd/network",
                                  "usr/lib/systemd/network", "lib/systemd/network"}) {
        std::error_code ignored;
        for (const auto& file : fs::directory_iterator(root / directory / (name + ".d"), ignored))
            if (file.path().filename() != drop_in_name && has_mtu(text_of(file.path()))) return true;
    }
    return false;
}

fs::path network_dir(const fs::path& etc_dir) { return etc_dir / "systemd" / "network"; }
fs::path root_of(const fs::path& etc_dir) { return (etc_dir / "..").lexically_normal(); }

std::vector<fs::path> our_files(const fs::path& etc_dir)
{
    std::vector<fs::path> files;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(network_dir(etc_dir), ignored))
        if (entry.path().filename().string().ends_with(".network.d") &&
            fs::exists(entry.path() / drop_in_name, ignored))
            files.push_back(entry.path() / drop_in_name);
    return files;
}

} // namespace

NetworkOwner network_owner(const fs::path& root, const std::string& nic)
{
    NetworkOwner owner;
    const std::string index(trim(text_of(root / "sys/class/net" / nic / "ifindex")));
    if (index.empty()) return owner;
    if (entry(text_of(root / "run/NetworkManager/devices" / index), "managed") == "true") {
        owner.who = Who::NetworkManager;
        return owner;
    }
    owner.network_file = entry(text_of(root / "run/systemd/netif/links" / index), "NETWORK_FILE");
    if (owner.network_file.empty()) return owner;
    owner.who = Who::Networkd;
    const std::string text = text_of(below(root, owner.network_file));
    owner.sets_mtu = has_mtu(text) || drop_ins_have_mtu(root, fs::path(owner.network_file).filename().string());
    owner.for_one_device = is_for_one_device(text);
    return owner;
}

bool sets_after_udev(const NetworkOwner& owner, const Tunable& tunable)
{
    const auto* link = std::get_if<LinkSetting>(&tunable);
    const bool mtu = link && link->what == LinkSetting::What::Mtu;
    if (owner.who == Who::NetworkManager) return link || std::holds_alternative<NicSetting>(tunable);
    return owner.who == Who::Networkd && mtu && owner.sets_mtu;
}

bool takes_drop_in(const NetworkOwner& owner) { return owner.who == Who::Networkd && owner.for_one_device; }

Result<void> write_network_files(const fs::path& etc_dir, const NetworkSettings& settings)
{
    std::set<fs::path> wanted;
    for (const auto& [nic, mtu] : settings) {
        const std::string file = network_owner(root_of(etc_dir), nic).network_file;
        const fs::path path = network_dir(etc_dir) / (fs::path(file).filename().string() + ".d") / drop_in_name;
        TRY_VOID(make_directory(path.parent_path(), 0755));
        TRY_VOID(write_durably(path, file_heading(nic) + fmt::format("[Link]\nMTUBytes={}\n", to_text(mtu)), 0644));
        wanted.insert(path);
    }
    for (const fs::path& file : our_files(etc_dir)) {
        if (wanted.contains(file)) continue;
        TRY_VOID(remove_durably(file));
        std::error_code ignored;
        fs::remove(file.parent_path(), ignored); // only if nothing else is in it
    }
    return {};
}

std::optional<fs::path> find_network_file(const fs::path& etc_dir, const std::string& nic)
{
    for (const fs::path& file : our_files(etc_dir))
        if (text_of(file).starts_with(file_heading(nic))) return file;
    return std::nullopt;
}

} // namespace netwright::apply
