// SPDX-License-Identifier: GPL-2.0-or-later
// Namespaces in which faults are provoked for real, and a diagnosis of what happened there meanwhile.
#pragma once

#include "base/fd.h"
#include "host/collect.h"
#include "host/since.h"
#include "trace/drops.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "diagnose/diagnose.h"
#include "support/program.h"

namespace faults {

using namespace netwright;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

inline void check(bool held, const std::string& what)
{
    if (!held) throw std::runtime_error(what + ": " + std::strerror(errno));
}

// True as soon as `ready` is; false when that takes longer than `patience`.
inline bool wait_for(const std::function<bool()>& ready, std::chrono::milliseconds patience = 5s)
{
    for (const auto end = Clock::now() + patience; Clock::now() < end; std::this_thread::sleep_for(5ms))
        if (ready()) return true;
    return ready();
}

// A network namespace to work in, by its file.
class Place {
public:
    explicit Place(std::string file) : file_(std::move(file)) {}

    // Runs `work` on a thread inside the namespace and gives back what it gives.
    template <class Work>
    auto in(Work work) const
    {
        using Gives = std::invoke_result_t<Work>;
        std::exception_ptr failed;
        std::conditional_t<std::is_void_v<Gives>, std::optional<char>, std::optional<Gives>> result;
        std::thread([&] {
            try {
                enter();
                if constexpr (std::is_void_v<Gives>)
                    work();
                else
                    result.emplace(work());
            } catch (...) {
                failed = std::current_exception();
            }
        }).join();
        if (failed) std::rethrow_exception(failed);
        if constexpr (!std::is_void_v<Gives>) return *std::move(result);
    }
    // The same on a thread that goes on until the caller joins it.
    std::thread beside(std::function<void()> work) const
    {
        return std::thread([this, work = std::move(work)] {
            enter();
            work();
        });
    }

private:
    void enter() const
    {
        const Fd file(::open(file_.c_str(), O_RDONLY | O_CLOEXEC));
        check(file && ::setns(file.get(), CLONE_NEWNET) == 0, "enter " + file_);
    }
    std::string file_;
};

// A named network namespace that is gone with the object.
class Space : public Place {
public:
    Space() : Space(fresh_name()) {}
    ~Space() { (void)support::run({"ip", "netns", "del", name}); }
    Space(const Space&) = delete;
    Space& operator=(const Space&) = delete;

    void sysctl(const std::string& key, const std::string& value) const
    {
        in([&] {
            const Fd file(::open(("/proc/sys/" + key).c_str(), O_WRONLY | O_CLOEXEC));
            check(file && ::write(file.get(), value.data(), value.size()) == static_cast<ssize_t>(value.size()), key);
        });
    }
    void ip(const std::string& arguments) const { support::must("ip -n " + name + " " + arguments); }
    void tc(const std::string& arguments) const { support::must("tc -n " + name + " " + arguments); }
    void nft(const std::string& commands) const
    {
        const auto output = support::run({"nsenter", "--net=/run/netns/" + name, "nft", commands});
        if (output.status != 0) throw std::runtime_error("nft " + commands + ": " + output.out);
    }

    const std::string name;

private:
    explicit Space(std::string fresh) : Place("/run/netns/" + fresh), name(std::move(fresh))
    {
        support::must("ip netns add " + name);
    }
    static std::string fresh_name()
    {
        static std::atomic<int> number{0};
        return "nwd-" + std::to_string(::getpid()) + "-" + std::to_string(number++);
    }
};

// Two hosts on one link: here 10.9.0.1 (nw0), there 10.9.0.2 (nw1). Without IPv6, whose discovery is never quiet.
struct Link {
    Space here, there;
    explicit Link(const char* mtu = "1500")
    {
        for (const Space* space : {&here, &there}) {
            space->sysctl("net/ipv6/conf/all/disable_ipv6", "1");
            space->sysctl("net/ipv6/conf/default/disable_ipv6", "1");
            space->ip("link set lo up");
        }
        here.ip("link add nw0 mtu " + std::string(mtu) + " type veth peer name nw1 mtu " + mtu + " netns " +
                there.name);
        here.ip("addr add 10.9.0.1/24 dev nw0");
        there.ip("addr add 10.9.0.2/24 dev nw1");
        here.ip("link set nw0 up");
        there.ip("link set nw1 up");
        check(wait_for([&] { return here.in([] { return carrier("nw0"); }); }), "the link does not come up");
    }
    static bool carrier(const char* nic)
    {
        ifreq request{};
        std::strncpy(request.ifr_name, nic, IFNAMSIZ - 1);
        const Fd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        return ::ioctl(any.get(), SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_RUNNING) != 0;
    }
};

// One host alone with its loopback.
struct Host : Space {
    Host()
    {
        sysctl("net/ipv6/conf/all/disable_ipv6", "1");
        ip("link set lo up");
    }
};

// ── sockets ───────────────────────────────────────────────────────────────────────────────────────────────────────

inline sockaddr_in address(const char* text, std::uint16_t port)
{
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    check(::inet_pton(AF_INET, text, &at.sin_addr) == 1, text);
    return at;
}

inline const sockaddr* general(const sockaddr_in& at) { return reinterpret_cast<const sockaddr*>(&at); }

inline void set(const Fd& socket, int level, int option, int value)
{
    check(::setsockopt(socket.get(), level, option, &value, sizeof value) == 0, "setsockopt");
}

inline Fd tcp(int flags = 0) { return Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0)); }
inline Fd udp(int flags = 0) { return Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | flags, 0)); }

