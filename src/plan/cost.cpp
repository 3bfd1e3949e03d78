// SPDX-License-Identifier: GPL-2.0-or-later
// From measurements and prices to instances, money and payback time: arithmetic over ranges.
#include "plan/cost.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace netwright::plan {
namespace {

constexpr double hours_a_month = 730; // 365 x 24 / 12

// Whole numbers as they are, others to three digits: more would be false precision.
std::string number(double value)
{
    if (std::floor(value) == value && std::abs(value) < 1e9) return fmt::format("{:.0f}", value);
    if (std::abs(value) < 1000 || std::abs(value) >= 1e15) return fmt::format("{:.3g}", value);
    const double step = std::pow(10, std::floor(std::log10(std::abs(value))) - 2);
    return fmt::format("{:.0f}", std::round(value / step) * step);
}

std::string words(const Range& range, std::string_view unit = {})
{
    std::string text = range.least == range.most ? number(range.least)
                                                 : fmt::format("{} to {}", number(range.least), number(range.most));
    return unit.empty() ? text : fmt::format("{} {}", text, unit);
}

std::string percent(const Range& range)
{
    const Range scaled{std::round(range.least * 1000) / 10, std::round(range.most * 1000) / 10};
    return words(scaled, "%");
}

Range times(const Range& a, const Range& b) { return {a.least * b.least, a.most * b.most}; }
Range over(const Range& a, const Range& b) { return {a.least / b.most, a.most / b.least}; }
Range scaled(const Range& a, double factor) { return {a.least * factor, a.most * factor}; }
Range minus(const Range& a, const Range& b) { return {a.least - b.most, a.most - b.least}; }
Range rounded_up(const Range& a) { return {std::ceil(a.least), std::ceil(a.most)}; }
bool positive(const Range& a) { return a.least > 0; }

class Reckoning {
public:
    explicit Reckoning(const CostInputs& inputs) : in_(inputs) {}

    CostReport report() &&
    {
        shares();
        efficiency();
        instances();
        money();
        payback();
        return std::move(out_);
    }

private:
    void add(std::string name, std::string value, std::string formula, std::optional<Range> range = {})
    {
        out_.lines.push_back({std::move(name), std::move(value), std::move(formula), range});
    }
    void lacks(std::string what) { out_.missing.push_back(std::move(what)); }

    void share_of(std::string_view when, const std::optional<Work>& work, const std::optional<Range>& given)
    {
        const std::string name = fmt::format("CPU share of network work, {}", when);
        if (given) add(name, percent(*given), "given", given);
        if (given || !work) return;
        add(name, percent(work->network_share), "(softirq + irq) / all CPU time at least; with all system time at most",
            work->network_share);
        const Range cpus = scaled(work->network_share, work->cpus);
        add(fmt::format("CPUs busy with it, {}", when), words(cpus, "CPUs"),
            fmt::format("{} x {} CPUs", percent(work->network_share), number(work->cpus)), cpus);
    }

    void shares()
    {
        share_of("before", in_.before, in_.share_before);
        share_of("after", in_.after, in_.share_after);
        if (!in_.before && !in_.share_before)
            lacks("the share of CPU time in network code: --before CAPTURE or --share-before 18-25%");
    }

    // CPU time for each bit carried: what does not depend on how busy the hour was.
    void efficiency()
    {
        if (!in_.before || !in_.after || in_.before->bits <= 0 || in_.after->bits <= 0) return;
        if (in_.before->busy_cpus <= 0 || in_.after->busy_cpus <= 0) return;
        const double before = in_.before->busy_cpus / in_.before->bits * 1e9;
        const double after = in_.after->busy_cpus / in_.after->bits * 1e9;
        ratio_ = after / before;
        add("CPU time for each Gbit, before", fmt::format("{:.3g} CPU-seconds", before),
            fmt::format("{:.3g} busy CPUs / {:.3g} Gbit/s", in_.before->busy_cpus, in_.before->bits / 1e9),
            Range{before, before});
        add("CPU time for each Gbit, after", fmt::format("{:.3g} CPU-seconds", after),
            fmt::format("{:.3g} busy CPUs / {:.3g} Gbit/s", in_.after->busy_cpus, in_.after->bits / 1e9),
            Range{after, after});
        add("after / before", fmt::format("{:.3g}", *ratio_), "CPU time for each Gbit", Range{*ratio_, *ratio_});
        const double loads = in_.after->bits / in_.before->bits;
        if (loads < 0.5 || loads > 2)
            out_.remarks.push_back(
                fmt::format("the two captures carried very different loads (factor {:.2g}): costs of "
                            "idle hosts and of busy ones do not compare well",
                            loads));
        if (in_.before->busy_cpus < 0.1 || in_.after->busy_cpus < 0.1)
            out_.remarks.emplace_back("the hosts were nearly idle while they were captured: capture under load");
    }

