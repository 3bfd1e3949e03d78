// SPDX-License-Identifier: GPL-2.0-or-later
// The outcome benchmark: does what netwright plans help, beside kernel defaults, a copy-paste recipe and tuned's
// profiles? The same emulated paths and the same work for all of them, in one run, in an order drawn by lot.
#include "cli/command.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "outcome/league_report.h"

using namespace netwright;
using namespace netwright::outcome;

namespace {

constexpr std::size_t largest_file = 1U << 20;

// Who takes part besides netwright's plan; the first are the defaults.
struct Contestant {
    const char *name, *file;
};
constexpr std::array contestants{
    Contestant{"kernel defaults", "kernel-defaults.conf"},
    Contestant{"recipe", "recipe.conf"},
    Contestant{"tuned network-throughput", "tuned-network-throughput.conf"},
    Contestant{"tuned network-latency", "tuned-network-latency.conf"},
};

struct Flags {
    std::string data = NETWRIGHT_OUTCOME_DATA, json, html;
    std::vector<std::string> only;
    LeagueRules rules;
    std::uint64_t seed = 0;
    bool list = false;
};

Result<std::vector<Configuration>> read_configurations(const std::string& directory)
{
    std::vector<Configuration> configurations;
    for (const Contestant& one : contestants) {
        const std::string path = fmt::format("{}/{}", directory, one.file);
        const std::string text = TRY(cli::read_file(path, largest_file));
        configurations.push_back(TRY(configuration_from_conf(text, path, one.name)));
    }
    return configurations;
}

Result<std::vector<Scenario>> read_scenarios(const Flags& flags)
{
    const std::string path = flags.data + "/scenarios.yaml";
    const std::string text = TRY(cli::read_file(path, largest_file));
    auto scenarios = TRY(scenarios_from_yaml(text, path));
    for (const std::string& name : flags.only)
        if (std::ranges::find(scenarios, name, &Scenario::name) == scenarios.end())
            return fail(Error::Kind::Rejected, fmt::format("--only {}: no such scenario (see --list)", name));
    const auto wanted = [&](const Scenario& scenario) {
        return flags.only.empty() || std::ranges::find(flags.only, scenario.name) != flags.only.end();
    };
    std::erase_if(scenarios, [&](const Scenario& scenario) { return !wanted(scenario); });
    return scenarios;
}

void show_progress(const Scenario& scenario, const Configuration& configuration)
{
    if (::isatty(STDERR_FILENO) == 1) fmt::print(stderr, "\r\033[K{}: {}\n", scenario.name, configuration.name);
}

Result<Played> play_scenario(const Scenario& scenario, std::vector<Configuration> configurations, const Flags& flags,
                             std::mt19937_64& random)
{
    const Configuration defaults = configurations.front();
    const Configuration plan = TRY(plan_for(scenario, defaults));
    configurations.push_back(plan);
    const auto run = [&](const Configuration& configuration) {
        show_progress(scenario, configuration);
        return run_trial(scenario, defaults, configuration);
    };
    return Played{scenario, plan, play(scenario.name, configurations, flags.rules, run, random)};
}

// Bursts need both ends of each connection.
void raise_file_limit()
{
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit); // where it fails the open itself will tell
}

std::string kernel_release()
{
    utsname name{};
    ::uname(&name);
    return name.release;
}

Result<int> run(const Flags& flags)
{
    const auto configurations = TRY(read_configurations(flags.data));
    const auto scenarios = TRY(read_scenarios(flags));
    if (flags.list) {
        for (const Scenario& scenario : scenarios)
            fmt::print("{:<16}{} ({})\n", scenario.name, scenario.about, lab::to_text(scenario.path));
        return 0;
    }
    raise_file_limit();
    std::mt19937_64 random(flags.seed != 0 ? flags.seed : std::random_device{}());
    std::vector<Played> played;
    TRY_VOID(cli::print(fmt::format("kernel {}; {} of each configuration in each scenario, in an order drawn by lot; "
                                    "intervals of {:.4g} %, each by itself\n",
                                    kernel_release(), report::counted(flags.rules.rounds, "run"),
                                    100 * (1 - flags.rules.level))));
    for (const Scenario& scenario : scenarios) {
        played.push_back(TRY(play_scenario(scenario, configurations, flags, random)));
        TRY_VOID(cli::print(outcome_text(played.back(), flags.rules.level, cli::style_of(STDOUT_FILENO, {}))));
    }
    if (!flags.json.empty()) TRY_VOID(cli::write_file(flags.json, outcome_json(played, flags.rules, kernel_release())));
    if (!flags.html.empty()) TRY_VOID(cli::write_file(flags.html, outcome_html(played, flags.rules, kernel_release())));
    return 0;
}

} // namespace

int main(int argc, char** argv)
{
    Flags flags;
    CLI::App app{"What netwright's plans gain on emulated paths, beside defaults, a recipe and tuned's profiles. Works "
                 "in network namespaces of its own, which needs root.",
                 "outcome"};
    app.add_option("--only", flags.only, "these scenarios (default: all)")->type_name("NAME");
    app.add_option("--rounds", flags.rules.rounds, "runs of each configuration; 4 and more give intervals")
        ->check(cli::number_between(1, 1000))
        ->capture_default_str();
    app.add_option("--repeats", flags.rules.repeats, "of a run that does not count")
        ->check(cli::number_between(0, 100))
        ->capture_default_str();
    app.add_option("--json", flags.json, "write the results there as well")->type_name("FILE");
    app.add_option("--html", flags.html, "draw the results as a page there")->type_name("FILE");
    app.add_option("--data", flags.data, "scenarios.yaml and the configurations")->type_name("DIR");
    app.add_option("--seed", flags.seed, "of the order (default: another one each time)");
    app.add_flag("--list", flags.list, "name the scenarios");
    CLI11_PARSE(app, argc, argv);
    const auto result = run(flags);
    return result ? *result : cli::complain(result.error());
}
