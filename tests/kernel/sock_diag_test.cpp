// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/sock_diag.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <linux/inet_diag.h>
#include <sys/socket.h>

#include <cstring>

using namespace netwright;
using namespace netwright::kernel;

namespace {

inet_diag_msg fixed_part(std::uint8_t family, SocketState state)
{
    inet_diag_msg fixed{};
    fixed.idiag_family = family;
    fixed.idiag_state = static_cast<std::uint8_t>(state);
    fixed.id.idiag_sport = htons(443);
    fixed.id.idiag_dport = htons(50123);
    ::inet_pton(family, family == AF_INET ? "192.0.2.1" : "2001:db8::1", fixed.id.idiag_src);
    ::inet_pton(family, family == AF_INET ? "198.51.100.7" : "::ffff:198.51.100.7", fixed.id.idiag_dst);
    fixed.idiag_rqueue = 3;
    fixed.idiag_wqueue = 2;
    fixed.idiag_uid = 33;
    fixed.idiag_inode = 4711;
    return fixed;
}

// A record as the kernel writes one: fixed part, then attributes.
class Record {
public:
    explicit Record(const inet_diag_msg& fixed) { append(&fixed, sizeof fixed); }
    Record& attribute(std::uint16_t type, const void* data, std::size_t size)
    {
        const nlattr head{static_cast<std::uint16_t>(sizeof(nlattr) + size), type};
        append(&head, sizeof head);
        append(data, size);
        return *this;
    }
    std::span<const std::byte> bytes() const { return bytes_; }

private:
    void append(const void* data, std::size_t size)
    {
        const auto* const first = static_cast<const std::byte*>(data);
        bytes_.insert(bytes_.end(), first, first + size);
        bytes_.resize(NLMSG_ALIGN(bytes_.size()));
    }
    std::vector<std::byte> bytes_;
};

} // namespace

TEST_CASE("a record's fixed part is read in host order, its addresses as people write them")
{
    SocketRecord record;
    REQUIRE(parse_socket(Record(fixed_part(AF_INET, SocketState::Listen)).bytes(), record));
    CHECK(record.state == SocketState::Listen);
    CHECK(address_text(record.local, record.family) == "192.0.2.1");
    CHECK(record.local.port == 443);
    CHECK(record.remote.port == 50123);
    CHECK(record.receive_queue == 3);
    CHECK(record.send_queue == 2);
    CHECK(record.uid == 33);
    CHECK(record.inode == 4711);
    CHECK_FALSE(record.info);
    CHECK_FALSE(record.has_memory);
    CHECK(record.congestion_control.empty());
    REQUIRE(parse_socket(Record(fixed_part(AF_INET6, SocketState::TimeWait)).bytes(), record));
    CHECK(address_text(record.local, record.family) == "2001:db8::1");
}

TEST_CASE("an IPv4 peer is the same destination through an IPv4 and through an IPv6 socket")
{
    SocketRecord narrow, wide;
    REQUIRE(parse_socket(Record(fixed_part(AF_INET, SocketState::Established)).bytes(), narrow));
    REQUIRE(parse_socket(Record(fixed_part(AF_INET6, SocketState::Established)).bytes(), wide));
    CHECK(as_mapped(narrow.remote, AF_INET) == as_mapped(wide.remote, AF_INET6));
    CHECK(as_mapped(narrow.local, AF_INET) != as_mapped(wide.local, AF_INET6));
}

TEST_CASE("memory, tcp_info and congestion control are read from their attributes, whatever stands between them")
{
    std::uint32_t memory[SK_MEMINFO_VARS] = {1, 2, 3, 4, 5, 6, 7, 8, 27};
    tcp_info info{};
    info.tcpi_rtt = 1500;
    info.tcpi_bytes_sent = 1ULL << 40;
    const std::uint64_t cgroup = 99;
    Record bytes(fixed_part(AF_INET, SocketState::Established));
    bytes.attribute(INET_DIAG_SHUTDOWN, "\0", 1)
        .attribute(INET_DIAG_CGROUP_ID, &cgroup, sizeof cgroup)
        .attribute(INET_DIAG_SKMEMINFO, memory, sizeof memory)
        .attribute(INET_DIAG_INFO, &info, sizeof info)
        .attribute(INET_DIAG_CONG, "cubic", 6);
    SocketRecord record;
    REQUIRE(parse_socket(bytes.bytes(), record));
    CHECK(record.has_memory);
    CHECK(record.memory[SK_MEMINFO_DROPS] == 27);
    CHECK(record.info.values.tcpi_rtt == 1500);
    CHECK(record.info.values.tcpi_bytes_sent == 1ULL << 40);
    CHECK(record.congestion_control == "cubic");

    // The next record must not show what this one had.
    REQUIRE(parse_socket(Record(fixed_part(AF_INET, SocketState::TimeWait)).bytes(), record));
    CHECK_FALSE(record.info);
    CHECK_FALSE(record.has_memory);
    CHECK(record.congestion_control.empty());
}