    Range needed(const Range& capacity) const { return rounded_up(over(*in_.load, scaled(capacity, in_.utilisation))); }
    std::string needed_formula(const Range& capacity) const
    {
        return fmt::format("{} / ({} x {}), rounded up", words(*in_.load, in_.unit), words(capacity, in_.unit),
                           number(in_.utilisation));
    }

    double count(double load, double capacity) const { return std::ceil(load / (capacity * in_.utilisation)); }

    // The load is the same before and after, however little is known of it: the ends of its range do not mix.
    Range fewer_at_one_load() const
    {
        Range fewer{INFINITY, -INFINITY};
        for (const double load : {in_.load->least, in_.load->most}) {
            fewer.least =
                std::min(fewer.least, count(load, in_.capacity_before->most) - count(load, in_.capacity_after->least));
            fewer.most =
                std::max(fewer.most, count(load, in_.capacity_before->least) - count(load, in_.capacity_after->most));
        }
        return fewer;
    }

    void instances_before()
    {
        if (in_.load && in_.capacity_before && positive(*in_.capacity_before)) {
            before_ = needed(*in_.capacity_before);
            add("instances needed, before", words(*before_), needed_formula(*in_.capacity_before), before_);
        } else if (in_.instances) {
            before_ = in_.instances;
            add("instances, before", words(*before_), "given", before_);
        }
    }

    void instances_after()
    {
        if (before_ && in_.load && in_.capacity_after && positive(*in_.capacity_after)) {
            after_ = needed(*in_.capacity_after);
            add("instances needed, after", words(*after_), needed_formula(*in_.capacity_after), after_);
            fewer_ =
                in_.capacity_before && positive(*in_.capacity_before) ? fewer_at_one_load() : minus(*before_, *after_);
        } else if (before_ && ratio_) {
            after_ = rounded_up(scaled(*before_, *ratio_));
            fewer_ = Range{before_->least - after_->least, before_->most - after_->most};
            if (fewer_->least > fewer_->most) std::swap(fewer_->least, fewer_->most);
            add("instances needed, after", words(*after_),
                fmt::format("{} x {:.3g} (CPU time for each Gbit), rounded up", words(*before_), *ratio_), after_);
            out_.remarks.emplace_back("the number of instances follows CPU time only: memory, disks and the wish to "
                                      "survive the loss of one may ask for more");
        }
    }

    void instances()
    {
        instances_before();
        instances_after();
        if (!before_) lacks("the number of instances: --instances N, or --load with --capacity-before");
        if (before_ && !after_)
            lacks(in_.before && in_.after
                      ? "captures under load: in one of the two no traffic was seen, or no CPU time"
                      : "what changes: --after CAPTURE beside --before, or --capacity-after with --load");
    }

    std::optional<Range> hourly_price() const
    {
        if (in_.price) return in_.price;
        if (in_.core_price && in_.cores) return scaled(*in_.core_price, *in_.cores);
        return std::nullopt;
    }

    void cost_of_network(const Range& price)
    {
        const auto share = in_.share_before ? in_.share_before
                           : in_.before     ? std::optional(in_.before->network_share)
                                            : std::nullopt;
        if (!share) return;
        const Range cost = scaled(times(times(*before_, price), *share), hours_a_month);
        add("network work, a month, before", words(cost, in_.currency),
            fmt::format("{} x {} an hour x 730 h x {}", words(*before_), words(price, in_.currency), percent(*share)),
            cost);
    }

    void money()
    {
        const auto price = hourly_price();
        if (!price) return lacks("money: --price for an instance an hour, or --core-price and --cores");
        if (!before_) return;
        const Range fleet = scaled(times(*before_, *price), hours_a_month);
        add("all instances, a month, before", words(fleet, in_.currency),
            fmt::format("{} x {} an hour x 730 h", words(*before_), words(*price, in_.currency)), fleet);
        cost_of_network(*price);
        if (!after_) return;
        const Range fewer = *fewer_;
        saving_ = Range{std::min(fewer.least * price->least, fewer.least * price->most) * hours_a_month,
                        std::max(fewer.most * price->least, fewer.most * price->most) * hours_a_month};
        add("fewer instances", words(fewer), "before - after, at the same load", fewer);
        add("saved a month", words(*saving_, in_.currency),
            fmt::format("{} x {} an hour x 730 h", words(fewer), words(*price, in_.currency)), saving_);
    }

