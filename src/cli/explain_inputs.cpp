// SPDX-License-Identifier: GPL-2.0-or-later
// Reading the host for explain: tunables by their addresses, sysctl files, counters.
#include "cli/explain_inputs.h"

#include "base/text.h"
#include "catalog/machine_default.h"
#include "host/collect.h"
#include "tunable/tunable_kind.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::cli {
namespace {

constexpr std::size_t most_values = 16; // of one parameter: a host with a thousand interfaces stays readable

using report::SeenHere;

// "sysctl/net.ipv4.ip_forward" and "net/ipv4/ip_forward" are the same key.
std::string plain_key(std::string_view asked)
{
    if (asked.starts_with("sysctl/")) asked.remove_prefix(7);
    std::string key(asked);
    if (key.find('.') == std::string::npos) std::ranges::replace(key, '/', '.');
    return key;
}

// Did the person name this very place, or only the kind?
bool names_one_place(const catalog::Parameter& parameter, std::string_view asked)
{
    if (parameter.key == asked) return false;
    return catalog::find(plain_key(asked)) == &parameter || catalog::find_address(asked) == &parameter;
}

Result<std::string> value_text(kernel::Kernel& kernel, const Tunable& tunable)
{
    const auto value = TRY(tunable::read(kernel, tunable));
    return value ? to_text(*value) : std::string("(nothing)");
}

std::string address_text(const Tunable& tunable)
{
    const auto* const key = std::get_if<SysctlKey>(&tunable);
    return key ? key->name : to_text(tunable);
}

const catalog::Parameter* known_as(const Tunable& tunable, const std::string& address)
{
    return std::holds_alternative<SysctlKey>(tunable) ? catalog::find(address) : catalog::find_address(address);
}

// --- counters that are columns of a table ---

template <class Rows, class Column>
Result<std::string> summed(const Result<Rows>& rows, Column column)
{
    if (!rows) return std::unexpected(rows.error());
    std::uint64_t sum = 0;
    for (const auto& row : *rows)
        sum += (row.*column).total;
    return fmt::format("{}", sum);
}

struct Column {
    std::string_view topic;
    Result<std::string> (*read)(kernel::Kernel&);
};

template <auto Member>
Result<std::string> softnet(kernel::Kernel& kernel)
{
    return summed(host::collect_softnet(kernel), Member);
}

template <auto Member>
Result<std::string> sockstat(kernel::Kernel& kernel)
{
    const SockStat all = TRY(host::collect_sockstat(kernel));
    return fmt::format("{}", all.*Member);
}

template <auto Member>
Result<std::string> conntrack(kernel::Kernel& kernel)
{
    return summed(TRY(host::collect_conntrack(kernel)).cpus, Member);
}

template <auto Member>
Result<std::string> neighbours(kernel::Kernel& kernel)
{
    const auto tables = TRY(host::collect_neighbours(kernel));
    std::string text;
    for (const NeighbourTable& table : tables)
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", table.family, (table.*Member).total);
    return text;
}

Result<std::string> conntrack_count(kernel::Kernel& kernel)
{
    const Conntrack all = TRY(host::collect_conntrack(kernel));
    return all.limit ? fmt::format("{} of at most {}", all.count, *all.limit) : fmt::format("{}", all.count);
}

constexpr std::array columns{
    Column{"softnet.processed", softnet<&SoftnetCpu::processed>},
    Column{"softnet.dropped", softnet<&SoftnetCpu::dropped>},
    Column{"softnet.time_squeeze", softnet<&SoftnetCpu::time_squeeze>},
    Column{"softnet.received_rps", softnet<&SoftnetCpu::received_rps>},
    Column{"softnet.flow_limit_count", softnet<&SoftnetCpu::flow_limit>},
    Column{"sockstat.TCP.inuse", sockstat<&SockStat::tcp_inuse>},
    Column{"sockstat.TCP.orphan", sockstat<&SockStat::tcp_orphans>},
    Column{"sockstat.TCP.tw", sockstat<&SockStat::tcp_time_wait>},
    Column{"sockstat.TCP.alloc", sockstat<&SockStat::tcp_allocated>},
    Column{"sockstat.TCP.mem", sockstat<&SockStat::tcp_memory_pages>},
    Column{"sockstat.FRAG.memory", sockstat<&SockStat::fragments_memory>},
    Column{"conntrack.count", conntrack_count},
    Column{"conntrack.drop", conntrack<&ConntrackCpu::drop>},
    Column{"conntrack.early_drop", conntrack<&ConntrackCpu::early_drop>},
    Column{"conntrack.insert_failed", conntrack<&ConntrackCpu::insert_failed>},
    Column{"conntrack.invalid", conntrack<&ConntrackCpu::invalid>},
    Column{"conntrack.clash_resolve", conntrack<&ConntrackCpu::clash_resolve>},
    Column{"conntrack.search_restart", conntrack<&ConntrackCpu::search_restart>},
    Column{"conntrack.chaintoolong", conntrack<&ConntrackCpu::chain_too_long>},
    Column{"conntrack.icmp_error", conntrack<&ConntrackCpu::error>},
    Column{"neighbour.table_fulls", neighbours<&NeighbourTable::table_fulls>},
    Column{"neighbour.unresolved_discards", neighbours<&NeighbourTable::unresolved_discards>},
    Column{"neighbour.res_failed", neighbours<&NeighbourTable::resolve_failed>},
    Column{"neighbour.forced_gc_runs", neighbours<&NeighbourTable::forced_gc_runs>},
};

// "link.rx_dropped": one value an interface, from sysfs.
std::vector<SeenHere> link_values(const kernel::Kernel& kernel, std::string_view statistic)
{
    std::vector<SeenHere> values;
    const auto interfaces = kernel.files.list("sys/class/net");
    if (!interfaces) return values;
    for (const std::string& name : *interfaces) {
        auto value = kernel.files.read_line(fmt::format("sys/class/net/{}/statistics/{}", name, statistic));
        if (value && values.size() < most_values) values.push_back({name, std::move(value)});
    }
    return values;
}

bool sets(const SysctlSetting& setting, const catalog::Parameter& parameter, const std::string& concrete)
{
    if (concrete.empty()) return catalog::find(setting.key) == &parameter;
    return setting.key == concrete ||
           (setting.key.find_first_of("*?") != std::string::npos && glob_match(setting.key, concrete));
}

// Of lines that set one key, the last that is read at boot wins.
void mark_winners(std::vector<report::SetBy>& all)
{
    for (std::size_t i = 0; i < all.size(); ++i) {
        bool overridden = !all[i].read_at_boot;
        for (std::size_t later = i + 1; later < all.size(); ++later)
            overridden = overridden || (all[later].read_at_boot && all[later].key == all[i].key);
        all[i].wins = !overridden;
    }
}

} // namespace

