// SPDX-License-Identifier: GPL-2.0-or-later
// Flow rules of the hardware: which receive queue takes a flow, ahead of RSS. Over the ioctl (ETHTOOL_GRXCLSRULE,
// ETHTOOL_SRXCLSRLINS, ETHTOOL_SRXCLSRLDEL), the only form there is.
#include "base/text.h"
#include "kernel/ethtool.h"
#include "kernel/flow_rule.h"
#include "tunable/kinds.h"

#include <fmt/format.h>

#include <cerrno>

namespace netwright::tunable {
namespace {

Result<kernel::EthtoolSocket> open(const kernel::Kernel& kernel)
{
    if (kernel.files.is_live()) return kernel::EthtoolSocket::open();
    return fail(Error::Kind::Unsupported, "a captured tree does not answer ethtool");
}

Result<std::uint32_t> location_of(const NicSetting& nic)
{
    return static_cast<std::uint32_t>(TRY(parse_unsigned(nic.name)));
}

std::unexpected<Error> explain(const NicSetting& nic, Error error)
{
    if (error.code == ENODEV) return no_such_interface(nic.nic);
    if (error.kind == Error::Kind::Unsupported)
        error.what = fmt::format("{}: {} takes no flow rules (its driver has none, or nic/{}/offload/rx-ntuple-filter "
                                 "is off)",
                                 to_text(Tunable(nic)), nic.nic, nic.nic);
    return std::unexpected(std::move(error));
}

struct FlowRule : KindDefaults<NicSetting> {
    static Present read(kernel::Kernel& kernel, const NicSetting& nic)
    {
        const auto ethtool = TRY(open(kernel));
        const auto rules = ethtool.flow_rules(nic.nic); // tells "takes none" from "none at this location"
        if (!rules) return explain(nic, rules.error());
        const auto rule = ethtool.flow_rule(nic.nic, TRY(location_of(nic)));
        if (rule) return std::optional<Value>(kernel::flow_rule_text(*rule));
        if (rule.error().kind == Error::Kind::Absent) return std::optional<Value>();
        return explain(nic, rule.error());
    }

    static Result<void> check(kernel::Kernel& kernel, const NicSetting& nic, const Value& value)
    {
        TRY_VOID(read(kernel, nic));
        const auto rule = TRY(kernel::parse_flow_rule(to_text(value)));
        const auto ethtool = TRY(open(kernel));
        const auto queues = ethtool.receive_queues(nic.nic);
        if (rule.ring_cookie == RX_CLS_FLOW_DISC || !queues || ethtool_get_flow_spec_ring(rule.ring_cookie) < *queues)
            return {};
        return fail(Error::Kind::Rejected, fmt::format("{}: there is no receive queue {}: {} has {}",
                                                       to_text(Tunable(nic)), rule.ring_cookie, nic.nic, *queues));
    }

    static Result<void> write(kernel::Kernel& kernel, const NicSetting& nic, const Value& value)
    {
        const auto ethtool = TRY(open(kernel));
        const std::uint32_t location = TRY(location_of(nic));
        auto written = put(ethtool, nic, location, to_text(value));
        if (!written && written.error().kind == Error::Kind::Unsupported) return explain(nic, written.error());
        if (!written) return write_failed(nic, value, std::move(written).error());
        return {};
    }

    static Result<std::vector<Reading>> list(kernel::Kernel& kernel)
    {
        std::vector<Reading> found;
        const auto nics = TRY(kernel.files.list("sys/class/net"));
        const auto ethtool = TRY(open(kernel));
        for (const std::string& nic : nics) {
            const auto locations = ethtool.flow_rules(nic);
            for (const std::uint32_t location : locations ? *locations : std::vector<std::uint32_t>{}) {
                const NicSetting rule{nic, "ntuple", fmt::format("{}", location)};
                found.push_back({rule, read(kernel, rule)});
            }
        }
        return found;
    }

    static std::string undo_command(const NicSetting& nic, const std::optional<Value>& from)
    {
        const std::string device = shell_word(nic.nic);
        const std::string text = from ? to_text(*from) : "";
        if (text.empty()) return fmt::format("ethtool -N {} delete {}", device, nic.name);
        if (text.starts_with("raw ") || text.find('/') != std::string::npos)
            return fmt::format("# ethtool -N {} loc {}: {}; false", device, nic.name, text);
        return fmt::format("ethtool -N {} {} loc {}", device, text, nic.name);
    }

private:
    static Result<void> put(const kernel::EthtoolSocket& ethtool, const NicSetting& nic, std::uint32_t location,
                            const std::string& text)
    {
        if (!text.empty()) {
            ethtool_rx_flow_spec rule = TRY(kernel::parse_flow_rule(text));
            rule.location = location;
            return ethtool.insert_flow_rule(nic.nic, rule);
        }
        auto deleted = ethtool.delete_flow_rule(nic.nic, location);
        if (!deleted && deleted.error().code == ENOENT) return {};
        return deleted;
    }
};

} // namespace

constexpr Kind nic_ntuple_kind =
    kind_of<FlowRule>("nic/ntuple", "ethtool ioctl ETHTOOL_GRXCLSRULE, SRXCLSRLINS, SRXCLSRLDEL");

} // namespace netwright::tunable
