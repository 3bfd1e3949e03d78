// SPDX-License-Identifier: GPL-2.0-or-later
// netwright autotune: searches settings by measuring, and proves what it found. The host is put back after every run.
#include "cli/place.h"
#include "cli/search_setup.h"
#include "measure/search.h"
#include "model/intent_yaml.h"
#include "model/plan_yaml.h"
#include "model/search_json.h"
#include "report/search_report.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <random>

namespace netwright::cli {
namespace {

constexpr std::size_t largest_state = 64U << 20, largest_intent = 1U << 20;

struct AutotuneFlags {
    std::string goal, workload = "mixed", budget = "30m", intent, start;
    std::string state = "autotune.json", output = "autotune-plan.yaml", html;
    std::vector<std::string> guards, over;
    TrafficFlags traffic;
    PlaceFlags place;
    double level = 0.05;
    bool json = false;
};

// What was typed, read.
struct Order {
    measure::SearchRules rules;
    Traffic traffic;
    std::string traffic_words;
};

Result<Order> order_of(const AutotuneFlags& flags)
{
    Order order;
    order.rules.goal = TRY(measure::parse_goal(flags.goal));
    for (const std::string& guard : flags.guards)
        order.rules.guards.push_back(TRY(measure::parse_guardrail(guard)));
    if (!(flags.level > 0 && flags.level < 0.5)) return fail(Error::Kind::Rejected, "--level: above 0 and below 0.5");
    order.rules.level = flags.level;
    const Nanoseconds budget = TRY(parse_duration(flags.budget));
    order.rules.budget_s = std::chrono::duration<double>(budget).count();
    Traffic traffic = TRY(traffic_of(flags.workload, flags.traffic));
    order.traffic = TRY(settled(std::move(traffic), TrafficLimits{}));
    order.traffic_words =
        fmt::format("{}, {}, {} bytes, {} a run{}", flags.workload, report::counted(order.traffic.flows, "flow"),
                    order.traffic.message, duration_text(order.traffic.duration),
                    order.traffic.rate == 0 ? "" : fmt::format(", rate {}", order.traffic.rate));
    return order;
}

// What an emulated path says of the network that nobody has told of.
void describe_path(const lab::PathSettings& path, Intent& intent)
{
    const BitRate slowest = lab::bottleneck(path);
    const Nanoseconds rtt = lab::round_trip(path);
    if (slowest.bits_per_second > 0 && !intent.bandwidth)
        intent.bandwidth = Answer<BitRate>{slowest, true, "the lab's path"};
    if (rtt.count() > 0 && !intent.rtt) intent.rtt = Answer<Nanoseconds>{rtt, true, "the lab's path"};
}

Result<Intent> intent_of(const AutotuneFlags& flags, const measure::SearchRules& rules)
{
    Intent intent;
    if (!flags.intent.empty()) {
        const std::string text = TRY(read_file(flags.intent, largest_intent));
        intent = TRY(intent_from_yaml(text, flags.intent));
    }
    if (!intent.workload.given)
        intent.workload = {rules.goal.metric == "throughput" ? Workload::Bulk : Workload::LowLatency, true, "--goal"};
    intent.welcome = std::max(intent.welcome, Risk::Medium); // a search measures what it does
    if (flags.place.in_lab()) describe_path(TRY(path_of(flags.place.path)), intent);
    return intent;
}

Result<std::string> place_words(const PlaceFlags& flags)
{
    if (!flags.in_lab()) return flags.host.empty() ? std::string("live, on loopback") : "live, against " + flags.host;
    const lab::PathSettings path = TRY(path_of(flags.path));
    return "lab: " + lab::to_text(path) + (flags.path.six ? ", IPv6" : "");
}

SearchRecord fresh_record(const AutotuneFlags& flags, const Order& order, const SearchHost& host, std::string place)
{
    SearchRecord record;
    record.host = host.fingerprint.hostname;
    record.kernel = host.fingerprint.kernel;
    record.place = std::move(place);
    record.traffic = order.traffic_words;
    record.goal = order.rules.goal;
    for (const measure::Guardrail& guard : order.rules.guards)
        record.guards.push_back(guard.text);
    record.level = flags.level;
    record.budget_s = order.rules.budget_s;
    record.dimensions = host.dimensions;
    return record;
}

bool same_settings(const std::vector<Dimension>& kept, const std::vector<Dimension>& now)
{
    return std::ranges::equal(kept, now, [](const Dimension& a, const Dimension& b) {
        return a.tunable == b.tunable && a.levels[a.now] == b.levels[b.now];
    });
}

// What a search that was put aside asked for must be what is asked for now, but for the budget.
Result<SearchRecord> take_up(SearchRecord kept, const SearchRecord& asked, const std::string& file)
{
    const auto other = [&](std::string_view what) {
        return fail(
            Error::Kind::Mismatch,
            fmt::format("{}: it holds a search with {}; name another file with --state, or remove it", file, what));
    };
    if (kept.host != asked.host || kept.kernel != asked.kernel) return other("another host or kernel");
    if (kept.place != asked.place) return other("another path: " + kept.place);
    if (kept.traffic != asked.traffic) return other("other traffic: " + kept.traffic);
    if (kept.goal != asked.goal) return other("another goal: " + kept.goal.metric);
    if (kept.guards != asked.guards) return other("other guards");
    if (kept.level != asked.level) return other(fmt::format("another level: {}", kept.level));
    if (!same_settings(kept.dimensions, asked.dimensions))
        return other("other settings, or the host's own values have changed since");
    kept.budget_s = asked.budget_s;
    return kept;
}

// One search at work: what it has in hand, and what it does next.
class Tuner {
public:
    Tuner(SearchRecord record, Order order, SearchHost host, Scope scope, std::string file)
        : record_(std::move(record)), order_(std::move(order)), host_(std::move(host)), scope_(scope),
          file_(std::move(file)), search_(record_.dimensions, order_.rules)
    {
        host_.dimensions = record_.dimensions;
    }

