// SPDX-License-Identifier: GPL-2.0-or-later
// The supervisor's loop: signals, looks, a socket for `lb status`.
#include "dataplane/lb_supervisor.h"

#include "dataplane/lb_announce.h"
#include "dataplane/socket_address.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <set>

namespace netwright::dataplane {
namespace {

namespace fs = std::filesystem;

constexpr unsigned most_threads = 32;
constexpr Nanoseconds patience = std::chrono::seconds(10); // for first looks
constexpr Nanoseconds pause_after_failure = std::chrono::seconds(5);
constexpr Nanoseconds between_words_to_frr = std::chrono::seconds(5); // so long its bgpd may know nothing, once started

Nanoseconds monotonic() { return std::chrono::steady_clock::now().time_since_epoch(); }

// One a network namespace, as the pins have it.
fs::path run_path(const fs::path& directory, const char* suffix)
{
    return fs::path("/run/netwright") / (directory.filename().string() + suffix);
}

Result<Fd> claim(const fs::path& directory)
{
    std::error_code unknown;
    fs::create_directories("/run/netwright", unknown);
    const fs::path path = run_path(directory, ".lock");
    for (;;) {
        struct stat facts{};
        Fd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        if (!lock) return std::unexpected(errno_error("open " + path.string(), errno));
        if (::flock(lock.get(), LOCK_EX | LOCK_NB) < 0)
            return fail(Error::Kind::Busy, "a netwright lb run looks after the balancer here already");
        if (::fstat(lock.get(), &facts) == 0 && facts.st_nlink > 0) return lock; // or its owner just removed it
    }
}

Result<sockaddr_un> status_address(const fs::path& directory)
{
    return unix_address(run_path(directory, ".sock").string());
}

// Whoever holds the lock owns the socket: one that lies there was left behind.
Result<Fd> listener(const fs::path& directory)
{
    const sockaddr_un address = TRY(status_address(directory));
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ::unlink(address.sun_path);
    const mode_t before = ::umask(0077);
    const bool bound = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    const int code = errno;
    ::umask(before);
    if (!bound || ::listen(socket.get(), 8) < 0)
        return std::unexpected(errno_error(std::string("listen on ") + address.sun_path, bound ? errno : code));
    return socket;
}

Result<Fd> signals()
{
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : {SIGHUP, SIGTERM, SIGINT})
        ::sigaddset(&set, signal);
    Fd found(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!found) return std::unexpected(errno_error("wait for signals", errno));
    return found;
}

} // namespace

LbSupervisor::LbSupervisor(fs::path directory, std::string name, Read read, Tell tell)
    : directory_(std::move(directory)), name_(std::move(name)), read_(std::move(read)), tell_(std::move(tell))
{
}

LbSupervisor::~LbSupervisor()
{
    std::error_code ignored;
    if (!lock_) return;
    fs::remove(run_path(directory_, ".sock"), ignored);
    fs::remove(run_path(directory_, ".lock"), ignored);
    fs::remove("/run/netwright", ignored); // another namespace's may still be in it
}

// Looks that are known count on where the check is the same.
Result<void> LbSupervisor::take(LbConfig config)
{
    std::map<LbProber::Who, Target> targets;
    LbHealths healths;
    for (const LbPool& pool : config.pools) {
        if (!pool.check) continue;
        if (pool.check->kind == LbCheck::Kind::Http || pool.check->kind == LbCheck::Kind::Https)
            TRY_VOID(can_probe_http());
        for (const LbBackend& backend : pool.backends) {
            const LbProber::Who who{pool.name, backend.address};
            const auto before = targets_.find(who);
            const bool same = before != targets_.end() && before->second.check == *pool.check;
            targets.emplace(who, same ? before->second : Target{*pool.check});
            healths.emplace(who, same ? healths_[who] : LbHealth{});
        }
    }
    if (config.announce != config_.announce) {
        announced_.clear();
        tell_again_ = Nanoseconds::max();
    }
    config_ = std::move(config);
    targets_ = std::move(targets);
    healths_ = std::move(healths);
    wait_until_ = monotonic() + patience;
    publish();
    return {};
}

