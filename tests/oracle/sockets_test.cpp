// SPDX-License-Identifier: GPL-2.0-or-later
// What we say of sockets is what ss says of them, in a network namespace with traffic of this test's own making.
// Sockets live on while they are looked at: ss is asked before and after, and the answers count when nothing moved.
#include "host/collect.h"
#include "host/socket_owners.h"
#include "host/sockets.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <sstream>
#include <thread>

using namespace netwright;

namespace {

// ---- what ss says ----

std::string output_of(const std::string& command)
{
    std::string text;
    FILE* const pipe = ::popen(command.c_str(), "re");
    REQUIRE(pipe);
    std::array<char, 4096> chunk;
    while (const auto got = std::fread(chunk.data(), 1, chunk.size(), pipe))
        text.append(chunk.data(), got);
    REQUIRE(::pclose(pipe) == 0);
    return text;
}

using Words = std::vector<std::string>;

std::vector<Words> ss(const std::string& options)
{
    std::vector<Words> rows;
    std::istringstream lines(output_of("ss " + options));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream stream(line);
        Words words;
        for (std::string word; stream >> word;)
            if (!word.starts_with("last")) words.push_back(word); // lastsnd, lastrcv, lastack: clocks that run
        if (!words.empty()) rows.push_back(words);
    }
    return rows;
}

// The number behind `prefix` in the word that starts with it: "bytes_sent:" in "bytes_sent:5000". 0 if there is none,
// for ss leaves zeros out.
double number(const Words& words, std::string_view prefix)
{
    for (const auto& word : words)
        if (word.starts_with(prefix)) return std::strtod(word.c_str() + prefix.size(), nullptr);
    return 0;
}

// A field of skmem:(r0,rb131072,t0,tb16384,f0,w0,o0,bl0,d0).
std::uint64_t memory(const Words& words, const std::string& field)
{
    for (const auto& word : words) {
        if (!word.starts_with("skmem:(")) continue;
        std::istringstream fields(word.substr(7));
        for (std::string one; std::getline(fields, one, ',');)
            if (one.starts_with(field) && one.size() > field.size() && std::isdigit(one[field.size()]))
                return std::strtoull(one.c_str() + field.size(), nullptr, 10);
    }
    FAIL("no skmem field ", field);
    return 0;
}

bool has(const Words& words, std::string_view word) { return std::ranges::find(words, word) != words.end(); }

std::uint16_t port_of(const std::string& endpoint)
{
    return static_cast<std::uint16_t>(std::strtoul(endpoint.c_str() + endpoint.rfind(':') + 1, nullptr, 10));
}

// ---- traffic ----