    Result<void> replay()
    {
        for (const SearchPair& pair : record_.trail)
            TRY_VOID(search_.record(pair));
        return {};
    }

    // Until there is nothing left to try or no budget. The file is as new as the last pair.
    Result<void> go_on(Place& place)
    {
        while (const auto task = search_.next()) {
            const SearchPair pair = TRY(measure_pair(place, *task));
            TRY_VOID(search_.record(pair));
            record_.trail.push_back(pair);
            TRY_VOID(write_file(file_, to_json(record_)));
            show_progress();
        }
        return {};
    }

    SearchStory story() const
    {
        return {record_, search_.races(), search_.leader(), search_.proven(), search_.spent_s(), search_.exhausted()};
    }
    const SearchHost& host() const { return host_; }

private:
    Result<SearchPair> measure_pair(Place& place, const measure::SearchTask& task)
    {
        const auto began = std::chrono::steady_clock::now();
        SearchPair pair{task.stage, task.holder, task.challenger, {}, {}, 0};
        const bool holder_first = random_() % 2 == 0;
        if (holder_first) pair.of_holder = TRY(run_at(place, task.holder));
        pair.of_challenger = TRY(run_at(place, task.challenger));
        if (!holder_first) pair.of_holder = TRY(run_at(place, task.holder));
        pair.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
        return pair;
    }

    // The host's own point must be measurable; any other may turn out to be impossible.
    Result<SearchRun> run_at(Place& place, const SearchPoint& point)
    {
        const Plan plan = plan_of(host_, point, scope_);
        const bool own = point == point_now(record_.dimensions);
        const auto measured = measured_with(place, plan);
        const auto counted = measured ? told(*measured) : std::unexpected(measured.error());
        if (counted || own || was_interrupted()) return counted;
        SearchRun run;
        run.trouble = counted.error().what;
        run.guards.assign(order_.rules.guards.size(), 0);
        return run;
    }

    Result<Measurement> measured_with(Place& place, const Plan& plan)
    {
        if (plan.changes.empty()) return place.measure(order_.traffic);
        TRY_VOID(place.prepare(plan));
        if (!place.left_out().empty())
            return fail(Error::Kind::Unsupported, fmt::format("{}: a lab cannot show it", place.left_out().front()));
        return measure_switched_on(place, order_.traffic);
    }

    Result<SearchRun> told(const Measurement& measured) const
    {
        const auto value_of = [&](const std::string& name) -> Result<double> {
            if (const auto value = metric(measured, name)) return *value;
            return fail(Error::Kind::Rejected, fmt::format("{} does not tell {}: --bench with another workload",
                                                           to_text(measured.traffic.kind), name));
        };
        SearchRun run;
        run.goal = TRY(value_of(order_.rules.goal.metric));
        for (const measure::Guardrail& guard : order_.rules.guards)
            run.guards.push_back(TRY(value_of(guard.metric)));
        return run;
    }

    void show_progress() const
    {
        if (::isatty(STDERR_FILENO) != 1) return;
        const SearchRace& race = search_.races().back();
        fmt::print(stderr, "\r\033[K{:.0f} of {:.0f} s, race {} ({}) {}:{}  {}\n", search_.spent_s(), record_.budget_s,
                   search_.races().size(), to_text(race.stage), race.wins, race.losses,
                   point_text(record_.dimensions, race.challenger));
    }

