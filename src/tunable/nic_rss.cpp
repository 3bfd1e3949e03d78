// SPDX-License-Identifier: GPL-2.0-or-later
// Receive-side scaling: the table that spreads flows over queues, the key and function of its hash, and what of a flow
// is hashed. Over the ioctl, which all kernels have; netlink sets these only from 6.17 on. A captured tree has none.
#include "base/text.h"
#include "kernel/ethtool.h"
#include "model/rss_words.h"
#include "tunable/kinds.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

namespace netwright::tunable {
namespace {

constexpr std::string_view fields_of = "fields-";

Result<kernel::EthtoolSocket> open(const kernel::Kernel& kernel)
{
    if (kernel.files.is_live()) return kernel::EthtoolSocket::open();
    return fail(Error::Kind::Unsupported, "a captured tree does not answer ethtool");
}

Result<std::uint32_t> flow_of(const NicSetting& nic)
{
    for (const HashedFlow& flow : hashed_flows())
        if (nic.name == std::string(fields_of) + std::string(flow.name)) return flow.type;
    return fail(Error::Kind::Rejected, fmt::format("{}: no such flow", to_text(Tunable(nic))));
}

std::unexpected<Error> explain(const NicSetting& nic, Error error)
{
    if (error.code == ENODEV) return no_such_interface(nic.nic);
    if (error.kind == Error::Kind::Unsupported)
        error.what =
            fmt::format("{}: the driver of {} does not let this be set or shown", to_text(Tunable(nic)), nic.nic);
    return std::unexpected(std::move(error));
}

std::optional<Value> part_of(const kernel::RssTable& table, std::string_view name)
{
    if (name == "key")
        return table.key.empty() ? std::optional<Value>()
                                 : std::optional<Value>(rss_key_text(std::as_bytes(std::span(table.key))));
    if (name == "indirection")
        return table.indirection.empty() ? std::optional<Value>() : std::optional(indirection_value(table.indirection));
    const std::string function = rss_function_name(table.function);
    return function.empty() ? std::optional<Value>() : std::optional<Value>(function);
}

// A queue that does not exist would drop what is sent to it; the kernel refuses it, and we say which it was.
Result<void> check_queues(const kernel::EthtoolSocket& ethtool, const NicSetting& nic, const Value& value)
{
    const std::uint32_t queues = TRY(ethtool.receive_queues(nic.nic));
    const std::uint32_t most = most_queue_named(value);
    if (most < queues) return {};
    return fail(Error::Kind::Rejected,
                fmt::format("{}: there is no receive queue {}: {} has {} (nic/{}/queues/combined)",
                            to_text(Tunable(nic)), most, nic.nic, queues, nic.nic));
}

Result<kernel::RssChange> change_of(const NicSetting& nic, const kernel::RssTable& now, const Value& value)
{
    kernel::RssChange change;
    const std::string text = to_text(value);
    if (nic.name == "indirection") change.indirection = TRY(expand_indirection(value, now.indirection.size()));
    if (nic.name == "key") change.key = TRY(parse_rss_key(text));
    if (nic.name == "function") change.function = TRY(parse_rss_function(text));
    if (change.key && change.key->size() != now.key.size())
        return fail(Error::Kind::Rejected,
                    fmt::format("the key has {} bytes, not {}", now.key.size(), change.key->size()));
    return change;
}

// The table that the kernel makes by itself (ethtool_rxfh_indir_default).
bool is_default(const std::vector<std::uint32_t>& table, std::uint32_t queues)
{
    for (std::size_t i = 0; i < table.size(); ++i)
        if (queues == 0 || table[i] != i % queues) return false;
    return true;
}

bool is_fields(const NicSetting& nic) { return nic.name.starts_with(fields_of); }

struct Hashing : KindDefaults<NicSetting> {
    static Present read(kernel::Kernel& kernel, const NicSetting& nic)
    {
        const auto ethtool = TRY(open(kernel));
        if (is_fields(nic)) {
            const auto bits = ethtool.hash_fields(nic.nic, TRY(flow_of(nic)));
            if (!bits) return explain(nic, bits.error());
            return std::optional<Value>(hash_field_letters(*bits));
        }
        const auto table = ethtool.rss(nic.nic);
        if (!table) return explain(nic, table.error());
        return part_of(*table, nic.name);
    }

