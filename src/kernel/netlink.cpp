// SPDX-License-Identifier: GPL-2.0-or-later
// Netlink conversations over libmnl.
#include "kernel/netlink.h"

#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace netwright::kernel {

Request::Request(std::uint16_t type, std::uint16_t flags)
{
    bytes_.reserve(256);
    nlmsghdr head{};
    head.nlmsg_type = type;
    head.nlmsg_flags = static_cast<std::uint16_t>(flags | NLM_F_REQUEST);
    append(&head, sizeof head);
}

void Request::append(const void* data, std::size_t size)
{
    const auto* first = static_cast<const std::byte*>(data);
    bytes_.insert(bytes_.end(), first, first + size);
    bytes_.resize(NLMSG_ALIGN(bytes_.size()));
}

Request& Request::put(std::uint16_t type, std::span<const std::byte> data)
{
    nlattr attribute{static_cast<std::uint16_t>(sizeof(nlattr) + data.size()), type};
    const auto* head = reinterpret_cast<const std::byte*>(&attribute);
    bytes_.insert(bytes_.end(), head, head + sizeof attribute);
    append(data.data(), data.size());
    return *this;
}

Request& Request::put_u8(std::uint16_t type, std::uint8_t value)
{
    return put(type, std::as_bytes(std::span(&value, 1)));
}
Request& Request::put_u16(std::uint16_t type, std::uint16_t value)
{
    return put(type, std::as_bytes(std::span(&value, 1)));
}
Request& Request::put_u32(std::uint16_t type, std::uint32_t value)
{
    return put(type, std::as_bytes(std::span(&value, 1)));
}
Request& Request::put_u64(std::uint16_t type, std::uint64_t value)
{
    return put(type, std::as_bytes(std::span(&value, 1)));
}
Request& Request::put_flag(std::uint16_t type) { return put(type, {}); }

Request& Request::put_text(std::uint16_t type, std::string_view text)
{
    const std::string terminated(text);
    return put(type, std::as_bytes(std::span(terminated.c_str(), terminated.size() + 1)));
}

std::size_t Request::begin(std::uint16_t type)
{
    const std::size_t mark = bytes_.size();
    put(static_cast<std::uint16_t>(type | NLA_F_NESTED), {});
    return mark;
}

void Request::end(std::size_t mark)
{
    const auto length = static_cast<std::uint16_t>(bytes_.size() - mark);
    std::memcpy(bytes_.data() + mark, &length, sizeof length); // nla_len comes first in nlattr
}

std::span<std::byte> Request::bytes()
{
    const auto length = static_cast<std::uint32_t>(bytes_.size());
    std::memcpy(bytes_.data(), &length, sizeof length); // nlmsg_len comes first in nlmsghdr
    return bytes_;
}

namespace {

// The extended acknowledgement's own words, where the kernel sent some (NETLINK_EXT_ACK).
std::string complaint(const nlmsghdr& message, const nlmsgerr& error)
{
    if (!(message.nlmsg_flags & NLM_F_ACK_TLVS)) return {};
    std::size_t offset = sizeof(nlmsgerr);
    if (!(message.nlmsg_flags & NLM_F_CAPPED)) offset += NLMSG_ALIGN(error.msg.nlmsg_len) - sizeof(nlmsghdr);
    std::string text;
    if (message.nlmsg_len <= NLMSG_HDRLEN + offset) return text;
    each_attribute(message, offset, [&](std::uint16_t type, std::span<const std::byte> payload) {
        if (type == NLMSGERR_ATTR_MSG) text = as_text(payload);
    });
    return text;
}

class LiveNetlink : public Netlink {
public:
    ~LiveNetlink() override
    {
        for (const auto& [protocol, socket] : sockets_)
            mnl_socket_close(socket);
    }

