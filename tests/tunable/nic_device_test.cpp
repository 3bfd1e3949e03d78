// SPDX-License-Identifier: GPL-2.0-or-later
// Settings that no device of our machines has: Energy-Efficient Ethernet, a driver's private flags, virtual functions.
// Here a device of our own keeps them, and answers as net/ethtool/ and net/core/rtnetlink.c would.
#include "kernel/ethtool_netlink.h"
#include "tunable/tree.h"
#include "tunable/tunable_kind.h"

#include <doctest/doctest.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <array>
#include <cerrno>

using namespace netwright;
using namespace netwright::kernel;
using Payload = std::span<const std::byte>;

namespace {

constexpr std::uint16_t family_number = 21;

struct Function {
    std::uint32_t trust = 0, spoof_check = 1, least = 0, most = 0;
};

// eth0, and nothing else.
struct Device : Netlink {
    std::map<std::uint16_t, std::uint32_t> eee{
        {ETHTOOL_A_EEE_ENABLED, 1}, {ETHTOOL_A_EEE_TX_LPI_ENABLED, 1}, {ETHTOOL_A_EEE_TX_LPI_TIMER, 17}};
    std::map<std::string, bool> flags{{"legacy-rx", false}, {"link-down-on-close", true}};
    std::array<Function, 2> functions;

    Result<void> ask(int protocol, Request& question, const EachAnswer& each) override
    {
        const auto& message = *reinterpret_cast<const nlmsghdr*>(question.bytes().data());
        if (message.nlmsg_type == GENL_ID_CTRL) return name_family(each);
        return protocol == NETLINK_ROUTE ? link(message, each) : ethtool(message, each);
    }

private:
    static void hand_over(Request& answer, const EachAnswer& each)
    {
        each(*reinterpret_cast<const nlmsghdr*>(answer.bytes().data()));
    }

    static Result<void> name_family(const EachAnswer& each)
    {
        Request answer(GENL_ID_CTRL, 0);
        answer.header(genlmsghdr{CTRL_CMD_NEWFAMILY, 1, 0}).put_u16(CTRL_ATTR_FAMILY_ID, family_number);
        hand_over(answer, each);
        return {};
    }

    Result<void> ethtool(const nlmsghdr& message, const EachAnswer& each)
    {
        const std::uint8_t command = fixed_part<genlmsghdr>(message)->cmd;
        if (ethtool_interface_name(message) != "eth0") return fail(Error::Kind::Absent, "netlink", ENODEV);
        if (command == ETHTOOL_MSG_EEE_SET) return set_eee(message);
        if (command == ETHTOOL_MSG_PRIVFLAGS_SET) return set_flags(message);
        Request answer = ethtool_request(family_number, command, "eth0");
        if (command == ETHTOOL_MSG_EEE_GET)
            put_eee(answer);
        else if (command == ETHTOOL_MSG_PRIVFLAGS_GET)
            put_flags(answer);
        else
            return fail(Error::Kind::Unsupported, "netlink", EOPNOTSUPP);
        hand_over(answer, each);
        return {};
    }

    void put_eee(Request& answer) const
    {
        for (const auto& [type, value] : eee)
            type == ETHTOOL_A_EEE_TX_LPI_TIMER ? answer.put_u32(type, value)
                                               : answer.put_u8(type, static_cast<std::uint8_t>(value));
    }

    Result<void> set_eee(const nlmsghdr& message)
    {
        each_attribute(generic_attributes(message), [&](std::uint16_t type, Payload payload) {
            if (eee.contains(type)) eee[type] = payload.size() == 1 ? as_u8(payload) : as_u32(payload);
        });
        return {};
    }