struct Address {
    sockaddr_storage storage{};
    socklen_t length = 0;
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Address address(const char* text, std::uint16_t port)
{
    Address result;
    auto& four = reinterpret_cast<sockaddr_in&>(result.storage);
    auto& six = reinterpret_cast<sockaddr_in6&>(result.storage);
    if (::inet_pton(AF_INET, text, &four.sin_addr) == 1) {
        four.sin_family = AF_INET;
        four.sin_port = htons(port);
        result.length = sizeof four;
    } else {
        REQUIRE(::inet_pton(AF_INET6, text, &six.sin6_addr) == 1);
        six.sin6_family = AF_INET6;
        six.sin6_port = htons(port);
        result.length = sizeof six;
    }
    return result;
}

Fd bound(int type, const Address& at)
{
    Fd fd(::socket(at.storage.ss_family, type | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(fd.get(), at.get(), at.length) == 0);
    return fd;
}

Fd listening(const Address& at, int backlog)
{
    Fd fd = bound(SOCK_STREAM, at);
    REQUIRE(::listen(fd.get(), backlog) == 0);
    return fd;
}

struct Pair {
    Fd client, server;
};

Pair connected(const Fd& listener, const Address& to, const char* congestion_control)
{
    Pair pair;
    pair.client.reset(::socket(to.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::setsockopt(pair.client.get(), IPPROTO_TCP, TCP_CONGESTION, congestion_control,
                         static_cast<socklen_t>(std::strlen(congestion_control))) == 0);
    REQUIRE(::connect(pair.client.get(), to.get(), to.length) == 0);
    pair.server.reset(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    REQUIRE(pair.server);
    return pair;
}

void send_and_read(const Pair& pair, std::size_t size)
{
    std::thread reader([&] {
        std::array<char, 65536> sink;
        for (std::size_t left = size; left > 0;) {
            const auto got = ::read(pair.server.get(), sink.data(), std::min(sink.size(), left));
            if (got <= 0) return;
            left -= static_cast<std::size_t>(got);
        }
    });
    const std::vector<char> data(size, 'x');
    const auto sent = ::send(pair.client.get(), data.data(), data.size(), MSG_NOSIGNAL);
    reader.join();
    REQUIRE(sent == static_cast<ssize_t>(size));
}

// Everything the tests look at, made once.
struct Scene {
    Pair elsewhere; // in the namespace this process came from: must never show up
    Fd plain, six, narrow, udp_full, udp_waiting;
    std::vector<Pair> pairs;
    std::vector<Fd> crowd;

    Scene()
    {
        const Fd host_listener = listening(address("127.0.0.1", 0), 5);
        Address there;
        there.length = sizeof there.storage;
        REQUIRE(::getsockname(host_listener.get(), reinterpret_cast<sockaddr*>(&there.storage), &there.length) == 0);
        elsewhere = connected(host_listener, there, "cubic");

        REQUIRE(::unshare(CLONE_NEWNET) == 0); // needs root
        REQUIRE(std::system("ip link set lo up mtu 1500") == 0);
        plain = listening(address("127.0.0.1", 9000), 50);
        six = listening(address("::1", 9001), 7);
        connect_pairs();
        lose_packets();
        fill_accept_queue();
        fill_udp_queues();
    }

    void connect_pairs()
    {
        for (int i = 0; i < 16; ++i)
            pairs.push_back(connected(plain, address("127.0.0.1", 9000), i % 3 == 0 ? "reno" : "cubic"));
        for (int i = 0; i < 3; ++i)
            pairs.push_back(connected(six, address("::1", 9001), "cubic"));
        for (std::size_t i = 0; i < 6; ++i)
            send_and_read(pairs[i], 10'000 * (i + 1));
        REQUIRE(::send(pairs[6].client.get(), "unread", 6, 0) == 6);
        ::shutdown(pairs[7].client.get(), SHUT_WR); // fin-wait-2 here, close-wait there
        for (int i = 0; i < 2; ++i) {               // time-wait
            pairs.back().client.reset();
            pairs.pop_back();
        }
    }

    // A queue too short for what is sent through it drops, and TCP sends again.
    void lose_packets()
    {
        REQUIRE(std::system("tc qdisc add dev lo root tbf rate 40mbit burst 5000 limit 20000") == 0);
        send_and_read(pairs[0], 2'000'000);
        send_and_read(pairs[1], 2'000'000);
        REQUIRE(std::system("tc qdisc del dev lo root") == 0);
    }

    void fill_accept_queue()
    {
        const auto at = address("0.0.0.0", 9002), to = address("127.0.0.1", 9002);
        narrow = listening(at, 2);
        for (int i = 0; i < 12; ++i) {
            crowd.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
            const int result = ::connect(crowd.back().get(), to.get(), to.length);
            REQUIRE((result == 0 || errno == EINPROGRESS));
        }
    }

    void fill_udp_queues()
    {
        const int small = 4096;
        udp_full = bound(SOCK_DGRAM, address("127.0.0.1", 5000));
        udp_waiting = bound(SOCK_DGRAM, address("::1", 5001));
        REQUIRE(::setsockopt(udp_full.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small) == 0);
        const std::vector<char> data(1000, 'u');
        for (const auto& [to, times] : {std::pair{address("127.0.0.1", 5000), 50}, {address("::1", 5001), 1}}) {
            const Fd sender(::socket(to.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
            for (int i = 0; i < times; ++i)
                REQUIRE(::sendto(sender.get(), data.data(), data.size(), 0, to.get(), to.length) == 1000);
        }
    }
};

const Scene& scene()
{
    static const Scene once;
    return once;
}

// Our summary of a moment in which ss saw the same before and after.
struct Moment {
    std::vector<Words> rows;
    SocketSummary ours;
};

Moment quiet_moment(const std::string& options)
{
    scene();
    auto kernel = kernel::Kernel::live();
    for (int attempt = 0; attempt < 100; ++attempt) {
        const auto before = ss(options);
        auto ours = host::collect_sockets(kernel);
        REQUIRE(ours);
        if (ss(options) == before) return {before, std::move(*ours)};
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    FAIL("the sockets never came to rest");
    return {};
}

const std::map<std::string, std::string> state_words{{"ESTAB", "established"},     {"SYN-SENT", "syn-sent"},
                                                     {"SYN-RECV", "syn-recv"},     {"FIN-WAIT-1", "fin-wait-1"},
                                                     {"FIN-WAIT-2", "fin-wait-2"}, {"TIME-WAIT", "time-wait"},
                                                     {"CLOSE-WAIT", "close-wait"}, {"LAST-ACK", "last-ack"},
                                                     {"CLOSING", "closing"},       {"LISTEN", "listening"}};

template <class Value>
Value total(const std::vector<ConnectionGroup>& groups, Value ConnectionGroup::* member)
{
    Value sum{};
    for (const auto& group : groups)
        sum += group.*member;
    return sum;
}

const Listener& listener_on(const std::vector<Listener>& listeners, std::uint16_t port)
{
    const auto found = std::ranges::find(listeners, port, &Listener::port);
    REQUIRE(found != listeners.end());
    return *found;
}

// Runs `body` in a child that has given up root and the copies of our descriptors; its result is the child's exit
// status.
int without_rights(int (*body)())
{
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::close_range(3, ~0U, 0);
        const bool dropped = ::setresgid(65534, 65534, 65534) == 0 && ::setresuid(65534, 65534, 65534) == 0;
        std::_Exit(dropped ? body() : 99);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

} // namespace

TEST_CASE("each state has as many connections as in ss -ta")
{
    const auto [rows, ours] = quiet_moment("-taHn");
    std::map<std::string, std::uint64_t> expected;
    for (const auto& [theirs, word] : state_words)
        expected[word] = 0;
    for (const auto& row : rows)
        if (row[0] != "UNCONN") ++expected[state_words.at(row[0])];
    std::map<std::string, std::uint64_t> told;
    for (const auto& [state, count] : ours.tcp_states)
        told[state] = count;
    CHECK(told == expected);
    for (const char* staged : {"established", "fin-wait-2", "close-wait", "time-wait", "syn-sent", "listening"}) {
        CAPTURE(staged);
        CHECK(told[staged] > 0);
    }
}

TEST_CASE("sums over established connections equal those over ss -tinm")
{
    const auto [rows, ours] = quiet_moment("-tinmHO state established");
    double sent = 0, received = 0, retransmitted = 0, retransmits = 0, busy_ms = 0;
    std::uint64_t receive_memory = 0, send_memory = 0;
    for (const auto& row : rows) {
        sent += number(row, "bytes_sent:");
        received += number(row, "bytes_received:");
        retransmitted += number(row, "bytes_retrans:");
        busy_ms += number(row, "busy:");
        for (const auto& word : row)
            if (word.starts_with("retrans:")) retransmits += std::strtod(word.c_str() + word.find('/') + 1, nullptr);
        receive_memory += memory(row, "r");
        send_memory += memory(row, "w");
    }
    CHECK(total(ours.established, &ConnectionGroup::connections) == rows.size());
    CHECK(static_cast<double>(total(ours.established, &ConnectionGroup::bytes_sent)) == sent);
    CHECK(static_cast<double>(total(ours.established, &ConnectionGroup::bytes_received)) == received);
    CHECK(static_cast<double>(total(ours.established, &ConnectionGroup::bytes_retransmitted)) == retransmitted);
    CHECK(static_cast<double>(total(ours.established, &ConnectionGroup::retransmits)) == retransmits);
    CHECK(total(ours.established, &ConnectionGroup::receive_memory) == receive_memory);
    CHECK(total(ours.established, &ConnectionGroup::send_memory) == send_memory);
    // ss shows whole milliseconds, cut off, of each connection.
    const auto our_busy_ms = static_cast<double>(total(ours.established, &ConnectionGroup::busy_us)) / 1000;
    CHECK(our_busy_ms >= busy_ms);
    CHECK(our_busy_ms <= busy_ms + static_cast<double>(rows.size()));
    CHECK(retransmits > 0); // or the scene did not stage what this test is about
    CHECK(receive_memory > 0);
}

TEST_CASE("each congestion control has its own group with its own extremes")
{
    const auto [rows, ours] = quiet_moment("-tinmHO state established");
    for (const char* algorithm : {"cubic", "reno"}) {
        CAPTURE(algorithm);
        std::vector<double> rtts, windows;
        for (const auto& row : rows) {
            if (!has(row, algorithm)) continue;
            rtts.push_back(number(row, "rtt:"));
            windows.push_back(number(row, "cwnd:"));
        }
        const auto group = std::ranges::find(ours.established, algorithm, &ConnectionGroup::congestion_control);
        REQUIRE(group != ours.established.end());
        CHECK(group->connections == rtts.size());
        CHECK(static_cast<double>(group->rtt_us.largest()) == doctest::Approx(std::ranges::max(rtts) * 1000));
        CHECK(static_cast<double>(group->rtt_us.smallest()) == doctest::Approx(std::ranges::min(rtts) * 1000));
        CHECK(static_cast<double>(group->cwnd.largest()) == std::ranges::max(windows));
        CHECK(static_cast<double>(group->cwnd.smallest()) == std::ranges::min(windows));
    }
}

TEST_CASE("each listener has the queue, the limit, the drops and the owner ss -tlnpm shows")
{
    const auto [rows, ours] = quiet_moment("-tlnpmHO");
    REQUIRE(ours.listeners.size() == rows.size());
    for (const auto& row : rows) {
        const auto& listener = listener_on(ours.listeners, port_of(row[3]));
        CAPTURE(row[3]);
        CHECK(std::to_string(listener.queued) == row[1]);
        CHECK(std::to_string(listener.limit) == row[2]);
        CHECK(listener.drops == memory(row, "d"));
        REQUIRE(listener.owner);
        CHECK(listener.owner->pid == static_cast<std::uint64_t>(::getpid()));
        const auto users = std::ranges::find_if(row, [](const auto& word) { return word.starts_with("users:"); });
        REQUIRE(users != row.end());
        CHECK(users->find("\"" + listener.owner->command + "\"") != std::string::npos);
        CHECK(users->find("pid=" + std::to_string(listener.owner->pid) + ",") != std::string::npos);
    }
    CHECK(listener_on(ours.listeners, 9001).address == "::1");
    const auto& narrow = listener_on(ours.listeners, 9002);
    CHECK(narrow.address == "0.0.0.0");
    CHECK(narrow.limit == 2);
    CHECK(narrow.queued == 3); // the kernel lets one more in than the limit says
    CHECK(narrow.drops > 0);
    CHECK(listener_on(ours.listeners, 9000).drops == 0);

    auto kernel = kernel::Kernel::live();
    const auto alone = host::collect_listeners(kernel);
    REQUIRE(alone);
    CHECK(alone->size() == ours.listeners.size());
    CHECK((listener_on(*alone, 9000) == listener_on(ours.listeners, 9000)));
}

TEST_CASE("UDP sockets are counted, those with drops or a queue are listed, as in ss -uam")
{
    const auto [rows, ours] = quiet_moment("-uamnHO");
    REQUIRE(ours.udp_sockets);
    CHECK(*ours.udp_sockets == rows.size());
    REQUIRE(ours.udp.size() == 2);
    CHECK(ours.udp.front().port == 5000); // the worst first
    CHECK(ours.udp.front().drops > 0);
    for (const auto& socket : ours.udp) {
        const auto row =
            std::ranges::find_if(rows, [&](const auto& words) { return port_of(words[3]) == socket.port; });
        REQUIRE(row != rows.end());
        CHECK(std::to_string(socket.receive_queue) == (*row)[1]);
        CHECK(socket.receive_buffer == memory(*row, "rb"));
        CHECK(socket.drops == memory(*row, "d"));
        REQUIRE(socket.owner);
        CHECK(socket.owner->pid == static_cast<std::uint64_t>(::getpid()));
    }
}

TEST_CASE("the busiest destination is the one most connections of ss lead to")
{
    const auto [rows, ours] = quiet_moment("-tanH");
    std::map<std::string, std::uint64_t> expected;
    for (const auto& row : rows)
        if (row[0] != "LISTEN" && port_of(row[3]) >= 32768) ++expected[row[4]];
    const auto most = std::ranges::max_element(expected, {}, [](const auto& entry) { return entry.second; });
    REQUIRE(ours.busiest);
    CHECK(ours.busiest->address + ":" + std::to_string(ours.busiest->port) == most->first);
    CHECK(ours.busiest->connections == most->second);
}

TEST_CASE("BPF and /proc agree on who holds the connections, and both leave other namespaces out")
{
    const auto moment = quiet_moment("-tnH state established");
    auto kernel = kernel::Kernel::live();
    const auto quick = host::collect_connection_owners(kernel);
    const auto slow = host::collect_connection_owners(kernel, host::OwnerSource::DescriptorsOnly);
    REQUIRE(quick);
    REQUIRE(slow);
    if (::access("/sys/kernel/btf/vmlinux", R_OK) == 0) CHECK(quick->seen_through == "BPF iter/task_file");
    CHECK(slow->seen_through.starts_with("/proc/PID/fd ("));
    CHECK((quick->most == slow->most));
    REQUIRE(quick->most.size() == 1);
    CHECK(quick->most[0].pid == static_cast<std::uint64_t>(::getpid()));
    // Connections that wait for accept() are established, but nobody holds them yet.
    const auto& narrow = listener_on(moment.ours.listeners, 9002);
    CHECK(quick->most[0].connections == moment.rows.size() - narrow.queued);
}

TEST_CASE("a connection held as standard input, output and error counts once")
{
    scene();
    auto kernel = kernel::Kernel::live();
    const auto before = host::collect_connection_owners(kernel);
    REQUIRE(before);
    // Above all others, so that the copies are neighbours.
    const Fd first(::fcntl(scene().pairs[0].client.get(), F_DUPFD_CLOEXEC, 500));
    const Fd second(::fcntl(first.get(), F_DUPFD_CLOEXEC, 500)), third(::fcntl(first.get(), F_DUPFD_CLOEXEC, 500));
    for (const auto source : {host::OwnerSource::Best, host::OwnerSource::DescriptorsOnly}) {
        const auto after = host::collect_connection_owners(kernel, source);
        REQUIRE(after);
        CHECK(after->most.at(0).connections == before->most.at(0).connections + 1);
    }
}

TEST_CASE("without rights everything but the owners is seen, and the owners say why not")
{
    scene();
    const int status = without_rights([] {
        auto kernel = kernel::Kernel::live();
        const auto sockets = host::collect_sockets(kernel);
        if (!sockets || sockets->established.empty() || !sockets->udp_sockets) return 1;
        const auto narrow = std::ranges::find(sockets->listeners, 9002, &Listener::port);
        if (narrow == sockets->listeners.end() || narrow->drops == 0 || narrow->limit != 2) return 2;
        if (narrow->owner || narrow->owner.error().kind != Error::Kind::Refused) return 3;
        const auto owners = host::collect_connection_owners(kernel);
        if (!owners || !owners->seen_through.starts_with("/proc/PID/fd (")) return 4;
        if (owners->seen_through.find("not seen") == std::string::npos) return 5;
        return 0;
    });
    CHECK(status == 0);
}

TEST_CASE("the listening process's limits are those it set")
{
    const auto moment = quiet_moment("-tlnH");
    auto kernel = kernel::Kernel::live();
    const auto limits = host::collect_limits(kernel, moment.ours);
    REQUIRE(limits);
    REQUIRE(limits->size() == 1);
    CHECK(limits->front().pid == static_cast<std::uint64_t>(::getpid()));
    const auto soft = output_of("awk '/Max open files/ {print $4}' /proc/" + std::to_string(::getpid()) + "/limits");
    REQUIRE(limits->front().nofile_soft);
    CHECK(std::to_string(*limits->front().nofile_soft) + "\n" == soft);
}
