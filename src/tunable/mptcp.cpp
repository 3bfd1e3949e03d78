// SPDX-License-Identifier: GPL-2.0-or-later
// Endpoints and limits of Multipath TCP: generic netlink, family "mptcp_pm" (Linux 5.6).
#include "tunable/kinds.h"
#include "tunable/mptcp_endpoint.h"

#include <fmt/format.h>
#include <linux/genetlink.h>
#include <linux/mptcp.h>

namespace netwright::tunable {
namespace {

constexpr std::int64_t most = 8; // MPTCP_PM_ADDR_MAX

struct Limits {
    std::uint32_t add_addr_accepted = 0, subflows = 0;
};

bool is_endpoint(const MptcpSetting& setting) { return setting.group == "endpoint"; }

std::unexpected<Error> refuse(const MptcpSetting& setting, std::string_view why,
                              Error::Kind kind = Error::Kind::Rejected)
{
    return fail(kind, fmt::format("{}: {}", to_text(Tunable{setting}), why));
}

Result<kernel::Request> command(kernel::Kernel& kernel, std::uint8_t number, std::uint16_t flags = 0)
{
    kernel::Request request(TRY(kernel.netlink->family(MPTCP_PM_NAME)), flags);
    request.header(genlmsghdr{number, MPTCP_PM_VER, 0});
    return request;
}

Result<std::vector<MptcpEndpoint>> endpoints(kernel::Kernel& kernel)
{
    kernel::Request question = TRY(command(kernel, MPTCP_PM_CMD_GET_ADDR, NLM_F_DUMP));
    std::vector<MptcpEndpoint> found;
    TRY_VOID(kernel.netlink->ask_whole(
        NETLINK_GENERIC, question,
        [&](const nlmsghdr& message) {
            if (const auto endpoint = parse_mptcp_endpoint(message)) found.push_back(*endpoint);
        },
        [&] { found.clear(); }));
    return found;
}

Result<Limits> limits(kernel::Kernel& kernel)
{
    kernel::Request question = TRY(command(kernel, MPTCP_PM_CMD_GET_LIMITS));
    Limits found;
    TRY_VOID(kernel.netlink->ask(NETLINK_GENERIC, question, [&](const nlmsghdr& message) {
        kernel::each_attribute(message, sizeof(genlmsghdr), [&](auto type, std::span<const std::byte> payload) {
            if (type == MPTCP_PM_ATTR_RCV_ADD_ADDRS) found.add_addr_accepted = kernel::as_u32(payload);
            if (type == MPTCP_PM_ATTR_SUBFLOWS) found.subflows = kernel::as_u32(payload);
        });
    }));
    return found;
}

std::int64_t limit_in(const Limits& found, const MptcpSetting& setting)
{
    return setting.name == "subflows" ? found.subflows : found.add_addr_accepted;
}

Result<std::optional<MptcpEndpoint>> find_endpoint(kernel::Kernel& kernel, const MptcpSetting& setting)
{
    for (const MptcpEndpoint& endpoint : TRY(endpoints(kernel)))
        if (netwright::to_text(endpoint.address) == setting.name) return std::optional(endpoint);
    return std::optional<MptcpEndpoint>{};
}

Result<void> send(kernel::Kernel& kernel, const MptcpSetting& setting, kernel::Request request)
{
    auto done = kernel.netlink->ask(NETLINK_GENERIC, request, [](const nlmsghdr&) {});
    if (!done) return refuse(setting, done.error().what, done.error().kind);
    return {};
}

Result<void> write_limit(kernel::Kernel& kernel, const MptcpSetting& setting, std::int64_t number)
{
    Limits all = TRY(limits(kernel)); // older kernels want both
    (setting.name == "subflows" ? all.subflows : all.add_addr_accepted) = static_cast<std::uint32_t>(number);
    kernel::Request request = TRY(command(kernel, MPTCP_PM_CMD_SET_LIMITS));
    request.put_u32(MPTCP_PM_ATTR_RCV_ADD_ADDRS, all.add_addr_accepted);
    request.put_u32(MPTCP_PM_ATTR_SUBFLOWS, all.subflows);
    return send(kernel, setting, std::move(request));
}

// An endpoint is taken away before it is made with other flags: its connections lose that path for a moment.
Result<void> write_endpoint(kernel::Kernel& kernel, const MptcpSetting& setting, const std::string& text)
{
    const IpPrefix address = TRY(parse_ip_prefix(setting.name));
    MptcpEndpoint wanted = TRY(parse_mptcp_words(address, text));
    if (const auto old = TRY(find_endpoint(kernel, setting))) {
        kernel::Request removal = TRY(command(kernel, MPTCP_PM_CMD_DEL_ADDR));
        put_mptcp_endpoint(removal, *old);
        TRY_VOID(send(kernel, setting, std::move(removal)));
        if (!wanted.id) wanted.id = old->id;
    }
    if (text.empty()) return {};
    kernel::Request request = TRY(command(kernel, MPTCP_PM_CMD_ADD_ADDR));
    put_mptcp_endpoint(request, wanted);
    return send(kernel, setting, std::move(request));
}

struct MptcpKind : KindDefaults<MptcpSetting> {
    static Present read(kernel::Kernel& kernel, const MptcpSetting& setting)
    {
        if (!is_endpoint(setting)) return Value{limit_in(TRY(limits(kernel)), setting)};
        const auto endpoint = TRY(find_endpoint(kernel, setting));
        return endpoint ? std::optional<Value>(to_text(*endpoint)) : std::nullopt;
    }