Result<void> LbSupervisor::serve()
{
    server_.reset();
    if (!config_.listen) return {};
    server_ = TRY(LbPageServer::start(*config_.listen, [this](std::string_view path) { return page(path); }));
    return {};
}

Result<void> LbSupervisor::begin()
{
    lock_ = TRY(claim(directory_));
    signals_ = TRY(signals());
    listener_ = TRY(listener(directory_));
    auto config = TRY(read_());
    TRY_VOID(take(std::move(config)));
    TRY_VOID(serve());
    prober_ = TRY(LbProber::start(std::clamp<unsigned>(static_cast<unsigned>(targets_.size()), 4, most_threads)));
    return {};
}

void LbSupervisor::publish()
{
    const std::scoped_lock lock(mutex_);
    published_ = {config_, healths_, trouble_};
}

LbStatus LbSupervisor::status() const
{
    const std::scoped_lock lock(mutex_);
    LbStatus status = status_of(name_, published_.config, published_.healths, monotonic());
    status.trouble = published_.trouble;
    return status;
}

std::optional<LbPage> LbSupervisor::page(std::string_view path) const
{
    if (path == "/status.json") return LbPage{"application/json", to_json(status())};
    if (path != "/" && path != "/metrics") return std::nullopt;
    const auto counts = lb_stats(directory_).value_or(std::vector<LbCounted>{});
    if (path == "/") return LbPage{"text/html; charset=utf-8", to_html(status(), counts)};
    return LbPage{"text/plain; version=0.0.4", to_prometheus(status()) + to_prometheus(counts)};
}