    void put_flags(Request& answer) const
    {
        const std::size_t set = answer.begin(ETHTOOL_A_PRIVFLAGS_FLAGS), bits = answer.begin(ETHTOOL_A_BITSET_BITS);
        for (const auto& [name, on] : flags) {
            const std::size_t bit = answer.begin(ETHTOOL_A_BITSET_BITS_BIT);
            answer.put_text(ETHTOOL_A_BITSET_BIT_NAME, name);
            if (on) answer.put_flag(ETHTOOL_A_BITSET_BIT_VALUE);
            answer.end(bit);
        }
        answer.end(bits);
        answer.end(set);
    }

    Result<void> set_flags(const nlmsghdr& message)
    {
        each_attribute(generic_attributes(message), [&](std::uint16_t type, Payload payload) {
            if (type != ETHTOOL_A_PRIVFLAGS_FLAGS) return;
            for (const auto& [name, on] : parse_ethtool_named_bits(payload))
                flags.at(name) = on;
        });
        return {};
    }

    Result<void> link(const nlmsghdr& message, const EachAnswer& each)
    {
        if (message.nlmsg_type == RTM_SETLINK) return set_functions(message);
        Request answer(RTM_NEWLINK, 0);
        ifinfomsg head{};
        head.ifi_index = 3;
        answer.header(head).put_text(IFLA_IFNAME, "eth0");
        const std::size_t list = answer.begin(IFLA_VFINFO_LIST);
        for (std::uint32_t i = 0; i < functions.size(); ++i)
            put_function(answer, i, functions[i]);
        answer.end(list);
        hand_over(answer, each);
        return {};
    }

    template <class Structure>
    static void put(Request& answer, std::uint16_t type, const Structure& value)
    {
        answer.put(type, std::as_bytes(std::span(&value, 1)));
    }

    static void put_function(Request& answer, std::uint32_t number, const Function& one)
    {
        const std::size_t info = answer.begin(IFLA_VF_INFO);
        put(answer, IFLA_VF_MAC, ifla_vf_mac{number, {}});
        put(answer, IFLA_VF_TRUST, ifla_vf_trust{number, one.trust});
        put(answer, IFLA_VF_SPOOFCHK, ifla_vf_spoofchk{number, one.spoof_check});
        put(answer, IFLA_VF_RATE, ifla_vf_rate{number, one.least, one.most});
        answer.end(info);
    }

    Result<void> set_functions(const nlmsghdr& message)
    {
        if (fixed_part<ifinfomsg>(message)->ifi_index != 3) return fail(Error::Kind::Absent, "netlink", ENODEV);
        const auto take = [&](std::uint16_t type, Payload payload) {
            const auto trust = as_structure<ifla_vf_trust>(payload);
            const auto rate = as_structure<ifla_vf_rate>(payload);
            if (type == IFLA_VF_TRUST) functions.at(trust.vf).trust = trust.setting;
            if (type == IFLA_VF_SPOOFCHK) functions.at(trust.vf).spoof_check = trust.setting;
            if (type == IFLA_VF_RATE) functions.at(rate.vf).least = rate.min_tx_rate;
            if (type == IFLA_VF_RATE) functions.at(rate.vf).most = rate.max_tx_rate;
        };
        each_attribute(message, sizeof(ifinfomsg), [&](std::uint16_t type, Payload list) {
            if (type != IFLA_VFINFO_LIST) return;
            each_attribute(list, [&](std::uint16_t, Payload info) { each_attribute(info, take); });
        });
        return {};
    }
};

struct Host {
    test::Tree tree;
    Kernel kernel = tree.kernel();
    Device* device = nullptr;

    Host()
    {
        auto made = std::make_unique<Device>();
        device = made.get();
        kernel.netlink = std::move(made);
    }
    std::string shown(const char* address)
    {
        const auto value = tunable::read(kernel, *parse_tunable(address));
        return !value ? value.error().what : *value ? to_text(**value) : "nothing";
    }
    // What a transaction does: parse, check, write.
    std::string set(const char* address, const char* text)
    {
        const Tunable tunable = *parse_tunable(address);
        const auto value = parse_value(tunable, text);
        if (!value) return value.error().what;
        if (const auto checked = tunable::check(kernel, tunable, *value); !checked) return checked.error().what;
        const auto written = tunable::write(kernel, tunable, *value);
        return written ? shown(address) : written.error().what;
    }
};

} // namespace

