// SPDX-License-Identifier: GPL-2.0-or-later
// The watchdog's life: wait, look at the journal, act once, end.
#include "apply/watchdog.h"

#include "apply/detach.h"
#include "apply/lock.h"
#include "apply/operations.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <ctime>

namespace netwright::apply {
namespace {

constexpr std::chrono::milliseconds tick{200};
constexpr int attempts = 30; // to undo, before the rest is left to `netwright recover`

void log(std::string_view text)
{
    const std::string line =
        fmt::format("{} watchdog {}: {}\n", utc_text(std::chrono::system_clock::now()), ::getpid(), text);
    (void)!::write(STDERR_FILENO, line.data(), line.size()); // its standard error is the log in the state directory
}

// Sleeps for a tick, less when the deadline is nearer; true when somebody asked us to end.
bool asked_to_end(std::chrono::nanoseconds longest)
{
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    const auto pause = std::clamp<std::chrono::nanoseconds>(longest, std::chrono::milliseconds(1), tick);
    const timespec time{0, static_cast<long>(pause.count())};
    return ::sigtimedwait(&ends, nullptr, &time) > 0;
}

class Watchdog {
public:
    Watchdog(kernel::Kernel kernel, Journal journal, Record record)
        : kernel_(std::move(kernel)), journal_(std::move(journal)), record_(std::move(record))
    {
    }

    void watch()
    {
        for (int failures = 0; failures < attempts;) {
            asked_ |= asked_to_end(record_.deadline.count() ? record_.deadline - now_since_boot() : tick);
            if (const auto state = journal_.state_of(record_.id)) {
                if (!is_open(*state)) return log("closed: " + std::string(to_text(*state)));
                if (*state != record_.state) look_again();
                if (is_due() && !act()) ++failures;
            } else if (is_due() || ++unreadable_ > 50) {
                log(state.error().what);
                return act_from_memory();
            }
        }
        if (locked_out_) return act_from_memory();
        log("gives up: netwright recover will try again");
    }

private:
    void look_again()
    {
        if (auto record = journal_.find(record_.id)) record_ = std::move(*record);
    }

    bool is_due() const
    {
        if (asked_) return true;
        if (record_.state == State::Applied && record_.deadline.count() != 0)
            return now_since_boot() >= record_.deadline;
        return !is_alive(record_.owner);
    }

    // True when there is nothing to complain of; the lock may be with somebody who settles it at this moment.
    bool act()
    {
        auto lock = Lock::take(journal_.directory(), std::chrono::milliseconds(0));
        if (!lock && lock.error().kind == Error::Kind::Busy) return true;
        locked_out_ = !lock; // the state directory is gone or cannot be opened: nobody can settle it there
        if (!lock) return false;
        lock->announce(record_.id);
        look_again();
        if (!is_open(record_.state) || !is_due()) return true;
        log(asked_                                                        ? "asked to end: undoing"
            : record_.state == State::Applied && record_.deadline.count() ? "not confirmed in time: undoing"
                                                                          : "its owner is gone: settling");
        const auto done =
            asked_ ? undo(kernel_, journal_, record_, IfChanged::Leave) : settle(kernel_, journal_, record_);
        if (!done)
            log(done.error().what);
        else
            for (const std::string& warning : done->warnings)
                log(warning);
        return done.has_value();
    }

    // No journal, no deadline, no confirm: the old values are what we still know.
    void act_from_memory()
    {
        log("the journal cannot be read: undoing from memory");
        for (Step& step : record_.steps)
            step.state = StepState::Written;
        for (const StepReport& report : put_back(kernel_, record_, Foreign::Leave))
            log(fmt::format("{}: {} {}", to_text(report.tunable), to_text(report.outcome), report.note));
    }

    kernel::Kernel kernel_;
    Journal journal_;
    Record record_;
    bool asked_ = false, locked_out_ = false;
    int unreadable_ = 0;
};

// The forked process shares our netlink sockets and its files were just closed: it opens its own.
Result<kernel::Kernel> open_kernel(const std::string& tree)
{
    if (!tree.empty()) return kernel::Kernel::captured(tree);
    if (auto inside = kernel::Kernel::live_in_namespace()) return inside;
    return kernel::Kernel::live();
}

Result<Watchdog> open_watchdog(const std::string& tree, const std::filesystem::path& state_dir,
                               std::int64_t transaction)
{
    kernel::Kernel kernel = TRY(open_kernel(tree));
    Journal journal = TRY(Journal::open(state_dir, Access::Write));
    Record record = TRY(journal.find(transaction));
    return Watchdog(std::move(kernel), std::move(journal), std::move(record));
}

std::string tree_of(const kernel::Kernel& kernel)
{
    if (kernel.files.is_live()) return {};
    std::string tree = kernel.files.display("");
    return tree == "/" ? std::string(".") : tree;
}

} // namespace

Result<ProcessMark> start_watchdog(const kernel::Kernel& kernel, Journal& journal, std::int64_t transaction)
{
    const std::string tree = tree_of(kernel);
    const auto state_dir = std::filesystem::absolute(journal.directory());
    ProcessMark mark;
    const auto life = [&](const Ready& ready) {
        auto watchdog = open_watchdog(tree, state_dir, transaction);
        if (!watchdog) return ready(std::unexpected(watchdog.error()));
        ready({});
        watchdog->watch();
    };
    TRY_VOID(journal.while_closed([&]() -> Result<void> {
        auto started = start_detached(state_dir / "watchdog.log", life);
        if (!started) return std::unexpected(std::move(started).error());
        mark = *started;
        return {};
    }));
    return mark;
}

} // namespace netwright::apply
