// SPDX-License-Identifier: GPL-2.0-or-later
// Stands in front of netlink: says that there is a family "ethtool", and answers for it.
#include "kernel/ethtool_ioctl.h"

#include "kernel/ethtool_ioctl_messages.h"

#include <fmt/format.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <linux/rtnetlink.h>

#include <cerrno>

namespace netwright::kernel {
namespace {

// Beyond every number that the kernel gives to a family (GENL_MAX_ID in linux/genetlink.h).
constexpr std::uint16_t our_family = 0x7e70;
static_assert(our_family > GENL_MAX_ID);

struct Interface {
    std::uint32_t index = 0;
    std::string name;
};

Interface parse_link(const nlmsghdr& message)
{
    const auto link = fixed_part<ifinfomsg>(message);
    Interface interface{link ? static_cast<std::uint32_t>(link->ifi_index) : 0, ""};
    each_attribute(message, sizeof(ifinfomsg), [&](std::uint16_t type, std::span<const std::byte> payload) {
        if (type == IFLA_IFNAME) interface.name = as_text(payload);
    });
    return interface;
}

bool asks_for_family(const nlmsghdr& message)
{
    bool ethtool = false;
    if (message.nlmsg_type != GENL_ID_CTRL) return false;
    each_attribute(message, sizeof(genlmsghdr), [&](std::uint16_t type, std::span<const std::byte> payload) {
        if (type == CTRL_ATTR_FAMILY_NAME) ethtool = as_text(payload) == ETHTOOL_GENL_NAME;
    });
    return ethtool;
}

void hand_over(Request& answer, const EachAnswer& each)
{
    each(*reinterpret_cast<const nlmsghdr*>(answer.bytes().data()));
}

Request answer_about(const EthtoolQuestion& question, const Interface& interface)
{
    Request answer(our_family, 0);
    answer.header(genlmsghdr{question.command, ETHTOOL_GENL_VERSION, 0});
    const std::size_t header = answer.begin(ethtool_header_attribute);
    if (interface.index != 0) answer.put_u32(ETHTOOL_A_HEADER_DEV_INDEX, interface.index);
    answer.put_text(ETHTOOL_A_HEADER_DEV_NAME, interface.name);
    answer.end(header);
    return answer;
}

class WithEthtoolIoctl : public Netlink {
public:
    WithEthtoolIoctl(std::unique_ptr<Netlink> netlink, EthtoolIoctl when) : netlink_(std::move(netlink)), when_(when) {}

    Result<void> ask(int protocol, Request& question, const EachAnswer& each) override
    {
        const auto& message = *reinterpret_cast<const nlmsghdr*>(question.bytes().data());
        if (protocol == NETLINK_GENERIC && asks_for_family(message)) return name_family(question, each);
        if (protocol != NETLINK_GENERIC || message.nlmsg_type != our_family)
            return netlink_->ask(protocol, question, each);
        const EthtoolQuestion asked = parse_ethtool_question(message);
        return asked.dump ? answer_all(asked, each) : answer_one(asked, each);
    }

private:
    Result<void> name_family(Request& question, const EachAnswer& each)
    {
        if (when_ == EthtoolIoctl::WhereNetlinkHasNone) {
            auto asked = netlink_->ask(NETLINK_GENERIC, question, each);
            // ctrl_getfamily() in net/netlink/genetlink.c: ENOENT for a family that there is not.
            if (asked || asked.error().code != ENOENT) return asked;
        }
        Request answer(GENL_ID_CTRL, 0);
        answer.header(genlmsghdr{CTRL_CMD_NEWFAMILY, 1, 0}).put_u16(CTRL_ATTR_FAMILY_ID, our_family);
        hand_over(answer, each);
        return {};
    }

    Result<void> answer_one(const EthtoolQuestion& question, const EachAnswer& each)
    {
        const EthtoolSocket* const socket = TRY(open());
        EthtoolQuestion about = question;
        // The loopback device is every namespace's first: strings that belong to no interface are asked of it.
        if (about.nic.empty()) about.nic = TRY(socket->name(question.index != 0 ? question.index : 1));
        Request answer = answer_about(about, {question.index, about.nic});
        TRY_VOID(answer_by_ioctl(*socket, about, answer));
        hand_over(answer, each);
        return {};
    }

    // As ethnl_default_dumpit() does: interfaces whose driver has no answer, and those that have gone, are passed over.
    Result<void> answer_all(const EthtoolQuestion& question, const EachAnswer& each)
    {
        const EthtoolSocket* const socket = TRY(open());
        for (const Interface& interface : TRY(interfaces())) {
            EthtoolQuestion about = question;
            about.nic = interface.name;
            Request answer = answer_about(about, interface);
            const auto answered = answer_by_ioctl(*socket, about, answer);
            if (answered) hand_over(answer, each);
            if (!answered && answered.error().kind != Error::Kind::Unsupported &&
                answered.error().kind != Error::Kind::Absent)
                return answered;
        }
        return {};
    }

    Result<std::vector<Interface>> interfaces()
    {
        Request question(RTM_GETLINK, NLM_F_DUMP);
        question.header(ifinfomsg{});
        std::vector<Interface> found;
        TRY_VOID(netlink_->ask_whole(
            NETLINK_ROUTE, question, [&](const nlmsghdr& message) { found.push_back(parse_link(message)); },
            [&] { found.clear(); }));
        return found;
    }

    Result<const EthtoolSocket*> open()
    {
        if (!socket_) socket_ = TRY(EthtoolSocket::open());
        return &*socket_;
    }

    std::unique_ptr<Netlink> netlink_;
    EthtoolIoctl when_;
    std::optional<EthtoolSocket> socket_; // like netlink's: of the namespace in which the first question was asked
};

} // namespace

EthtoolQuestion parse_ethtool_question(const nlmsghdr& message)
{
    EthtoolQuestion question;
    question.command = fixed_part<genlmsghdr>(message).value_or(genlmsghdr{}).cmd;
    question.dump = (message.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
    question.attributes = generic_attributes(message);
    const auto take = [&](std::uint16_t type, std::span<const std::byte> payload) {
        if (type == ETHTOOL_A_HEADER_DEV_INDEX) question.index = as_u32(payload);
        if (type == ETHTOOL_A_HEADER_DEV_NAME) question.nic = as_text(payload);
        if (type == ETHTOOL_A_HEADER_FLAGS) question.compact = (as_u32(payload) & ETHTOOL_FLAG_COMPACT_BITSETS) != 0;
    };
    each_attribute(question.attributes, [&](std::uint16_t type, std::span<const std::byte> header) {
        if (type == ethtool_header_attribute) each_attribute(header, take);
    });
    return question;
}

Result<void> answer_by_ioctl(const EthtoolSocket& socket, const EthtoolQuestion& question, Request& answer)
{
    EthtoolHandler handler = ethtool_numbers_handler(question.command);
    if (handler == nullptr) handler = ethtool_sets_handler(question.command);
    if (handler != nullptr) return handler(socket, question, answer);
    return fail(
        Error::Kind::Unsupported,
        fmt::format("this kernel has no ethtool netlink, and its ioctl has no form of message {}", question.command),
        EOPNOTSUPP);
}

std::unique_ptr<Netlink> with_ethtool_ioctl(std::unique_ptr<Netlink> netlink, EthtoolIoctl when)
{
    return std::make_unique<WithEthtoolIoctl>(std::move(netlink), when);
}

} // namespace netwright::kernel