TEST_CASE("an older kernel's shorter tcp_info leaves the younger fields absent, a longer one is cut")
{
    tcp_info info{};
    std::memset(&info, 0x11, sizeof info);
    SocketRecord record;
    Record old(fixed_part(AF_INET, SocketState::Established));
    old.attribute(INET_DIAG_INFO, &info, offsetof(tcp_info, tcpi_pacing_rate)); // Linux 3.14
    REQUIRE(parse_socket(old.bytes(), record));
    CHECK(record.info.has(&tcp_info::tcpi_total_retrans));
    CHECK(record.info.values.tcpi_total_retrans == 0x11111111);
    CHECK_FALSE(record.info.has(&tcp_info::tcpi_pacing_rate));
    CHECK_FALSE(record.info.has(&tcp_info::tcpi_busy_time));
    CHECK(record.info.values.tcpi_busy_time == 0);

    Record young(fixed_part(AF_INET, SocketState::Established));
    const std::vector<std::byte> longer(sizeof info + 64, std::byte{7});
    young.attribute(INET_DIAG_INFO, longer.data(), longer.size());
    REQUIRE(parse_socket(young.bytes(), record));
    CHECK(record.info.length == sizeof info);
    CHECK(record.info.has(&tcp_info::tcpi_snd_wnd));
}

TEST_CASE("memory of a kernel that does not count drops is no memory record with zero drops")
{
    const std::uint32_t memory[7] = {1, 2, 3, 4, 5, 6, 7};
    Record bytes(fixed_part(AF_INET, SocketState::Listen));
    bytes.attribute(INET_DIAG_SKMEMINFO, memory, sizeof memory);
    SocketRecord record;
    REQUIRE(parse_socket(bytes.bytes(), record));
    CHECK_FALSE(record.has_memory);
}

TEST_CASE("records cut short, of unknown families or states are malformed")
{
    SocketRecord record;
    const Record whole(fixed_part(AF_INET, SocketState::Listen));
    for (std::size_t length = 0; length < sizeof(inet_diag_msg); ++length)
        CHECK_FALSE(parse_socket(whole.bytes().first(length), record));
    CHECK_FALSE(parse_socket(Record(fixed_part(AF_UNIX, SocketState::Listen)).bytes(), record));
    CHECK_FALSE(parse_socket(Record(fixed_part(AF_INET, SocketState{0})).bytes(), record));
    CHECK_FALSE(parse_socket(Record(fixed_part(AF_INET, SocketState::NewSynReceived)).bytes(), record));
}

TEST_CASE("an attribute that claims more than there is ends the record")
{
    Record bytes(fixed_part(AF_INET, SocketState::Established));
    bytes.attribute(INET_DIAG_CONG, "bbr", 4);
    std::vector<std::byte> copy(bytes.bytes().begin(), bytes.bytes().end());
    const std::uint16_t huge = 60000, tiny = 3;
    SocketRecord record;
    for (const auto length : {huge, tiny}) {
        std::memcpy(copy.data() + sizeof(inet_diag_msg), &length, sizeof length);
        REQUIRE(parse_socket(copy, record));
        CHECK(record.congestion_control.empty());
    }
}

TEST_CASE("every state has the word ss filters by")
{
    CHECK(to_text(SocketState::Established) == "established");
    CHECK(to_text(SocketState::TimeWait) == "time-wait");
    CHECK(to_text(SocketState::Closing) == "closing");
    CHECK(to_text(SocketState{77}) == "unknown");
}

namespace {

// Answers each dump with one listener, and cuts the first attempt short.
class DisturbedNetlink : public Netlink {
public:
    Result<void> ask(int, Request&, const EachAnswer& each) override
    {
        std::vector<std::byte> message(NLMSG_HDRLEN + sizeof(inet_diag_msg));
        const nlmsghdr head{static_cast<std::uint32_t>(message.size()), SOCK_DIAG_BY_FAMILY, 0, 0, 0};
        const auto fixed = fixed_part(AF_INET, SocketState::Listen);
        std::memcpy(message.data(), &head, sizeof head);
        std::memcpy(message.data() + NLMSG_HDRLEN, &fixed, sizeof fixed);
        each(*reinterpret_cast<const nlmsghdr*>(message.data()));
        if (++asked <= disturbed) return fail(Error::Kind::Interrupted, "disturbed");
        return {};
    }
    int asked = 0, disturbed = 1;
};

} // namespace

TEST_CASE("a disturbed dump starts over and forgets what it had")
{
    DisturbedNetlink netlink;
    int seen = 0, restarts = 0;
    const auto ask = [&] {
        return each_socket(
            netlink, {IPPROTO_TCP, bit(SocketState::Listen)}, [&](const SocketRecord&) { ++seen; },
            [&] {
                ++restarts;
                seen = 0;
            });
    };
    REQUIRE(ask());
    CHECK(restarts == 1);
    CHECK(seen == 2); // one a family

    netlink.disturbed = 1000;
    const auto hopeless = ask();
    REQUIRE_FALSE(hopeless);
    CHECK(hopeless.error().kind == Error::Kind::Interrupted);
}

TEST_CASE("a captured tree has no sockets, and says so")
{
    const auto none = absent_netlink("a captured tree holds no netlink answers");
    const auto asked = each_socket(*none, {IPPROTO_TCP, every_state}, [](const SocketRecord&) {}, [] {});
    REQUIRE_FALSE(asked);
    CHECK(asked.error().kind == Error::Kind::Unsupported);
}
