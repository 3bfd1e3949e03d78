// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/arena.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "peers/program.h"

namespace netwright::dataplane_bench {
namespace {

constexpr const char *own_space = "/proc/thread-self/ns/net", *name = "flood0";
constexpr auto patience = std::chrono::minutes(2);

std::unexpected<Error> cannot(const char* what) { return std::unexpected(errno_error(what, errno)); }

Result<Fd> hold_space()
{
    Fd held(::open(own_space, O_RDONLY | O_CLOEXEC));
    if (!held) return cannot("open this network namespace");
    return held;
}

// Back to the namespace before, whatever happened.
class Visit {
public:
    explicit Visit(Fd back) : back_(std::move(back)) {}
    ~Visit()
    {
        if (::setns(back_.get(), CLONE_NEWNET) != 0) std::abort();
    }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

private:
    Fd back_;
};

// A device has somebody to receive, which live frames need, once its queue is held.
Result<Fd> make_device()
{
    Fd device(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
    ifreq request{};
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    std::strcpy(request.ifr_name, name);
    if (!device || ::ioctl(device.get(), TUNSETIFF, &request) != 0) return cannot("make a TAP device");
    return device;
}

Result<void> set_up()
{
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0",
                                   "net.ipv4.conf.default.rp_filter=0", "net.ipv4.conf.flood0.rp_filter=0"},
          {"ip", "link", "set", name, "address", "02:00:00:00:00:01", "up"},
          {"ip", "address", "add", "192.0.2.0/32", "dev", name},
          {"ip", "route", "add", "default", "dev", name}})
        TRY_VOID(peers::run(words, "", patience));
    return {};
}

Result<void> load_rules(const std::string& ruleset)
{
    if (ruleset.empty()) return {};
    std::string file = "/tmp/netwright-bench-rules-XXXXXX";
    const Fd made(::mkstemp(file.data()));
    if (!made) return cannot("make a file for nft");
    std::size_t written = 0;
    while (written < ruleset.size()) {
        const ssize_t now = ::write(made.get(), ruleset.data() + written, ruleset.size() - written);
        if (now <= 0) return cannot("write a file for nft");
        written += static_cast<std::size_t>(now);
    }
    const auto said = peers::run({"nft", "-f", file}, "", patience);
    (void)std::remove(file.c_str());
    if (!said) return std::unexpected(said.error());
    return {};
}

} // namespace

Result<Arena> Arena::make(const std::string& ruleset)
{
    const Visit visit(TRY(hold_space()));
    if (::unshare(CLONE_NEWNET) != 0) return cannot("make a network namespace");
    Arena arena;
    arena.space_ = TRY(hold_space());
    arena.device_ = TRY(make_device());
    TRY_VOID(set_up());
    TRY_VOID(load_rules(ruleset));
    arena.interface_ = ::if_nametoindex(name);
    return arena;
}

Result<double> Arena::inside(const std::function<Result<double>(unsigned interface)>& act) const
{
    const Visit visit(TRY(hold_space()));
    if (::setns(space_.get(), CLONE_NEWNET) != 0) return cannot("enter a network namespace");
    return act(interface_);
}

} // namespace netwright::dataplane_bench
