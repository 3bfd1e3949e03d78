// SPDX-License-Identifier: GPL-2.0-or-later
// Which kernel this is, how it was built and started, and what it has loaded.
#include "base/text.h"
#include "host/collect.h"
#include "host/parse.h"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace netwright::host {
namespace {

// Options whose names begin like this; HZ and a few others decide how packets are scheduled.
constexpr std::array<std::string_view, 44> kept_prefixes{
    "CONFIG_NET",
    "CONFIG_TCP_",
    "CONFIG_DEFAULT_TCP_CONG",
    "CONFIG_DEFAULT_NET_SCH",
    "CONFIG_INET",
    "CONFIG_IP_",
    "CONFIG_IPV6",
    "CONFIG_IP6_",
    "CONFIG_NF_",
    "CONFIG_NFT_",
    "CONFIG_XDP",
    "CONFIG_BPF",
    "CONFIG_CGROUP_",
    "CONFIG_DEBUG_INFO_BTF",
    "CONFIG_HZ",
    "CONFIG_NO_HZ",
    "CONFIG_PREEMPT",
    "CONFIG_NUMA",
    "CONFIG_SMP",
    "CONFIG_NR_CPUS",
    "CONFIG_RPS",
    "CONFIG_RFS_ACCEL",
    "CONFIG_XPS",
    "CONFIG_BQL",
    "CONFIG_MPTCP",
    "CONFIG_TLS",
    "CONFIG_SYN_COOKIES",
    "CONFIG_VETH",
    "CONFIG_VIRTIO_",
    "CONFIG_PSI",
    "CONFIG_IRQ_TIME_",
    "CONFIG_SYSCTL",
    "CONFIG_PROC_",
    "CONFIG_BRIDGE",
    "CONFIG_VLAN_8021Q",
    "CONFIG_BONDING",
    "CONFIG_TUN",
    "CONFIG_VXLAN",
    "CONFIG_WIREGUARD",
    "CONFIG_MACVLAN",
    "CONFIG_IPVLAN",
    "CONFIG_IRQ_FORCED",
    "CONFIG_RT_",
    "CONFIG_PAGE_POOL",
};
constexpr std::size_t longest_config = 4U << 20; // 6.18 allmodconfig is below 400 KiB
constexpr std::size_t most_options = 4096;

Result<std::string> config_text(const kernel::Files& files, std::string_view release)
{
    auto packed = files.read("proc/config.gz");
    if (packed) return in_file(gunzip(*packed, longest_config), files, "proc/config.gz");
    if (packed.error().kind != Error::Kind::Absent) return std::unexpected(packed.error());
    if (release.empty() || release.find('/') != std::string_view::npos) return std::unexpected(packed.error());
    return files.read(fmt::format("boot/config-{}", release));
}

Result<std::vector<ConfigOption>> collect_config(const kernel::Files& files, std::string_view release)
{
    return parse_kernel_config(TRY(config_text(files, release)));
}

Result<std::vector<std::string>> collect_modules(const kernel::Files& files)
{
    const std::string text = TRY(files.read("proc/modules")); // absent without CONFIG_MODULES
    std::vector<std::string> names;
    std::string_view rest = text;
    for (std::string_view line, name; next_line(rest, line);)
        if (next_word(line, name)) names.emplace_back(name);
    std::ranges::sort(names);
    return names;
}

Result<std::chrono::seconds> collect_uptime(const kernel::Files& files)
{
    const std::string text = TRY(files.read("proc/uptime"));
    std::string_view rest = text, word;
    next_word(rest, word);
    const auto seconds = parse_double(word);
    if (!seconds || !(*seconds >= 0 && *seconds < 1e12))
        return fail(Error::Kind::Malformed, files.display("proc/uptime") + ": holds no time");
    return std::chrono::seconds(std::llround(std::floor(*seconds)));
}

Result<bool> collect_btf(const kernel::Files& files)
{
    if (!files.exists("sys/kernel")) return fail(Error::Kind::Absent, files.display("sys/kernel") + " is not there");
    return files.exists("sys/kernel/btf/vmlinux");
}

std::string architecture(const kernel::Files& files)
{
    utsname names{};
    if (files.is_live() && ::uname(&names) == 0) return names.machine;
    return files.read_line("proc/sys/kernel/arch").value_or(""); // since 6.1
}

} // namespace

std::vector<ConfigOption> parse_kernel_config(std::string_view text)
{
    std::vector<ConfigOption> options;
    for (std::string_view line; next_line(text, line) && options.size() < most_options;) {
        if (!line.starts_with("CONFIG_")) continue;
        const std::size_t equals = line.find('=');
        if (equals == std::string_view::npos) continue;
        const auto begins = [&](std::string_view prefix) { return line.starts_with(prefix); };
        if (!std::ranges::any_of(kept_prefixes, begins)) continue;
        std::string_view value = trim(line.substr(equals + 1));
        if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
        options.push_back({std::string(line.substr(0, equals)), std::string(value.substr(0, 256))});
    }
    return options;
}

Result<std::string> gunzip(std::string_view packed, std::size_t limit)
{
    z_stream stream{};
    if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) return fail(Error::Kind::Unsupported, "zlib does not start");
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data())); // zlib only reads it
    stream.avail_in = static_cast<uInt>(std::min<std::size_t>(packed.size(), UINT32_MAX));
    std::string text;
    int status = Z_OK;
    while (status == Z_OK && text.size() < limit) {
        const std::size_t used = text.size();
        text.resize(std::min(limit, std::max<std::size_t>(used * 2, 65536)));
        stream.next_out = reinterpret_cast<Bytef*>(text.data() + used);
        stream.avail_out = static_cast<uInt>(text.size() - used);
        status = inflate(&stream, Z_NO_FLUSH);
        text.resize(text.size() - stream.avail_out);
    }
    inflateEnd(&stream);
    if (status == Z_OK) return fail(Error::Kind::Malformed, fmt::format("unpacks to more than {} bytes", limit));
    if (status != Z_STREAM_END) return fail(Error::Kind::Malformed, "is no whole gzip stream");
    return text;
}

KernelFacts collect_kernel_facts(const kernel::Kernel& kernel)
{
    const kernel::Files& files = kernel.files;
    KernelFacts facts;
    const auto release = files.read_line("proc/sys/kernel/osrelease");
    facts.release = release.value_or("");
    facts.version = release ? KernelVersion::parse(*release) : Result<KernelVersion>(std::unexpected(release.error()));
    facts.architecture = architecture(files);
    facts.command_line = files.read_line("proc/cmdline");
    facts.boot_id = files.read_line("proc/sys/kernel/random/boot_id");
    facts.uptime = collect_uptime(files);
    facts.config = collect_config(files, facts.release);
    facts.modules = collect_modules(files);
    facts.btf = collect_btf(files);
    return facts;
}

} // namespace netwright::host
