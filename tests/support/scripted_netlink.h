// SPDX-License-Identifier: GPL-2.0-or-later
// A kernel's side of netlink conversations, written down by the test: what is asked must have been expected.
#pragma once

#include "kernel/netlink.h"

#include <linux/genetlink.h>

#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace support {

using Message = std::vector<std::byte>;

inline Message message(netwright::kernel::Request request)
{
    const auto bytes = request.bytes();
    return {bytes.begin(), bytes.end()};
}

inline const nlmsghdr& header(const Message& message) { return *reinterpret_cast<const nlmsghdr*>(message.data()); }

class ScriptedNetlink : public netwright::kernel::Netlink {
public:
    static constexpr std::uint16_t family_number = 21; // of every generic family

    struct Answer {
        std::vector<Message> messages;    // come first
        netwright::Result<void> end = {}; // then this
    };
    enum class Form { Dump, Single };

    // Expected questions: of rtnetlink by message type, of a generic family by its command. Each may be asked often.
    void expect(int protocol, unsigned what, Form form, Answer answer)
    {
        answers_[{protocol, what, form}] = std::move(answer);
    }
    int asked(int protocol, unsigned what, Form form) const
    {
        const auto found = counts_.find({protocol, what, form});
        return found == counts_.end() ? 0 : found->second;
    }

    netwright::Result<void> ask(int protocol, netwright::kernel::Request& question,
                                const netwright::kernel::EachAnswer& each) override
    {
        const auto bytes = question.bytes();
        nlmsghdr head{};
        std::memcpy(&head, bytes.data(), sizeof head);
        if (head.nlmsg_type == GENL_ID_CTRL) return name_family(each);
        const auto command = static_cast<unsigned>(bytes[NLMSG_HDRLEN]); // genlmsghdr::cmd
        const Key key{protocol, protocol == NETLINK_GENERIC ? command : head.nlmsg_type,
                      (head.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP ? Form::Dump : Form::Single};
        ++counts_[key];
        const auto found = answers_.find(key);
        if (found == answers_.end())
            throw std::logic_error("an unexpected question: " + std::to_string(std::get<1>(key)));
        for (const Message& one : found->second.messages)
            each(header(one));
        return found->second.end;
    }

private:
    using Key = std::tuple<int, unsigned, Form>;

    static netwright::Result<void> name_family(const netwright::kernel::EachAnswer& each)
    {
        netwright::kernel::Request answer(GENL_ID_CTRL, 0);
        answer.header(genlmsghdr{CTRL_CMD_NEWFAMILY, 1, 0}).put_u16(CTRL_ATTR_FAMILY_ID, family_number);
        each(header(message(answer)));
        return {};
    }

    std::map<Key, Answer> answers_;
    std::map<Key, int> counts_;
};

} // namespace support
