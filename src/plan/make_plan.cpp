// SPDX-License-Identifier: GPL-2.0-or-later
// Sift what the findings propose, merge what concerns the same tunable, put it in order.
#include "plan/make_plan.h"

#include "plan/compare.h"
#include "plan/inputs.h"
#include "plan/order.h"
#include "plan/present.h"
#include "plan/sift.h"

#include <fmt/format.h>

#include <algorithm>

namespace netwright::plan {
namespace {

std::string shown(const std::optional<Value>& value) { return value ? to_text(*value) : "(removed)"; }

template <class T>
void add_once(std::vector<T>& all, const std::vector<T>& more)
{
    for (const T& one : more)
        if (std::ranges::find(all, one) == all.end()) all.push_back(one);
}

class PlanMaker {
public:
    PlanMaker(const Snapshot& host, const Intent& intent) : host_(host), intent_(intent) {}

    // Findings come most important first: an earlier proposal outranks a later one.
    void consider(const Finding& finding, Change change)
    {
        if (change.because.empty()) change.because.push_back(finding.rule);
        auto now = present(host_, change.tunable);
        if (!now) return leave_out(change, now.error().what);
        // What was meant to raise never lowers, also when the host has more than the rule saw.
        const bool never_lower = comparable(change.from, change.to) && !lowers(change.from, change.to);
        if (never_lower && comparable(*now, change.to)) change.to = elementwise_most(**now, *change.to);
        change.from = *std::move(now);
        if (same(change.tunable, change.from, change.to)) return;
        if (const auto reason = objection({finding, change}, intent_)) return leave_out(change, *reason);
        merge(std::move(change));
    }

    std::vector<Change> changes() { return ordered(std::move(changes_)); }

    // What another proposal brings about anyway was not left out.
    std::vector<LeftOut> left_out() const
    {
        std::vector<LeftOut> rest;
        for (const LeftOut& left : left_out_)
            if (std::ranges::none_of(changes_, [&](const Change& change) {
                    return to_text(change.tunable) == left.tunable && shown(change.to) == left.to;
                }))
                rest.push_back(left);
        return rest;
    }

private:
    void leave_out(const Change& change, const std::string& reason)
    {
        const LeftOut left{to_text(change.tunable), shown(change.to), reason, change.because};
        const auto equal = std::ranges::find_if(left_out_, [&](const LeftOut& other) {
            return other.tunable == left.tunable && other.to == left.to && other.reason == left.reason;
        });
        if (equal == left_out_.end()) {
            left_out_.push_back(left);
        } else {
            add_once(equal->because, left.because);
        }
    }

    void merge(Change change)
    {
        const auto earlier = std::ranges::find(changes_, change.tunable, &Change::tunable);
        if (earlier == changes_.end()) {
            changes_.push_back(std::move(change));
        } else if (same(change.tunable, earlier->to, change.to)) {
            join(*earlier, change);
        } else if (both_raise(*earlier, change)) {
            raise(*earlier, change);
        } else {
            leave_out(change, fmt::format("{} ranks higher and sets {}", earlier->because.front(), shown(earlier->to)));
        }
    }

    static bool both_raise(const Change& a, const Change& b)
    {
        return raises(a.from, a.to) && raises(b.from, b.to) && comparable(a.to, b.to);
    }

    static void raise(Change& earlier, const Change& change)
    {
        Value most = elementwise_most(*earlier.to, *change.to);
        if (same(earlier.tunable, most, change.to)) {
            earlier.why = change.why;
        } else if (!same(earlier.tunable, most, earlier.to)) {
            earlier.why = fmt::format("{}; {}", earlier.why, change.why); // each gave a part of the list
        }
        earlier.to = std::move(most);
        join(earlier, change);
    }

    static void join(Change& earlier, const Change& change)
    {
        add_once(earlier.because, change.because);
        earlier.risk = std::max(earlier.risk, change.risk);
        earlier.interrupts = earlier.interrupts || change.interrupts;
    }

    const Snapshot& host_;
    const Intent& intent_;
    std::vector<Change> changes_;
    std::vector<LeftOut> left_out_;
};

} // namespace

Plan make_plan(const Judgement& judgement, const Snapshot& host, const Intent& intent)
{
    Plan plan;
    plan.made_for = fingerprint(host);
    plan.intent = intent;
    plan.inputs = inputs(host, intent);
    PlanMaker maker(host, intent);
    for (const Finding& finding : judgement.findings) {
        for (const Change& change : finding.remedy)
            maker.consider(finding, change);
        add_once(plan.advice, finding.advice);
    }
    plan.left_out = maker.left_out();
    plan.changes = maker.changes();
    return plan;
}

} // namespace netwright::plan
