// SPDX-License-Identifier: GPL-2.0-or-later
// Showing packets that the filter dropped.
#include "cli/filter_samples.h"

#include "cli/pins.h"
#include "dataplane/filter_control.h"
#include "dataplane/filter_samples.h"

#include <CLI/CLI.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <net/if.h>
#include <nlohmann/json.hpp>

#include <array>
#include <chrono>
#include <ctime>
#include <memory>

namespace netwright::cli {
namespace {

namespace dp = dataplane;

struct SampleFlags {
    std::string count;
    bool watch = false, json = false;
};

// Something to be printed of a sample: names instead of numbers.
struct Named {
    std::string interface, check, hex;
    std::chrono::system_clock::time_point time;
};

std::chrono::nanoseconds monotonic_now()
{
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

Named named(const dp::Sample& sample, const dp::CounterNames& counters)
{
    Named one;
    std::array<char, IF_NAMESIZE> interface{};
    const bool there = ::if_indextoname(sample.interface, interface.data()) != nullptr;
    one.interface = there ? interface.data() : fmt::format("{}", sample.interface);
    one.check = dp::counter_name(sample.counter, counters);
    for (const std::uint8_t byte : sample.head)
        one.hex += fmt::format("{:02x}", byte);
    using std::chrono::system_clock;
    one.time = system_clock::now() - std::chrono::duration_cast<system_clock::duration>(monotonic_now() - sample.time);
    return one;
}

std::string utc(std::chrono::system_clock::time_point time)
{
    const auto thousandths = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(time)),
                       thousandths % 1000);
}

std::string json_line(const dp::Sample& sample, const Named& one)
{
    const nlohmann::json json{{"time", utc(one.time)},
                              {"interface", one.interface},
                              {"check", one.check},
                              {"length", sample.length},
                              {"packet", dp::head_summary(sample.head)},
                              {"head", one.hex}};
    return json.dump() + "\n";
}

std::string text_line(const dp::Sample& sample, const Named& one)
{
    return fmt::format("{}  {}  {}  {} ({} bytes)\n", utc(one.time), one.interface, report::printable(one.check),
                       dp::head_summary(sample.head), sample.length);
}

Result<void> samples(const SampleFlags& flags, const Globals& globals)
{
    const auto directory = TRY(enter_pins(globals, "filter"));
    auto reader = TRY(dp::SampleReader::open(directory));
    std::uint64_t left = flags.count.empty() ? UINT64_MAX : std::stoull(flags.count);
    Result<void> printed;
    while (left > 0) {
        const auto installed = TRY(dp::installed_filter(directory)); // another policy may have come
        if (!installed) return {};
        if (!installed->samples)
            return fail(Error::Kind::Rejected, "the policy that runs samples nothing: give it 'sample_every: 1000'");
        TRY_VOID(reader.read(std::chrono::milliseconds(flags.watch ? 500 : 0), [&](const dp::Sample& sample) {
            const Named one = named(sample, installed->counters);
            printed = print(flags.json ? json_line(sample, one) : text_line(sample, one));
            return printed && --left > 0;
        }));
        if (!printed || !flags.watch) break;
    }
    return printed;
}

} // namespace

std::function<Result<void>()> declare_filter_samples(CLI::App& app, const Globals& globals)
{
    const auto flags = std::make_shared<SampleFlags>();
    app.add_option("--count", flags->count, "this many at most")->type_name("N")->check(whole_number);
    app.add_flag("--watch", flags->watch, "wait for more, until it is interrupted or --count is reached");
    app.add_flag("--json", flags->json, "a JSON object a line, with the head of the packet in hex");
    return [flags, &globals] { return samples(*flags, globals); };
}

} // namespace netwright::cli