    static Result<void> check(kernel::Kernel& kernel, const NicSetting& nic, const Value& value)
    {
        const auto ethtool = TRY(open(kernel));
        if (is_fields(nic)) {
            TRY_VOID(read(kernel, nic));
            TRY_VOID(parse_hash_fields(to_text(value)));
            return {};
        }
        const auto table = ethtool.rss(nic.nic);
        if (!table) return explain(nic, table.error());
        TRY_VOID(change_of(nic, *table, value));
        return nic.name == "indirection" ? check_queues(ethtool, nic, value) : Result<void>{};
    }

    static Result<void> write(kernel::Kernel& kernel, const NicSetting& nic, const Value& value)
    {
        const auto ethtool = TRY(open(kernel));
        auto written = is_fields(nic) ? write_fields(ethtool, nic, value) : write_table(ethtool, nic, value);
        if (!written && written.error().code == ENODEV) return no_such_interface(nic.nic);
        if (!written) return write_failed(nic, value, std::move(written).error());
        return {};
    }

    // "equal 4" and the list it means.
    static bool same(const NicSetting& nic, const Value& a, const Value& b)
    {
        if (a == b || nic.name != "indirection") return a == b;
        const auto* left = std::get_if<std::vector<std::int64_t>>(&a);
        const auto* right = std::get_if<std::vector<std::int64_t>>(&b);
        constexpr std::size_t any_size = 128; // what most devices have
        const std::size_t size = left ? left->size() : right ? right->size() : any_size;
        const auto one = expand_indirection(a, size), other = expand_indirection(b, size);
        return one && other && *one == *other;
    }

    static Result<std::vector<Reading>> list(kernel::Kernel& kernel)
    {
        std::vector<Reading> found;
        const auto nics = TRY(kernel.files.list("sys/class/net"));
        const auto ethtool = TRY(open(kernel));
        for (const std::string& nic : nics) {
            const auto table = ethtool.rss(nic);
            if (!table) continue;
            for (const char* name : {"indirection", "key", "function"})
                if (const auto value = part_of(*table, name)) found.push_back({NicSetting{nic, "rss", name}, value});
            list_fields(ethtool, nic, found);
        }
        return found;
    }

    static std::string undo_command(const NicSetting& nic, const std::optional<Value>& from)
    {
        const std::string device = shell_word(nic.nic);
        const std::string text = from ? to_text(*from) : "";
        if (is_fields(nic))
            return fmt::format("ethtool -N {} rx-flow-hash {} {}", device, nic.name.substr(fields_of.size()), text);
        if (nic.name == "key") return fmt::format("ethtool -X {} hkey {}", device, text);
        if (nic.name == "function") return fmt::format("ethtool -X {} hfunc {}", device, text);
        if (from && std::holds_alternative<std::string>(*from)) return fmt::format("ethtool -X {} {}", device, text);
        return fmt::format("# ethtool -X cannot set this table entry by entry: {}; false", text);
    }

private:
    static Result<void> write_fields(const kernel::EthtoolSocket& ethtool, const NicSetting& nic, const Value& value)
    {
        const std::uint32_t flow = TRY(flow_of(nic));
        return ethtool.set_hash_fields(nic.nic, flow, TRY(parse_hash_fields(to_text(value))));
    }
    static Result<void> write_table(const kernel::EthtoolSocket& ethtool, const NicSetting& nic, const Value& value)
    {
        const kernel::RssTable now = TRY(ethtool.rss(nic.nic));
        kernel::RssChange change = TRY(change_of(nic, now, value));
        // Equal over all queues is handed back to the kernel, which then goes on spreading when queues come and go.
        const auto queues = ethtool.receive_queues(nic.nic);
        if (change.indirection && queues && is_default(*change.indirection, *queues)) change.indirection->clear();
        return ethtool.set_rss(nic.nic, change);
    }
    static void list_fields(const kernel::EthtoolSocket& ethtool, const std::string& nic, std::vector<Reading>& found)
    {
        for (const HashedFlow& flow : hashed_flows())
            if (const auto bits = ethtool.hash_fields(nic, flow.type))
                found.push_back({NicSetting{nic, "rss", fmt::format("{}{}", fields_of, flow.name)},
                                 std::optional<Value>(hash_field_letters(*bits))});
    }
};

} // namespace

constexpr Kind nic_rss_kind =
    kind_of<Hashing>("nic/rss", "ethtool ioctl ETHTOOL_GRSSH, SRSSH (table, key, function), GRXFH, SRXFH (fields)");

} // namespace netwright::tunable
