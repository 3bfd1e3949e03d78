// SPDX-License-Identifier: GPL-2.0-or-later
// Interfaces from sys/class/net and proc/net/dev.
#include "host/nic_files.h"

#include "base/text.h"
#include "host/nic_sysfs.h"

#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>
#include <array>

namespace netwright::host {
namespace {

// Columns of /proc/net/dev (net/core/net-procfs.c, dev_seq_printf_stats); "" = a sum of several, whose parts are lost.
constexpr std::array<std::string_view, 16> dev_columns{
    "rx_bytes",
    "rx_packets",
    "rx_errors",
    "",
    "rx_fifo_errors",
    "",
    "rx_compressed",
    "multicast",
    "tx_bytes",
    "tx_packets",
    "tx_errors",
    "tx_dropped",
    "tx_fifo_errors",
    "collisions",
    "",
    "tx_compressed",
};

class Directory {
public:
    Directory(const kernel::Files& files, const std::string& name) : files_(files), base_("sys/class/net/" + name + "/")
    {
    }
    Result<std::string> text(std::string_view name) const { return files_.read_line(base_ + std::string(name)); }
    Result<std::uint64_t> number(std::string_view name) const
    {
        const std::string word = TRY(text(name));
        return parse_unsigned(word);
    }
    std::uint32_t number_or_0(std::string_view name) const
    {
        return static_cast<std::uint32_t>(number(name).value_or(0));
    }
    bool exists(std::string_view name) const { return files_.exists(base_ + std::string(name)); }
    Result<std::vector<std::string>> list(std::string_view name) const
    {
        return files_.list(base_ + std::string(name));
    }

private:
    const kernel::Files& files_;
    std::string base_;
};

Result<CounterTable> read_statistics(const Directory& directory)
{
    std::vector<NamedCounter> counters;
    for (const std::string& name : TRY(directory.list("statistics")))
        if (const auto value = directory.number("statistics/" + name)) counters.push_back({name, Counter{*value, 0}});
    return CounterTable(std::move(counters));
}

Result<Counter> read_carrier_changes(const Directory& directory)
{
    return Counter{TRY(directory.number("carrier_changes")), 0};
}

Result<std::uint32_t> read_speed(const Directory& directory, const std::string& nic)
{
    const std::string text = TRY(directory.text("speed"));
    const auto speed = parse_int(text);
    if (!speed || *speed <= 0)
        return fail(Error::Kind::Absent, fmt::format("{}: its driver does not know the speed", nic));
    return static_cast<std::uint32_t>(*speed);
}

Result<std::string> read_driver_name(const kernel::Files& files, const std::string& nic)
{
    const std::string target = TRY(files.link("sys/class/net/" + nic + "/device/driver"));
    return target.substr(target.rfind('/') + 1);
}

std::uint32_t read_flags(const Directory& directory)
{
    const std::string text = directory.text("flags").value_or("");
    return text.starts_with("0x") ? static_cast<std::uint32_t>(parse_hex(std::string_view(text).substr(2)).value_or(0))
                                  : 0;
}

std::string read_kind(const Directory& directory)
{
    // sysfs knows the kind of some only: a directory or file that no other kind has.
    constexpr std::array<std::pair<std::string_view, std::string_view>, 3> signs{
        {{"bridge", "bridge"}, {"bonding", "bond"}, {"tun_flags", "tun"}}};
    for (const auto& [sign, kind] : signs)
        if (directory.exists(sign)) return std::string(kind);
    return {};
}

void refuse_netlink_members(Nic& nic, const Error& why)
{
    nic.driver_version = nic.firmware_version = nic.bus = std::unexpected(why);
    nic.channels = std::unexpected(why);
    nic.rx_ring = nic.tx_ring = std::unexpected(why);
    nic.coalescing = std::unexpected(why);
    nic.features = std::unexpected(why);
    nic.rss = std::unexpected(why);
    nic.napis = std::unexpected(why);
    nic.driver_statistics = std::unexpected(why);
}

Nic read_nic(const kernel::Files& files, std::string name, const Error& why)
{
    const Directory directory(files, name);
    Nic nic;
    const std::uint32_t flags = read_flags(directory);
    nic.index = directory.number_or_0("ifindex");
    nic.kind = read_kind(directory);
    nic.loopback = (flags & IFF_LOOPBACK) != 0;
    nic.up = (flags & IFF_UP) != 0;
    nic.carrier = directory.number_or_0("carrier") == 1;
    nic.physical = directory.exists("device");
    nic.address = directory.text("address").value_or("");
    nic.mtu = directory.number_or_0("mtu");
    nic.txqueuelen = directory.number_or_0("tx_queue_len");
    nic.driver = read_driver_name(files, name);
    nic.speed_mbit = read_speed(directory, name);
    nic.duplex = directory.text("duplex");
    nic.carrier_changes = read_carrier_changes(directory);
    nic.statistics = read_statistics(directory);
    if (const Directory master(files, name + "/master"); master.exists("ifindex"))
        nic.master = master.number_or_0("ifindex");
    nic.name = std::move(name);
    refuse_netlink_members(nic, why);
    read_sysfs(files, nic);
    for (const Queue& queue : nic.queues ? *nic.queues : std::vector<Queue>())
        ++(queue.name.starts_with("rx-") ? nic.rx_queues : nic.tx_queues);
    return nic;
}

Nic nic_of(DeviceCounters counters, const Error& why)
{
    Nic nic;
    nic.name = std::move(counters.nic);
    nic.loopback = nic.name == "lo";
    nic.statistics = std::move(counters.statistics);
    const Error no_sysfs{Error::Kind::Absent, "only proc/net/dev tells of " + nic.name};
    nic.driver = nic.duplex = std::unexpected(no_sysfs);
    nic.speed_mbit = std::unexpected(no_sysfs);
    nic.node = std::unexpected(no_sysfs);
    nic.local_cpus = std::unexpected(no_sysfs);
    nic.interrupts = std::unexpected(no_sysfs);
    nic.queues = std::unexpected(no_sysfs);
    nic.gro_flush_timeout_ns = nic.napi_defer_hard_irqs = std::unexpected(no_sysfs);
    nic.threaded = std::unexpected(no_sysfs);
    nic.virtual_functions = std::unexpected(no_sysfs);
    nic.carrier_changes = std::unexpected(no_sysfs);
    refuse_netlink_members(nic, why);
    return nic;
}

Result<DeviceCounters> parse_dev_line(std::string_view line)
{
    const auto colon = line.rfind(':'); // an alias "eth0:1" has one in its name
    if (colon == line.npos) return fail(Error::Kind::Malformed, "proc/net/dev: a line without a colon");
    const auto values = split_words(line.substr(colon + 1));
    if (values.size() < dev_columns.size())
        return fail(Error::Kind::Malformed, fmt::format("proc/net/dev: {} columns", values.size()));
    std::vector<NamedCounter> counters;
    for (std::size_t i = 0; i < dev_columns.size(); ++i)
        if (!dev_columns[i].empty())
            counters.push_back({std::string(dev_columns[i]), Counter{TRY(parse_unsigned(values[i])), 0}});
    return DeviceCounters{std::string(trim(line.substr(0, colon))), CounterTable(std::move(counters))};
}

} // namespace

Result<std::vector<DeviceCounters>> parse_net_dev(std::string_view text)
{
    std::string_view line;
    for (int head = 0; head < 2; ++head)
        if (!next_line(text, line) || line.find('|') == line.npos)
            return fail(Error::Kind::Malformed, "proc/net/dev: its two head lines are missing");
    std::vector<DeviceCounters> devices;
    while (next_line(text, line))
        if (!trim(line).empty()) devices.push_back(TRY(parse_dev_line(line)));
    return devices;
}

Result<std::vector<Nic>> collect_nics_from_files(const kernel::Files& files, const Error& why)
{
    std::vector<Nic> nics;
    if (auto names = files.list("sys/class/net")) {
        for (std::string& name : *names)
            if (files.exists("sys/class/net/" + name + "/ifindex")) // bonding_masters is no interface
                nics.push_back(read_nic(files, std::move(name), why));
        std::ranges::stable_sort(nics, {}, &Nic::index);
        return nics;
    }
    const std::string text = TRY(files.read("proc/net/dev"));
    for (DeviceCounters& device : TRY(parse_net_dev(text)))
        nics.push_back(nic_of(std::move(device), why));
    return nics;
}

} // namespace netwright::host