    SearchRecord record_;
    Order order_;
    SearchHost host_;
    Scope scope_;
    std::string file_;
    measure::Search search_;
    std::mt19937_64 random_{std::random_device{}()};
};

// The plan with its evidence; nothing when nothing is proven.
Result<void> write_plan(const AutotuneFlags& flags, const SearchHost& host, const SearchStory& story)
{
    if (story.proven == point_now(story.record.dimensions)) return {};
    Plan plan = plan_of(host, story.proven, Scope::Changed);
    for (const std::string& proof : report::proofs_text(story))
        plan.inputs.push_back({"proof", proof, ""});
    plan.inputs.push_back({"measured",
                           fmt::format("{} pairs of runs, kept in {}", story.record.trail.size(), flags.state),
                           fmt::format("{}; {}", story.record.place, story.record.traffic)});
    TRY_VOID(write_file(flags.output, to_yaml(plan)));
    if (flags.output == "-" || flags.json) return {};
    return print(fmt::format("The host is as it was. Plan: {}; review it, then: netwright apply {}\n", flags.output,
                             flags.output));
}

Result<void> tell(const AutotuneFlags& flags, const SearchHost& host, const SearchStory& story, const Globals& globals)
{
    if (!flags.html.empty()) TRY_VOID(write_file(flags.html, report::search_html(story)));
    TRY_VOID(
        print(flags.json ? report::search_json(story) : report::search_text(story, style_of(STDOUT_FILENO, globals))));
    return write_plan(flags, host, story);
}

Result<int> autotune(const AutotuneFlags& flags, const Order& order, const Globals& globals)
{
    const Intent intent = TRY(intent_of(flags, order.rules));
    const std::string words = TRY(place_words(flags.place));
    const SearchHost host = TRY(search_host(flags.over, intent, flags.start, globals));
    SearchRecord record = fresh_record(flags, order, host, words);
    const auto kept = read_file(flags.state, largest_state);
    if (!kept && kept.error().kind != Error::Kind::Absent) return std::unexpected(kept.error());
    if (kept) {
        SearchRecord earlier = TRY(search_from_json(*kept));
        record = TRY(take_up(std::move(earlier), record, flags.state));
    }
    Tuner tuner(std::move(record), order, host, flags.place.in_lab() ? Scope::All : Scope::Changed, flags.state);
    TRY_VOID(tuner.replay());
    const auto place = TRY(place_of(flags.place, globals));
    const auto ended = tuner.go_on(*place);
    const SearchStory story = tuner.story();
    if (!story.record.trail.empty()) TRY_VOID(tell(flags, tuner.host(), story, globals));
    if (!ended && was_interrupted())
        return fail(Error::Kind::Interrupted,
                    fmt::format("interrupted; everything is put back. The same command goes on from {}", flags.state));
    if (!ended) return std::unexpected(ended.error());
    return done;
}

int run(const AutotuneFlags& flags, const Globals& globals)
{
    const auto order = order_of(flags);
    if (!order) return complain(order.error(), usage);
    const auto result = autotune(flags, *order, globals);
    if (!result) return complain(result.error(), result.error().kind == Error::Kind::Rejected ? usage : failed);
    return *result;
}

} // namespace

Action declare_autotune(CLI::App& app, const Globals& globals)
{
    auto flags = std::make_shared<AutotuneFlags>();
    app.add_option("--goal", flags->goal, "what to make better: 'max throughput', 'min p99'")
        ->type_name("GOAL")
        ->required();
    app.add_option("--over", flags->over, "settings that may be moved, within the catalogue's safe ranges")
        ->type_name("TUNABLE[,TUNABLE]")
        ->required();
    app.add_option("--guard", flags->guards, "what must hold at every run: 'p99 < 2ms', 'retransmits < 1%', 'p99 < 3x'")
        ->type_name("RULE");
    app.add_option("--budget", flags->budget, "how long to measure")->type_name("TIME")->capture_default_str();
    app.add_option("--bench", flags->workload, "what to measure, as for netwright bench")
        ->type_name("WORKLOAD")
        ->capture_default_str();
    app.add_option("--level", flags->level, "chance of calling something proven that is no better")
        ->capture_default_str();
    app.add_option("--intent", flags->intent, "what the host is for, for the formulas it starts from")
        ->type_name("FILE");
    app.add_option("--start", flags->start, "start from this plan's values instead of the formulas'")
        ->type_name("FILE");
    app.add_option("--state", flags->state, "the search itself; it is taken up from there when it was interrupted")
        ->type_name("FILE")
        ->capture_default_str();
    app.add_option("-o,--output", flags->output, "where to write the plan, with its evidence")
        ->type_name("FILE")
        ->capture_default_str();
    app.add_option("--html", flags->html, "draw the trail as a page of its own")->type_name("FILE");
    app.add_flag("--json", flags->json, "print what it came to as JSON");
    add_place_flags(app, flags->place);
    add_traffic_flags(app, flags->traffic, "3s", "--traffic-rate");
    return [flags, &globals] { return run(*flags, globals); };
}

} // namespace netwright::cli