TEST_CASE("Energy-Efficient Ethernet: what is set is what the device has, and the rest of it stays")
{
    Host host;
    CHECK(host.shown("nic/eth0/eee/enabled") == "on");
    CHECK(host.shown("nic/eth0/eee/tx-timer") == "17");
    CHECK(host.set("nic/eth0/eee/tx-timer", "30") == "30");
    CHECK(host.set("nic/eth0/eee/enabled", "off") == "off");
    CHECK(host.device->eee == std::map<std::uint16_t, std::uint32_t>{{ETHTOOL_A_EEE_ENABLED, 0},
                                                                     {ETHTOOL_A_EEE_TX_LPI_ENABLED, 1},
                                                                     {ETHTOOL_A_EEE_TX_LPI_TIMER, 30}});
    CHECK(host.set("nic/eth0/eee/enabled", "7") == "nic/eth0/eee/enabled: '7' is neither on nor off");
    CHECK(host.set("nic/eth1/eee/enabled", "on") == "there is no interface eth1 here (see: ip link)");
}

TEST_CASE("private flags go by the driver's own names, one at a time")
{
    Host host;
    CHECK(host.shown("nic/eth0/private-flag/legacy-rx") == "off");
    CHECK(host.set("nic/eth0/private-flag/legacy-rx", "on") == "on");
    CHECK(host.shown("nic/eth0/private-flag/link-down-on-close") == "on");
    CHECK(host.set("nic/eth0/private-flag/legacy-rx", "off") == "off");
    CHECK(host.set("nic/eth0/private-flag/nonsense", "on") ==
          "nic/eth0/private-flag/nonsense: the driver of eth0 has only legacy-rx, link-down-on-close");
}

TEST_CASE("a virtual function's trust, spoof check and rate are set for it alone")
{
    Host host;
    host.device->functions[1].least = 100;
    CHECK(host.shown("nic/eth0/vf-1/trust") == "off");
    CHECK(host.set("nic/eth0/vf-1/trust", "on") == "on");
    CHECK(host.set("nic/eth0/vf-1/spoofchk", "off") == "off");
    CHECK(host.set("nic/eth0/vf-1/max-tx-rate", "2000") == "2000");
    CHECK(host.device->functions[1].least == 100); // set together with the other, so it is sent as it was
    CHECK(host.shown("nic/eth0/vf-0/trust") == "off");
    CHECK(host.shown("nic/eth0/vf-0/spoofchk") == "on");
    CHECK(host.shown("nic/eth0/vf-0/max-tx-rate") == "0");
    CHECK(host.set("nic/eth0/vf-2/trust", "on") == "nic/eth0/vf-2/trust: eth0 has 2 virtual functions, from vf-0");
    host.device->functions[0].trust = 0xffffffff; // what drivers without that switch answer
    CHECK(host.shown("nic/eth0/vf-0/trust").find("the driver of eth0 does not have it") != std::string::npos);
}

TEST_CASE("virtual functions are counted up to the device's most, and only by way of none")
{
    Host host;
    CHECK(host.set("nic/eth0/vfs", "2").find("eth0 is no SR-IOV device") != std::string::npos);
    host.tree.put("sys/class/net/eth0/device/sriov_totalvfs", "8\n");
    host.tree.put("sys/class/net/eth0/device/sriov_numvfs", "0\n");
    CHECK(host.set("nic/eth0/vfs", "4") == "4");
    CHECK(host.set("nic/eth0/vfs", "9") == "nic/eth0/vfs 9: this device takes 0 to 8");
    CHECK(host.set("nic/eth0/vfs", "2").find("set it to 0 first") != std::string::npos);
    CHECK(host.set("nic/eth0/vfs", "0") == "0");
}