    static Result<void> check(kernel::Kernel& kernel, const MptcpSetting& setting, const Value& value)
    {
        TRY_VOID(limits(kernel)); // Unsupported where the kernel has none
        if (!is_endpoint(setting)) {
            const auto* number = std::get_if<std::int64_t>(&value);
            if (!number || *number < 0 || *number > most)
                return refuse(setting, fmt::format("takes 0 to {}, not {}", most, netwright::to_text(value)));
            return {};
        }
        const IpPrefix address = TRY(parse_ip_prefix(setting.name));
        if (auto endpoint = parse_mptcp_words(address, netwright::to_text(value)); !endpoint)
            return refuse(setting, endpoint.error().what);
        return {};
    }

    static Result<void> write(kernel::Kernel& kernel, const MptcpSetting& setting, const Value& value)
    {
        if (is_endpoint(setting)) return write_endpoint(kernel, setting, netwright::to_text(value));
        const auto* number = std::get_if<std::int64_t>(&value);
        if (!number) return refuse(setting, "takes a number");
        return write_limit(kernel, setting, *number);
    }

    // The kernel numbers an endpoint that asked for no number.
    static bool same(const MptcpSetting& setting, const Value& a, const Value& b)
    {
        const auto address = parse_ip_prefix(setting.name);
        if (!is_endpoint(setting) || !address) return a == b;
        auto left = parse_mptcp_words(*address, netwright::to_text(a));
        auto right = parse_mptcp_words(*address, netwright::to_text(b));
        if (!left || !right) return false;
        if (!left->id || !right->id) left->id = right->id = std::nullopt;
        return to_text(*left) == to_text(*right);
    }

    static Result<std::vector<Reading>> list(kernel::Kernel& kernel)
    {
        std::vector<Reading> found;
        const auto known = limits(kernel);
        if (!known && known.error().kind == Error::Kind::Unsupported) return found;
        const Limits all = TRY(known);
        for (const char* name : {"add-addr-accepted", "subflows"}) {
            const MptcpSetting setting{"limit", name};
            found.push_back({setting, std::optional<Value>(limit_in(all, setting))});
        }
        for (const MptcpEndpoint& endpoint : TRY(endpoints(kernel)))
            found.push_back({MptcpSetting{"endpoint", netwright::to_text(endpoint.address)},
                             std::optional<Value>(to_text(endpoint))});
        return found;
    }

    static std::string undo_command(const MptcpSetting& setting, const std::optional<Value>& from)
    {
        const std::string old = from ? netwright::to_text(*from) : "";
        if (!is_endpoint(setting))
            return fmt::format("ip mptcp limits set {} {}",
                               setting.name == "subflows" ? "subflow" : "add_addr_accepted", old);
        const std::string remove =
            fmt::format("ip mptcp endpoint delete id \"$(ip mptcp endpoint show | awk '$1 == \"{}\" {{ print $3 }}')\"",
                        setting.name);
        return old.empty() ? remove : fmt::format("{}; ip mptcp endpoint add {} {}", remove, setting.name, old);
    }
};

} // namespace

constexpr Kind mptcp_kind = kind_of<MptcpKind>("mptcp", "generic netlink mptcp_pm");

} // namespace netwright::tunable