    Result<void> ask(int protocol, Request& question, const EachAnswer& each) override
    {
        mnl_socket* const socket = TRY(open(protocol));
        const std::span<std::byte> message = question.bytes();
        auto* const head = reinterpret_cast<nlmsghdr*>(message.data());
        head->nlmsg_seq = ++sequence_;
        if (!(head->nlmsg_flags & NLM_F_DUMP & ~NLM_F_ACK)) head->nlmsg_flags |= NLM_F_ACK;
        if (mnl_socket_sendto(socket, head, head->nlmsg_len) < 0) return std::unexpected(errno_error("netlink", errno));
        return answers(socket, each);
    }

private:
    Result<mnl_socket*> open(int protocol)
    {
        for (const auto& [known, socket] : sockets_)
            if (known == protocol) return socket;
        mnl_socket* const socket = mnl_socket_open2(protocol, SOCK_CLOEXEC);
        if (!socket) return std::unexpected(errno_error("open a netlink socket", errno));
        if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
            const int code = errno;
            mnl_socket_close(socket);
            return std::unexpected(errno_error("bind a netlink socket", code));
        }
        // Strict checking makes the kernel honour dump filters; extended acks say what was wrong. Both may be missing.
        const int on = 1;
        (void)mnl_socket_setsockopt(socket, NETLINK_EXT_ACK, const_cast<int*>(&on), sizeof on);
        (void)mnl_socket_setsockopt(socket, NETLINK_GET_STRICT_CHK, const_cast<int*>(&on), sizeof on);
        sockets_.emplace_back(protocol, socket);
        return socket;
    }

    Result<void> answers(mnl_socket* socket, const EachAnswer& each)
    {
        bool disturbed = false;
        for (;;) {
            const ssize_t got = mnl_socket_recvfrom(socket, buffer_.get(), buffer_size);
            if (got < 0) {
                if (errno == EINTR) continue;
                if (errno == ENOSPC) // libmnl's word for an answer that was cut off
                    return fail(Error::Kind::Unsupported,
                                fmt::format("netlink: an answer is larger than {} KiB", buffer_size / 1024), ENOSPC);
                return std::unexpected(errno_error("netlink", errno));
            }
            int left = static_cast<int>(got);
            for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer_.get()); mnl_nlmsg_ok(message, left);
                 message = mnl_nlmsg_next(message, &left)) {
                if (message->nlmsg_seq != sequence_) continue; // the tail of a conversation that was given up
                if (message->nlmsg_flags & NLM_F_DUMP_INTR) disturbed = true;
                if (message->nlmsg_type == NLMSG_DONE) {
                    if (const auto failed = done_code(*message)) return std::unexpected(errno_error("netlink", failed));
                    if (disturbed)
                        return fail(Error::Kind::Interrupted, "the kernel's tables changed while they were read");
                    return {};
                }
                if (message->nlmsg_type == NLMSG_ERROR) {
                    if (message->nlmsg_len < NLMSG_LENGTH(sizeof(nlmsgerr)))
                        return fail(Error::Kind::Malformed, "netlink: short error message");
                    const auto& error = *static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message));
                    if (error.error == 0) return {};
                    const std::string words = complaint(*message, error);
                    return std::unexpected(
                        errno_error(words.empty() ? "netlink" : fmt::format("netlink: {}", words), -error.error));
                }
                each(*message);
            }
        }
    }

    static int done_code(const nlmsghdr& message)
    {
        if (message.nlmsg_len < NLMSG_LENGTH(sizeof(int))) return 0;
        int code = 0;
        std::memcpy(&code, mnl_nlmsg_get_payload(&message), sizeof code);
        return code < 0 ? -code : 0;
    }

    std::vector<std::pair<int, mnl_socket*>> sockets_;
    std::uint32_t sequence_ = 0;
    // The kernel fills at most 32 KiB per read of a dump (net/netlink/af_netlink.c netlink_dump()), but one message may
    // be longer: a link with 128 virtual functions takes about 50 KiB. Pages that are not used cost nothing.
    static constexpr std::size_t buffer_size = 256U << 10;
    std::unique_ptr<std::byte[]> buffer_ = std::make_unique_for_overwrite<std::byte[]>(buffer_size);
};

class AbsentNetlink : public Netlink {
public:
    explicit AbsentNetlink(std::string why) : why_(std::move(why)) {}
    Result<void> ask(int, Request&, const EachAnswer&) override { return fail(Error::Kind::Unsupported, why_); }

private:
    std::string why_;
};