void LbSupervisor::answer_status() const
{
    const Fd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client) return;
    const std::string text = to_json(status());
    const int room = 8 << 20;
    const timeval time{1, 0};
    (void)::setsockopt(client.get(), SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
    (void)::setsockopt(client.get(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
    (void)::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL);
}

void LbSupervisor::ask_due(Nanoseconds now)
{
    for (auto& [who, target] : targets_) {
        if (target.asked || target.due > now) continue;
        target.asked = true;
        target.due = now + target.check.interval;
        prober_->ask(who, target.check);
    }
}

void LbSupervisor::take_looks(Nanoseconds now)
{
    for (const LbProber::Look& look : prober_->take()) {
        const auto target = targets_.find(look.who);
        if (target == targets_.end()) continue; // a reload took it out
        target->second.asked = false;
        if (target->second.check != look.check) continue;
        LbHealth& health = healths_[look.who];
        if (!note_look(health, look.check, look.seen, now)) continue;
        tell_(fmt::format("backend {} of pool '{}' is {}", to_text(look.who.second), look.who.first,
                          health.up ? "up" : "down: " + health.why));
    }
    publish();
}

bool LbSupervisor::all_known() const
{
    return std::ranges::all_of(healths_, [](const auto& entry) { return entry.second.known; });
}

Result<void> LbSupervisor::install(Nanoseconds now)
{
    LbConfig wanted = with_health(config_, healths_, now);
    if (installed_ == wanted) return {};
    TRY_VOID(install_lb(directory_, wanted, name_));
    installed_ = std::move(wanted);
    return {};
}

// After what runs here has changed, so that nothing is announced that is not there yet. Nothing is withdrawn when the
// supervisor ends: packets go on being balanced.
Result<void> LbSupervisor::announce_healthy(Nanoseconds now)
{
    if (!config_.announce) return {};
    std::vector<Prefix> healthy = healthy_addresses(config_, healths_);
    std::string text = bird_config(healthy);
    if (text == announced_ && now < tell_again_) return {};
    if (config_.announce->frr > 0) {
        std::set<Prefix> gone(told_.begin(), told_.end());
        for (const LbVip& vip : config_.vips)
            gone.insert(vip.address);
        for (const Prefix& address : healthy)
            gone.erase(address);
        TRY_VOID(announce_by_frr(*config_.announce, healthy, {gone.begin(), gone.end()}));
        tell_again_ = now + between_words_to_frr;
    } else {
        TRY_VOID(announce(*config_.announce, text));
        tell_again_ = Nanoseconds::max();
    }
    announced_ = std::move(text);
    told_ = std::move(healthy);
    return {};
}

// A failure is told once, and tried again: an interface may come back, another command may end.
void LbSupervisor::settle(Nanoseconds now)
{
    if (now < retry_ || (!all_known() && now < wait_until_)) return;
    auto done = install(now);
    if (done) done = announce_healthy(now);
    const std::string trouble = done ? "" : done.error().what;
    if (!done) retry_ = now + pause_after_failure;
    if (trouble == trouble_) return;
    tell_(done ? "the configuration is installed now" : trouble);
    trouble_ = trouble;
    publish();
}

Nanoseconds LbSupervisor::next(Nanoseconds now) const
{
    Nanoseconds soonest = now + std::chrono::seconds(60);
    for (const auto& [who, target] : targets_)
        if (!target.asked) soonest = std::min(soonest, target.due);
    if (const auto step = next_step(config_, healths_, now)) soonest = std::min(soonest, *step);
    if (!all_known()) soonest = std::min(soonest, wait_until_);
    if (!trouble_.empty()) soonest = std::min(soonest, retry_);
    return std::min(soonest, std::max(tell_again_, retry_));
}

void LbSupervisor::reload()
{
    auto config = read_();
    const bool elsewhere = config && config->listen != config_.listen;
    auto done = config ? take(*std::move(config)) : std::unexpected(config.error());
    if (done && elsewhere) done = serve();
    tell_(done ? "read the configuration again" : "kept the configuration that runs: " + done.error().what);
}

bool LbSupervisor::handle_signal()
{
    signalfd_siginfo info{};
    if (::read(signals_.get(), &info, sizeof info) != sizeof info) return true;
    if (info.ssi_signo != SIGHUP) return false;
    reload();
    return true;
}

Result<void> LbSupervisor::run()
{
    TRY_VOID(begin());
    for (bool first = true;;) {
        const Nanoseconds now = monotonic();
        ask_due(now);
        if (first && (all_known() || now >= wait_until_)) {
            TRY_VOID(install(now));
            tell_("the balancer runs"); // BIRD may begin later
            first = false;
        }
        if (!first) settle(now);
        std::array<pollfd, 3> polled{
            {{signals_.get(), POLLIN, 0}, {prober_->wakes(), POLLIN, 0}, {listener_.get(), POLLIN, 0}}};
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(next(now) - now).count();
        (void)::poll(polled.data(), polled.size(), static_cast<int>(std::clamp<std::int64_t>(left, 1, 60000)));
        if (polled[0].revents != 0 && !handle_signal()) return {};
        if (polled[1].revents != 0) take_looks(monotonic());
        if (polled[2].revents != 0) answer_status();
    }
}

Result<LbStatus> ask_supervisor(const fs::path& directory)
{
    const sockaddr_un address = TRY(status_address(directory));
    const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
        return errno == ENOENT || errno == ECONNREFUSED
                   ? fail(Error::Kind::Absent, "no netwright lb run looks after a balancer here")
                   : std::unexpected(errno_error(std::string("ask ") + address.sun_path, errno));
    const timeval time{5, 0};
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    std::string text;
    std::array<char, 65536> piece{};
    for (ssize_t size = 0; (size = ::recv(socket.get(), piece.data(), piece.size(), 0)) > 0;)
        text.append(piece.data(), static_cast<std::size_t>(size));
    return parse_lb_status(text);
}

} // namespace netwright::dataplane
