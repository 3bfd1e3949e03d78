// SPDX-License-Identifier: GPL-2.0-or-later
// Asking through SIOCETHTOOL. Only commands that read (ETHTOOL_G*) appear here; ethtool_write.cpp has the others.
#include "kernel/ethtool.h"

#include "base/text.h"
#include "kernel/ethtool_block.h"

#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace netwright::kernel {
namespace {

// More statistics than any driver has: a count beyond it is not believed.
constexpr std::uint32_t most_strings = 65536;

// A fixed-size field that need not be terminated.
std::string field(const char* text, std::size_t size)
{
    return std::string(trim(std::string_view(text, ::strnlen(text, size))));
}

} // namespace

Result<EthtoolSocket> EthtoolSocket::open()
{
    Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!fd && errno == EAFNOSUPPORT) fd.reset(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
    if (!fd) return std::unexpected(errno_error("open a socket for ethtool", errno));
    return EthtoolSocket(std::move(fd));
}

Result<void> EthtoolSocket::ask(std::string_view nic, void* command) const
{
    ifreq request{};
    if (nic.empty() || nic.size() >= sizeof request.ifr_name)
        return fail(Error::Kind::Rejected, fmt::format("'{}' is not an interface's name", nic));
    std::ranges::copy(nic, request.ifr_name);
    request.ifr_data = static_cast<char*>(command);
    if (::ioctl(fd_.get(), SIOCETHTOOL, &request) < 0)
        return std::unexpected(errno_error(fmt::format("ethtool {}", nic), errno));
    return {};
}

Result<DriverInfo> EthtoolSocket::driver_info(std::string_view nic) const
{
    ethtool_drvinfo info{};
    info.cmd = ETHTOOL_GDRVINFO;
    TRY_VOID(ask(nic, &info));
    return DriverInfo{field(info.driver, sizeof info.driver), field(info.version, sizeof info.version),
                      field(info.fw_version, sizeof info.fw_version), field(info.bus_info, sizeof info.bus_info)};
}

Result<std::uint32_t> EthtoolSocket::string_count(std::string_view nic, std::uint32_t set) const
{
    EthtoolBlock<ethtool_sset_info> sets(sizeof(std::uint32_t));
    sets->cmd = ETHTOOL_GSSET_INFO;
    sets->sset_mask = 1ULL << set;
    TRY_VOID(ask(nic, sets.data()));
    std::uint32_t count = 0;
    if (sets->sset_mask != 0) std::memcpy(&count, sets.tail(), sizeof count);
    if (count > most_strings)
        return fail(Error::Kind::Malformed, fmt::format("{}: its driver claims {} names", nic, count));
    return count;
}

Result<std::vector<std::string>> EthtoolSocket::strings(std::string_view nic, std::uint32_t set) const
{
    const std::uint32_t count = TRY(string_count(nic, set));
    // Kernels write as many as there are by then, whatever was asked: room for some more.
    EthtoolBlock<ethtool_gstrings> names((count + 64UL) * ETH_GSTRING_LEN);
    names->cmd = ETHTOOL_GSTRINGS;
    names->string_set = set;
    names->len = count;
    if (count != 0) TRY_VOID(ask(nic, names.data()));
    std::vector<std::string> strings(std::min(names->len, count));
    for (std::size_t i = 0; i < strings.size(); ++i)
        strings[i] = field(reinterpret_cast<const char*>(names.tail()) + i * ETH_GSTRING_LEN, ETH_GSTRING_LEN);
    return strings;
}

Result<std::vector<DriverStatistic>> EthtoolSocket::statistics(std::string_view nic) const
{
    const std::uint32_t count = TRY(string_count(nic, ETH_SS_STATS));
    if (count == 0) return fail(Error::Kind::Unsupported, fmt::format("{}: its driver keeps no statistics", nic));
    // Kernels before 6.16 write as many as the driver has by then, whatever was asked (net/ethtool/ioctl.c,
    // ethtool_get_stats): queues may have been added since the count, so there is room for many more.
    const std::size_t room = count * 4UL + 1024;
    EthtoolBlock<ethtool_gstrings> names(room * ETH_GSTRING_LEN);
    names->cmd = ETHTOOL_GSTRINGS;
    names->string_set = ETH_SS_STATS;
    names->len = count;
    TRY_VOID(ask(nic, names.data()));
    EthtoolBlock<ethtool_stats> values(room * sizeof(std::uint64_t));
    values->cmd = ETHTOOL_GSTATS;
    values->n_stats = count;
    TRY_VOID(ask(nic, values.data()));
    if (names->len != values->n_stats || names->len > room)
        return fail(Error::Kind::Interrupted, fmt::format("{}: its statistics changed while they were read", nic));

    std::vector<DriverStatistic> statistics(names->len);
    for (std::size_t i = 0; i < statistics.size(); ++i) {
        statistics[i].name = field(reinterpret_cast<const char*>(names.tail()) + i * ETH_GSTRING_LEN, ETH_GSTRING_LEN);
        std::memcpy(&statistics[i].value, values.tail() + i * sizeof(std::uint64_t), sizeof(std::uint64_t));
    }
    return statistics;
}

Result<std::uint64_t> EthtoolSocket::hash_fields(std::string_view nic, std::uint32_t flow) const
{
    ethtool_rxnfc request{};
    request.cmd = ETHTOOL_GRXFH;
    request.flow_type = flow;
    TRY_VOID(ask(nic, &request));
    return request.data;
}

Result<RssTable> EthtoolSocket::rss(std::string_view nic) const
{
    ethtool_rxfh sizes{}; // all zero: tell the sizes only
    sizes.cmd = ETHTOOL_GRSSH;
    TRY_VOID(ask(nic, &sizes));
    const std::size_t entries = std::min<std::size_t>(sizes.indir_size, 65536);
    const std::size_t key = std::min<std::size_t>(sizes.key_size, 65536);
    EthtoolBlock<ethtool_rxfh> answer(entries * sizeof(std::uint32_t) + key);
    answer->cmd = ETHTOOL_GRSSH;
    answer->indir_size = static_cast<std::uint32_t>(entries);
    answer->key_size = static_cast<std::uint32_t>(key);
    TRY_VOID(ask(nic, answer.data()));
    RssTable table;
    table.function = answer->hfunc;
    table.transformation = answer->rsvd8[0]; // input_xfrm since 6.8
    table.indirection.resize(entries);
    if (entries != 0) std::memcpy(table.indirection.data(), answer.tail(), entries * sizeof(std::uint32_t));
    table.key.resize(key);
    if (key != 0) std::memcpy(table.key.data(), answer.tail() + entries * sizeof(std::uint32_t), key);
    return table;
}

Result<std::string> EthtoolSocket::name(std::uint32_t index) const
{
    ifreq request{};
    request.ifr_ifindex = static_cast<int>(index);
    if (::ioctl(fd_.get(), SIOCGIFNAME, &request) < 0)
        return std::unexpected(errno_error(fmt::format("name of interface {}", index), errno));
    return field(request.ifr_name, sizeof request.ifr_name);
}

} // namespace netwright::kernel