inline void bind_to(const Fd& socket, const char* at, std::uint16_t port)
{
    set(socket, SOL_SOCKET, SO_REUSEADDR, 1);
    const auto where = address(at, port);
    check(::bind(socket.get(), general(where), sizeof where) == 0, "bind");
}

inline Fd listening(const char* at, std::uint16_t port, int backlog)
{
    Fd socket = tcp();
    bind_to(socket, at, port);
    check(::listen(socket.get(), backlog) == 0, "listen");
    return socket;
}

inline int connect_to(const Fd& socket, const char* at, std::uint16_t port)
{
    const auto where = address(at, port);
    return ::connect(socket.get(), general(where), sizeof where);
}

// A connection that is made or on its way.
inline Fd calling(const char* at, std::uint16_t port)
{
    Fd socket = tcp(SOCK_NONBLOCK);
    (void)connect_to(socket, at, port);
    return socket;
}

inline std::vector<Fd> calling_often(const char* at, std::uint16_t port, int times)
{
    std::vector<Fd> sockets;
    for (int i = 0; i < times; ++i)
        sockets.push_back(calling(at, port));
    return sockets;
}

struct Connected {
    Fd client, server;
};

// A connection from here to a listener there.
using Prepare = std::function<void(const Fd&)>;
inline Connected connected(const Link& link, std::uint16_t port, const Prepare& prepare_client = {},
                           const Prepare& prepare_listener = {}, const char* at = "10.9.0.2")
{
    Fd listener = link.there.in([&] {
        Fd socket = tcp();
        bind_to(socket, at, port);
        if (prepare_listener) prepare_listener(socket);
        check(::listen(socket.get(), 16) == 0, "listen");
        return socket;
    });
    Connected pair;
    pair.client = link.here.in([&] {
        Fd socket = tcp();
        if (prepare_client) prepare_client(socket);
        check(connect_to(socket, at, port) == 0, "connect");
        return socket;
    });
    pair.server.reset(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    check(static_cast<bool>(pair.server), "accept");
    return pair;
}

inline void send_datagrams(const char* at, std::uint16_t port, int times, std::size_t size = 100)
{
    const Fd socket = udp();
    const std::vector<char> data(size);
    const auto where = address(at, port);
    for (int i = 0; i < times; ++i)
        (void)::sendto(socket.get(), data.data(), data.size(), 0, general(where), sizeof where);
}

// Writes until nothing more fits; how much did.
inline std::size_t fill(const Fd& socket, std::size_t portion = 65536)
{
    const std::vector<char> data(portion);
    std::size_t sent = 0;
    for (;;) {
        const ssize_t put = ::send(socket.get(), data.data(), data.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (put <= 0) break;
        sent += static_cast<std::size_t>(put);
    }
    return sent;
}

// Sends and reads as fast as the connection lets it, as long as the object lives.
class Pump {
public:
    explicit Pump(const Connected& pair, std::size_t portion = 65536)
        : reader_([this, &pair] { read(pair.server); }),
          writer_([this, &pair, portion] { write(pair.client, portion); })
    {
    }
    ~Pump()
    {
        stop_ = true;
        reader_.join();
        writer_.join();
    }
    Pump(const Pump&) = delete;
    Pump& operator=(const Pump&) = delete;

private:
    void read(const Fd& socket) const
    {
        std::vector<char> sink(65536);
        while (!stop_)
            if (::recv(socket.get(), sink.data(), sink.size(), MSG_DONTWAIT) <= 0) std::this_thread::sleep_for(1ms);
    }
    void write(const Fd& socket, std::size_t portion) const
    {
        for (; !stop_; std::this_thread::sleep_for(1ms))
            (void)fill(socket, portion);
    }
    std::atomic<bool> stop_{false};
    std::thread reader_, writer_;
};

// ── programs ──────────────────────────────────────────────────────────────────────────────────────────────────────

// A process of its own inside a namespace, ended with the object.
class Child {
public:
    Child(const Space& space, const std::function<void()>& work) : pid(space.in([&] { return start(work); })) {}
    ~Child()
    {
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    const pid_t pid;

private:
    static pid_t start(const std::function<void()>& work)
    {
        const pid_t child = ::fork();
        check(child >= 0, "fork");
        if (child == 0) {
            work();
            ::_exit(0);
        }
        return child;
    }
};

inline std::size_t descriptors_of(pid_t pid)
{
    std::error_code gone;
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd", gone))
        count += entry.is_symlink() ? 1 : 0;
    return count;
}

// ── looking ───────────────────────────────────────────────────────────────────────────────────────────────────────

// What happens in a namespace between making this and diagnosis().
class Watch {
public:
    explicit Watch(const Place& space) : space_(space)
    {
        counter_.emplace(space_.in([] { return trace::DropCounter::start(); }));
        before_ = look();
        began_ = Clock::now();
    }
    Diagnosis diagnosis(const std::vector<Symptom>& symptoms = {})
    {
        Diagnosis found = everything(symptoms);
        // What the machine's neighbours and other programs do to its CPUs is true, and no fault of this namespace.
        std::erase_if(found.causes, [](const FoundCause& one) {
            return one.cause == "cpu-stolen" || one.cause == "one-cpu-full" || one.cause == "softirq-budget";
        });
        return found;
    }
    Diagnosis everything(const std::vector<Symptom>& symptoms = {})
    {
        Snapshot now = look();
        const Result<DropReport> drops = *counter_ ? space_.in([&] { return (*counter_)->take(kernel::Files::live()); })
                                                   : Result<DropReport>(std::unexpected(counter_->error()));
        host::grow_since(now, before_, std::chrono::round<std::chrono::milliseconds>(Clock::now() - began_));
        return diagnose::diagnose({before_, now, drops}, symptoms);
    }

private:
    Snapshot look() const
    {
        return space_.in([] {
            auto kernel = kernel::Kernel::live_in_namespace();
            if (!kernel) throw std::runtime_error(kernel.error().what);
            return host::collect(*kernel, {});
        });
    }
    Place space_;
    std::optional<Result<trace::DropCounter>> counter_;
    Snapshot before_;
    Clock::time_point began_;
};

inline std::string words_of(const Diagnosis& diagnosis)
{
    std::string text = diagnosis.causes.empty() ? "no fault found" : "";
    for (const FoundCause& verdict : diagnosis.causes) {
        text += verdict.cause + " (" + std::to_string(verdict.events) + ") " + verdict.victim;
        if (!verdict.because_of.empty()) text += " <- " + verdict.because_of;
        for (const Evidence& evidence : verdict.evidence)
            text += "\n    " + evidence.source + ": " + evidence.value;
        text += "\n";
    }
    for (const QuietDrop& drop : diagnosis.quiet)
        text += "  quiet " + drop.reason + " " + drop.location + " " + std::to_string(drop.packets) + "\n";
    for (const NotSeen& one : diagnosis.not_seen)
        text += "  not seen: " + one.what + ": " + one.why.what + "\n";
    return text;
}

// The first cause is this one; complete enough to be shown to a person.
inline FoundCause expect_first(const Diagnosis& diagnosis, const std::string& cause)
{
    const std::string words = words_of(diagnosis);
    INFO(words);
    REQUIRE_FALSE(diagnosis.causes.empty());
    const FoundCause& first = diagnosis.causes.front();
    CHECK(first.cause == cause);
    CHECK_FALSE(first.title.empty());
    CHECK_FALSE(first.evidence.empty());
    CHECK_FALSE(first.why.empty());
    CHECK_FALSE(first.confirm.empty());
    CHECK((!first.advice.empty() || !first.remedy.empty()));
    CHECK_FALSE(first.cost.empty());
    CHECK(first.because_of.empty());
    CHECK(diagnosis.events_lost == 0);
    return first;
}

inline bool names_victim(const FoundCause& verdict, const std::string& part)
{
    return verdict.victim.find(part) != std::string::npos;
}

} // namespace faults