    void payback()
    {
        if (!in_.hours || !in_.rate) return lacks("payback time: --hours of engineering and --rate an hour");
        const Range effort = times(*in_.hours, *in_.rate);
        add("engineering", words(effort, in_.currency),
            fmt::format("{} x {}", words(*in_.hours, "h"), words(*in_.rate, in_.currency)), effort);
        if (!saving_) return;
        if (saving_->most <= 0) return add("payback time", "never", "nothing is saved", std::nullopt);
        if (saving_->least <= 0)
            return add("payback time",
                       fmt::format("{} months or more, perhaps never", number(effort.least / saving_->most)),
                       "engineering / saved a month; the least saving is nothing", std::nullopt);
        const Range months = over(effort, *saving_);
        add("payback time", words(months, "months"), "engineering / saved a month", months);
    }

    const CostInputs& in_;
    CostReport out_;
    std::optional<double> ratio_;
    std::optional<Range> before_, after_, fewer_, saving_;
};

double grown(const Counter& counter) { return static_cast<double>(counter.growth); }

// Interfaces that carry the host's traffic: physical ones; where there are none (a container), all but loopback.
std::vector<const Nic*> carriers(const std::vector<Nic>& nics)
{
    std::vector<const Nic*> found;
    for (const Nic& nic : nics)
        if (nic.physical) found.push_back(&nic);
    if (found.empty())
        for (const Nic& nic : nics)
            if (nic.name != "lo") found.push_back(&nic);
    return found;
}

double rate_of(const Snapshot& capture, std::initializer_list<std::string_view> names, double seconds)
{
    double sum = 0;
    if (!capture.nics) return 0;
    for (const Nic* nic : carriers(*capture.nics))
        for (const std::string_view name : names)
            if (nic->statistics)
                if (const auto counter = nic->statistics->at(name)) sum += grown(*counter);
    return sum / seconds;
}

} // namespace

Result<Range> parse_range(std::string_view text)
{
    const auto bad = [&] {
        return fail(Error::Kind::Rejected, fmt::format("'{}': a number or a range such as 10-14 is expected", text));
    };
    const bool percents = text.ends_with('%');
    std::string_view plain = percents ? text.substr(0, text.size() - 1) : text;
    // The dash of a range is not the sign of an exponent ("1e-3").
    std::size_t dash = plain.find('-', 1);
    while (dash != std::string_view::npos && (plain[dash - 1] == 'e' || plain[dash - 1] == 'E'))
        dash = plain.find('-', dash + 1);
    const auto least = parse_double(trim(plain.substr(0, dash)));
    const auto most = dash == std::string_view::npos ? least : parse_double(trim(plain.substr(dash + 1)));
    if (!least || !most || !std::isfinite(*least) || !std::isfinite(*most) || *least < 0 || *most < *least)
        return bad();
    const double scale = percents ? 0.01 : 1;
    return Range{*least * scale, *most * scale};
}

Result<Work> work_of(const Snapshot& capture)
{
    const double seconds = std::chrono::duration<double>(capture.interval).count();
    if (seconds <= 0)
        return fail(Error::Kind::Absent,
                    "the capture has one sample only: take it with --seconds 10 or more, under load");
    if (!capture.cpu_times) return std::unexpected(capture.cpu_times.error());
    double all = 0, busy = 0, interrupts = 0, system = 0;
    for (const CpuTimes& cpu : *capture.cpu_times) {
        const double work = grown(cpu.user) + grown(cpu.nice) + grown(cpu.system) + grown(cpu.irq) + grown(cpu.softirq);
        interrupts += grown(cpu.irq) + grown(cpu.softirq);
        system += grown(cpu.system);
        busy += work;
        all += work + grown(cpu.idle) + grown(cpu.iowait) + grown(cpu.steal);
    }
    if (all <= 0) return fail(Error::Kind::Absent, "no CPU time passed between the capture's two samples");
    Work work;
    work.cpus = static_cast<double>(capture.cpu_times->size());
    work.network_share = {interrupts / all, (interrupts + system) / all};
    work.busy_cpus = busy / all * work.cpus;
    work.bits = rate_of(capture, {"rx_bytes", "tx_bytes"}, seconds) * 8;
    work.packets = rate_of(capture, {"rx_packets", "tx_packets"}, seconds);
    return work;
}

CostReport cost_report(const CostInputs& inputs) { return Reckoning(inputs).report(); }

} // namespace netwright::plan
