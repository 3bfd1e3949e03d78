// SPDX-License-Identifier: GPL-2.0-or-later
// Who answers for the family "ethtool", and what the ioctl answers about lo, which every namespace has and nobody needs
// rights to ask. tests/netns/nic_test.cpp compares and sets through both.
#include "kernel/ethtool_ioctl.h"
#include "kernel/ethtool_ioctl_messages.h"
#include "kernel/ethtool_netlink.h"

#include <doctest/doctest.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>

#include <algorithm>
#include <cerrno>

using namespace netwright;
using namespace netwright::kernel;

namespace {

// A kernel whose generic netlink has one family, or refuses to say.
class OneFamily : public Netlink {
public:
    OneFamily(std::string name, int otherwise) : name_(std::move(name)), otherwise_(otherwise) {}
    Result<void> ask(int, Request& question, const EachAnswer& each) override
    {
        const auto& message = *reinterpret_cast<const nlmsghdr*>(question.bytes().data());
        if (message.nlmsg_type != GENL_ID_CTRL) return {};
        std::string name;
        each_attribute(message, sizeof(genlmsghdr),
                       [&](std::uint16_t, std::span<const std::byte> payload) { name = as_text(payload); });
        if (name != name_) return std::unexpected(errno_error("netlink", otherwise_));
        Request answer(GENL_ID_CTRL, 0);
        answer.header(genlmsghdr{CTRL_CMD_NEWFAMILY, 1, 0}).put_u16(CTRL_ATTR_FAMILY_ID, 21);
        each(*reinterpret_cast<const nlmsghdr*>(answer.bytes().data()));
        return {};
    }

private:
    std::string name_;
    int otherwise_;
};

std::unique_ptr<Netlink> over(std::string family, int otherwise, EthtoolIoctl when = EthtoolIoctl::WhereNetlinkHasNone)
{
    return with_ethtool_ioctl(std::make_unique<OneFamily>(std::move(family), otherwise), when);
}

Result<EthtoolQuestion> asked_about(Netlink& netlink, std::uint8_t command, std::string_view nic,
                                    std::vector<std::byte>& kept)
{
    Request question = ethtool_request(TRY(netlink.family(ETHTOOL_GENL_NAME)), command, nic);
    TRY_VOID(netlink.ask(NETLINK_GENERIC, question, [&](const nlmsghdr& message) {
        const auto* first = reinterpret_cast<const std::byte*>(&message);
        kept.assign(first, first + message.nlmsg_len);
    }));
    return parse_ethtool_question(*reinterpret_cast<const nlmsghdr*>(kept.data()));
}

} // namespace

TEST_CASE("a kernel that has ethtool netlink is asked by it, one that has not by ioctl")
{
    CHECK(*over("ethtool", ENOENT)->family("ethtool") == 21);
    CHECK(*over("ethtool", ENOENT, EthtoolIoctl::Always)->family("ethtool") > GENL_MAX_ID);
    CHECK(*over("mptcp_pm", ENOENT)->family("ethtool") > GENL_MAX_ID);
    CHECK(*over("mptcp_pm", ENOENT)->family("mptcp_pm") == 21);
}

TEST_CASE("only a family that there is not has the ioctl in its place")
{
    CHECK(over("mptcp_pm", EPERM)->family("ethtool").error().kind == Error::Kind::Refused);
    CHECK(over("ethtool", ENOENT)->family("mptcp_pm").error().kind == Error::Kind::Unsupported);
}

TEST_CASE("the ioctl's answer is about the interface that was asked for")
{
    const auto netlink = over("", ENOENT);
    std::vector<std::byte> kept;
    const auto answer = asked_about(*netlink, ETHTOOL_MSG_FEATURES_GET, "lo", kept);
    REQUIRE(answer);
    CHECK(answer->nic == "lo");
    const auto names = ethtool_strings(*netlink, ETH_SS_FEATURES);
    REQUIRE(names);
    const auto features = parse_ethtool_features(answer->attributes, *names);
    const auto loopback = std::ranges::find(features, "loopback", &EthtoolFeature::name);
    REQUIRE(loopback != features.end());
    CHECK(loopback->active);
    CHECK(loopback->fixed);
}

TEST_CASE("what the ioctl cannot answer is absent or unsupported, as it would be over netlink")
{
    const auto netlink = over("", ENOENT);
    std::vector<std::byte> kept;
    const auto kind = [&](std::uint8_t command, std::string_view nic) {
        return asked_about(*netlink, command, nic, kept).error().kind;
    };
    CHECK(kind(ETHTOOL_MSG_RINGS_GET, "lo") == Error::Kind::Unsupported); // no driver with rings
    CHECK(kind(ETHTOOL_MSG_EEE_GET, "lo") == Error::Kind::Unsupported);
    CHECK(kind(ETHTOOL_MSG_PRIVFLAGS_GET, "lo") == Error::Kind::Unsupported);
    CHECK(kind(ETHTOOL_MSG_RINGS_GET, "nwnone0") == Error::Kind::Absent);
    CHECK(kind(ETHTOOL_MSG_TSINFO_GET, "lo") == Error::Kind::Unsupported); // not among the messages
    CHECK(kind(0, "lo") == Error::Kind::Unsupported);
    CHECK(kind(ETHTOOL_MSG_RINGS_GET, "a name longer than any") == Error::Kind::Rejected);
}

TEST_CASE("a bit that has no name here is not set, and neither is an attribute that the ioctl does not have")
{
    const auto socket = EthtoolSocket::open();
    REQUIRE(socket);
    Request change = ethtool_request(0, ETHTOOL_MSG_FEATURES_SET, "lo");
    put_ethtool_bit(change, ETHTOOL_A_FEATURES_WANTED, "rx-nonsense", true);
    const auto& message = *reinterpret_cast<const nlmsghdr*>(change.bytes().data());
    Request answer(0, 0);
    CHECK(answer_by_ioctl(*socket, parse_ethtool_question(message), answer).error().kind == Error::Kind::Rejected);

    Request modes = ethtool_request(0, ETHTOOL_MSG_LINKMODES_SET, "lo");
    const auto& other = *reinterpret_cast<const nlmsghdr*>(modes.put_u8(ETHTOOL_A_LINKMODES_LANES, 1).bytes().data());
    CHECK(answer_by_ioctl(*socket, parse_ethtool_question(other), answer).error().kind == Error::Kind::Unsupported);
}

TEST_CASE("a question that is cut off is a question about nothing")
{
    Request nothing(0, NLM_F_DUMP);
    const EthtoolQuestion question = parse_ethtool_question(*reinterpret_cast<const nlmsghdr*>(nothing.bytes().data()));
    CHECK(question.command == 0);
    CHECK(question.dump);
    CHECK(question.nic.empty());
    CHECK(question.attributes.empty());
}
