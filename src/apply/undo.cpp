// SPDX-License-Identifier: GPL-2.0-or-later
// Undoing: current == what we wrote: write the old value; current == the old value: nothing to do; else it is not ours.
#include "apply/undo.h"

#include "tunable/tunable_kind.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::apply {
namespace {

using Present = Result<std::optional<Value>>;

// Nothing is what we wrote, too, where a value was removed; a follower was written by nobody.
bool is_ours(const Step& step, const std::optional<Value>& now)
{
    return ((step.to || !step.follower) && tunable::same(step.tunable, step.to, now)) ||
           (step.shown && tunable::same(step.tunable, step.shown, now));
}

bool was_written(const Step& step) { return step.state == StepState::Writing || step.state == StepState::Written; }

// A crash may have cut off the last step between writing it and seeing what the kernel made of it.
bool in_doubt(const Record& record, std::size_t place)
{
    if (record.steps[place].state != StepState::Writing) return false;
    for (std::size_t later = place + 1; later < record.steps.size(); ++later)
        if (!record.steps[later].follower && record.steps[later].state == StepState::Writing) return false;
    return true;
}

StepReport report_of(const Step& step, Outcome outcome, std::optional<Value> now, std::string note)
{
    return {step.tunable, outcome, step.from, step.follower ? step.shown : step.to, std::move(now), std::move(note)};
}

StepReport unreadable(const Step& step, const Error& error)
{
    return report_of(step, error.kind == Error::Kind::Absent ? Outcome::Gone : Outcome::Failed, {}, error.what);
}

std::string value_text(const std::optional<Value>& value) { return value ? to_text(*value) : "nothing"; }

StepReport foreign_value(const Step& step, const std::optional<Value>& now)
{
    return report_of(step, Outcome::ChangedSince, now,
                     fmt::format("{} is now {}, not {} as netwright set it: left as it is", to_text(step.tunable),
                                 value_text(now), value_text(step.to ? step.to : step.shown)));
}

// Writes `target` and looks.
StepReport restore(kernel::Kernel& kernel, const Step& step, const std::optional<Value>& target)
{
    const auto written = target ? tunable::write(kernel, step.tunable, *target) : tunable::clear(kernel, step.tunable);
    const Present now = tunable::read(kernel, step.tunable);
    if (!now) return unreadable(step, now.error());
    if (tunable::same(step.tunable, *now, target)) return report_of(step, Outcome::Restored, *now, "");
    return report_of(step, Outcome::Failed, *now,
                     written ? fmt::format("{} shows {} after {} was written back", to_text(step.tunable),
                                           value_text(*now), value_text(target))
                             : written.error().what);
}

StepReport put_back_one(kernel::Kernel& kernel, const Record& record, std::size_t place, Foreign foreign)
{
    const Step& step = record.steps[place];
    const Present now = tunable::read(kernel, step.tunable);
    if (!now) return unreadable(step, now.error());
    if (*now == step.from) return report_of(step, Outcome::AlreadyBack, *now, "");
    if (is_ours(step, *now) || foreign == Foreign::Overwrite || in_doubt(record, place))
        return restore(kernel, step, step.from);
    if (tunable::same(step.tunable, *now, step.from)) return report_of(step, Outcome::AlreadyBack, *now, "");
    return foreign_value(step, *now);
}

// Followers were not written by us but by the kernel, beside one of our writes. What they held before our undo began
// tells whether somebody else set them meanwhile: then that value is kept, and put back if the kernel moves it again.
struct Follower {
    std::size_t place;
    Present before;
    bool foreign;
};

std::vector<Follower> look_at_followers(kernel::Kernel& kernel, const Record& record)
{
    std::vector<Follower> followers;
    for (std::size_t place = 0; place < record.steps.size(); ++place) {
        const Step& step = record.steps[place];
        if (!step.follower) continue;
        Present before = tunable::read(kernel, step.tunable);
        // Once an undo has begun, values between the old and the new one are the undo's own.
        const bool foreign = before && record.state != State::Undoing && step.shown && !is_ours(step, *before) &&
                             !tunable::same(step.tunable, *before, step.from);
        followers.push_back({place, std::move(before), foreign});
    }
    return followers;
}

StepReport settle_follower(kernel::Kernel& kernel, const Record& record, const Follower& follower, Foreign foreign)
{
    const Step& step = record.steps[follower.place];
    const Present now = tunable::read(kernel, step.tunable);
    if (!now) return unreadable(step, now.error());
    const bool leave = follower.foreign && foreign == Foreign::Leave;
    const std::optional<Value>& target = leave ? *follower.before : step.from;
    if (*now != target && !tunable::same(step.tunable, *now, target)) {
        StepReport report = restore(kernel, step, target);
        if (!leave || report.outcome != Outcome::Restored) return report;
    }
    return leave ? foreign_value(step, *follower.before) : report_of(step, Outcome::AlreadyBack, *now, "");
}

// Putting one value back may move another (conf.all reaches every interface), or make room for one that was refused.
void look_again(kernel::Kernel& kernel, const Record& record, std::vector<StepReport>& reports)
{
    for (StepReport& report : reports) {
        if (report.outcome == Outcome::ChangedSince || report.outcome == Outcome::Gone) continue;
        const auto step = std::ranges::find(record.steps, report.tunable, &Step::tunable);
        const Present now = tunable::read(kernel, report.tunable);
        // A driver that rounds may have taken the old value exactly, had the others been back already.
        if (!now || (report.outcome != Outcome::Failed && *now == step->from)) continue;
        report = restore(kernel, *step, step->from);
    }
}

bool anything_written(const Record& record)
{
    for (const Step& step : record.steps)
        if (!step.follower && was_written(step)) return true;
    return false;
}

} // namespace

std::string_view to_text(Outcome outcome)
{
    constexpr std::array<std::string_view, 6> names{"set",           "restored", "already back",
                                                    "changed since", "gone",     "failed"};
    return names.at(static_cast<std::size_t>(outcome));
}

std::vector<StepReport> put_back(kernel::Kernel& kernel, const Record& record, Foreign foreign)
{
    std::vector<StepReport> reports;
    if (!anything_written(record)) return reports;
    const auto followers = look_at_followers(kernel, record);
    for (std::size_t place = record.steps.size(); place-- > 0;)
        if (!record.steps[place].follower && was_written(record.steps[place]))
            reports.push_back(put_back_one(kernel, record, place, foreign));
    for (const Follower& follower : followers)
        reports.push_back(settle_follower(kernel, record, follower, foreign));
    look_again(kernel, record, reports);
    return reports;
}

std::vector<StepReport> changed_since(kernel::Kernel& kernel, const Record& record)
{
    std::vector<StepReport> reports;
    for (const Step& step : record.steps) {
        if (step.follower || !was_written(step)) continue;
        const Present now = tunable::read(kernel, step.tunable);
        if (now && !is_ours(step, *now) && !tunable::same(step.tunable, *now, step.from))
            reports.push_back(foreign_value(step, *now));
    }
    return reports;
}

} // namespace netwright::apply