ExplainHost::ExplainHost(kernel::Kernel& kernel) : kernel_(kernel)
{
    if (auto all = tunable::list(kernel)) tunables_ = *std::move(all);
    if (auto files = host::collect_sysctl_files(kernel)) files_ = *std::move(files);
    if (const auto memory = host::collect_memory(kernel)) {
        memory_ = memory->total;
        page_ = memory->page_size;
    }
}

std::vector<SeenHere> ExplainHost::values_of(const catalog::Parameter& parameter, std::string_view asked)
{
    std::vector<SeenHere> values;
    const bool one_place = names_one_place(parameter, asked);
    const std::string key = plain_key(asked);
    for (const Tunable& tunable : tunables_) {
        const std::string address = address_text(tunable);
        if (values.size() == most_values || known_as(tunable, address) != &parameter) continue;
        if (one_place && address != key && address != asked) continue;
        values.push_back({address == parameter.key ? "" : address, value_text(kernel_, tunable)});
    }
    if (values.empty() && one_place)
        if (const auto tunable = parse_tunable(asked)) values.push_back({"", value_text(kernel_, *tunable)});
    if (values.empty() && parameter.plane == catalog::Plane::Sysctl)
        values.push_back({"", fail(Error::Kind::Absent, "this kernel or network namespace has no such key")});
    return values;
}

std::vector<SeenHere> ExplainHost::values_of(const catalog::Topic& topic)
{
    if (topic.name.starts_with("link.")) return link_values(kernel_, topic.name.substr(5));
    const auto column = std::ranges::find(columns, topic.name, &Column::topic);
    if (column != columns.end()) return {{"", column->read(kernel_)}};
    if (topic.kind == catalog::TopicKind::DropReason || topic.name.find('.') != std::string_view::npos) return {};
    if (!protocols_) protocols_ = host::collect_protocols(kernel_);
    if (!protocols_) return {{"", std::unexpected(protocols_.error())}};
    const auto counter = protocols_->at(topic.name);
    if (!counter) return {{"", fail(Error::Kind::Absent, "this kernel has no such counter")}};
    return {{"", fmt::format("{}", counter->total)}};
}

std::vector<report::SetBy> ExplainHost::setters_of(const catalog::Parameter& parameter, std::string_view asked) const
{
    const std::string concrete = names_one_place(parameter, asked) ? plain_key(asked) : std::string{};
    std::vector<report::SetBy> all;
    for (const SysctlFile& file : files_) {
        if (!file.settings) continue;
        for (const SysctlSetting& setting : *file.settings) {
            if (!sets(setting, parameter, concrete)) continue;
            all.push_back({file.path, setting.line, setting.key, setting.value, false, file.read_by != "procps"});
        }
    }
    mark_winners(all);
    return all;
}

report::Explanation ExplainHost::explanation(const catalog::Known& known, std::string_view asked, KernelVersion kernel)
{
    report::Explanation one{known, {}, {}, {}, {}};
    if (const auto* const topic = std::get_if<const catalog::Topic*>(&known)) {
        one.here = values_of(**topic);
        if ((*topic)->name.starts_with("driver.") && (*topic)->name != asked) one.asked = asked;
        return one;
    }
    const catalog::Parameter& parameter = *std::get<const catalog::Parameter*>(known);
    one.here = values_of(parameter, asked);
    if (parameter.plane == catalog::Plane::Sysctl) one.set_by = setters_of(parameter, asked);
    one.estimated = catalog::machine_default(parameter.key, kernel, memory_, page_);
    return one;
}

} // namespace netwright::cli