template <class Number>
Number number(std::span<const std::byte> payload)
{
    Number value{};
    if (payload.size() == sizeof value) std::memcpy(&value, payload.data(), sizeof value);
    return value;
}

} // namespace

Result<void> Netlink::ask_whole(int protocol, Request& question, const EachAnswer& each,
                                const std::function<void()>& restart)
{
    for (int attempt = 1;; ++attempt) {
        auto result = ask(protocol, question, each);
        if (result || result.error().kind != Error::Kind::Interrupted || attempt == 4) return result;
        restart();
    }
}

Result<std::uint16_t> Netlink::family(std::string_view name)
{
    for (const auto& [known, number] : families_)
        if (known == name) return number;
    Request question(GENL_ID_CTRL, 0);
    question.header(genlmsghdr{CTRL_CMD_GETFAMILY, 1, 0}).put_text(CTRL_ATTR_FAMILY_NAME, name);
    Result<std::uint16_t> found =
        fail(Error::Kind::Unsupported, fmt::format("this kernel has no generic netlink family '{}'", name));
    const auto asked = ask(NETLINK_GENERIC, question, [&](const nlmsghdr& message) {
        each_attribute(message, sizeof(genlmsghdr), [&](std::uint16_t type, std::span<const std::byte> payload) {
            if (type == CTRL_ATTR_FAMILY_ID) found = as_u16(payload);
        });
    });
    if (!asked && asked.error().kind != Error::Kind::Absent) found = std::unexpected(asked.error());
    families_.emplace_back(name, found);
    return found;
}

std::unique_ptr<Netlink> live_netlink() { return std::make_unique<LiveNetlink>(); }
std::unique_ptr<Netlink> absent_netlink(std::string why) { return std::make_unique<AbsentNetlink>(std::move(why)); }

void each_attribute(const nlmsghdr& message, std::size_t header_size, const EachAttribute& each)
{
    const std::size_t start = NLMSG_HDRLEN + NLMSG_ALIGN(header_size);
    if (message.nlmsg_len <= start) return;
    each_attribute({reinterpret_cast<const std::byte*>(&message) + start, message.nlmsg_len - start}, each);
}

void each_attribute(std::span<const std::byte> nest, const EachAttribute& each)
{
    while (nest.size() >= sizeof(nlattr)) {
        nlattr head{};
        std::memcpy(&head, nest.data(), sizeof head);
        if (head.nla_len < sizeof head || head.nla_len > nest.size()) return;
        each(static_cast<std::uint16_t>(head.nla_type & NLA_TYPE_MASK),
             nest.subspan(sizeof head, head.nla_len - sizeof head));
        nest = nest.subspan(std::min<std::size_t>(NLA_ALIGN(head.nla_len), nest.size()));
    }
}

std::span<const std::byte> generic_attributes(const nlmsghdr& answer)
{
    constexpr std::size_t start = NLMSG_HDRLEN + GENL_HDRLEN;
    if (answer.nlmsg_len < start) return {};
    return {reinterpret_cast<const std::byte*>(&answer) + start, answer.nlmsg_len - start};
}

std::uint8_t as_u8(std::span<const std::byte> payload) { return number<std::uint8_t>(payload); }
std::uint16_t as_u16(std::span<const std::byte> payload) { return number<std::uint16_t>(payload); }
std::uint32_t as_u32(std::span<const std::byte> payload) { return number<std::uint32_t>(payload); }
std::uint64_t as_u64(std::span<const std::byte> payload)
{
    return payload.size() == sizeof(std::uint32_t) ? number<std::uint32_t>(payload) : number<std::uint64_t>(payload);
}

std::vector<std::uint32_t> as_u32_list(std::span<const std::byte> payload)
{
    std::vector<std::uint32_t> list(payload.size() / sizeof(std::uint32_t));
    if (!list.empty()) std::memcpy(list.data(), payload.data(), list.size() * sizeof(std::uint32_t));
    return list;
}

std::string as_text(std::span<const std::byte> payload)
{
    const std::string_view raw(reinterpret_cast<const char*>(payload.data()), payload.size());
    return std::string(raw.substr(0, raw.find('\0')));
}

} // namespace netwright::kernel
