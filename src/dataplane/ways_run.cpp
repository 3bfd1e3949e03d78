// SPDX-License-Identifier: GPL-2.0-or-later
// The steps that are the same for every way, and DPDK's.
#include "dataplane/ways_run.h"

#include "base/text.h"
#include "dataplane/testpmd.h"
#include "dataplane/xdp_link.h"
#include "kernel/files.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <thread>

namespace netwright::dataplane {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

Result<void> keep_on(int thread, int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<unsigned>(cpu), &set);
    if (::sched_setaffinity(thread, sizeof set, &set) == 0) return {};
    return std::unexpected(errno_error(fmt::format("keep thread {} on CPU {}", thread, cpu), errno));
}

Result<void> keep_on(const std::vector<int>& threads, int cpu)
{
    for (const int thread : threads)
        TRY_VOID(keep_on(thread, cpu));
    return {};
}

// Seconds that threads have run: nanoseconds come first in schedstat (Documentation/scheduler/sched-stats.rst).
Result<double> cpu_time(const std::vector<int>& threads)
{
    const auto files = kernel::Files::live();
    double sum = 0;
    for (const int thread : threads) {
        const std::string text = TRY(files.read(fmt::format("proc/{}/schedstat", thread)));
        std::string_view rest = text, word;
        next_word(rest, word);
        sum += static_cast<double>(TRY(parse_unsigned(word))) / 1e9;
    }
    return sum;
}

class DpdkWay : public RunningWay {
public:
    DpdkWay(Testpmd child, const WayScene& scene) : child_(std::move(child)), program_(scene.program), task_(scene.task)
    {
    }
    std::vector<int> threads() const override
    {
        std::vector<int> found;
        const auto names = kernel::Files::live().list(fmt::format("proc/{}/task", child_.pid()));
        for (const std::string& name : names.value_or(std::vector<std::string>{}))
            if (const auto thread = parse_int(name)) found.push_back(static_cast<int>(*thread));
        return found;
    }
    Result<std::optional<std::uint64_t>> so_far() override
    {
        if (task_ == WayTask::Drop) return std::nullopt;
        return TRY(program_.arrived());
    }
    Result<std::uint64_t> stop() override
    {
        const TestpmdCount count = TRY(child_.stop());
        return task_ == WayTask::Drop ? count.received : TRY(program_.arrived());
    }

private:
    Testpmd child_;
    const WaysProgram& program_;
    WayTask task_;
};

std::string mac_text(const MacAddress& mac)
{
    return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

Result<std::unique_ptr<RunningWay>> start(Way way, const WayScene& scene)
{
    switch (way) {
    case Way::Stack:
        return start_stack(scene);
    case Way::Xdp:
        return start_xdp(scene);
    case Way::AfXdpCopy:
    case Way::AfXdpZeroCopy:
        return start_af_xdp(scene, way);
    case Way::DpdkAfPacket:
    case Way::DpdkAfXdp:
        break;
    }
    return start_dpdk(scene, way);
}

// Until everything that came has been handled, or nothing moves any more: on a busy machine a program may be kept from
// its CPU for long, with packets in its queue. After a flood that many are no matter.
Result<void> settle(RunningWay& way, const WaysNetwork& network, const WayLoad& load)
{
    std::uint64_t before = 0;
    auto moved = Clock::now();
    for (auto patience = 200ms; Clock::now() - moved < patience;) {
        const auto came = TRY(network.came());
        const auto handled = TRY(way.so_far());
        if (handled && *handled >= came) return {};
        if (load.rate) patience = handled ? 2000ms : 500ms;
        const std::uint64_t now = came + handled.value_or(0);
        if (now != before) moved = Clock::now();
        before = now;
        std::this_thread::sleep_for(20ms);
    }
    return {};
}

Result<WayRun> measure(Way way, WayTask task, const WayLoad& load, const WayPlaces& places)
{
    const auto network = TRY(WaysNetwork::make());
    const WayFrame frame = way_frame(network.in().address, network.source().address);
    const auto gap = load.rate ? static_cast<std::uint64_t>(1e9 / *load.rate) : 0;
    auto program = TRY(WaysProgram::load({network.source().index, network.out().index, frame, network.sink().address,
                                          network.out().address, std::max<std::uint64_t>(gap, load.rate ? 1 : 0)}));
    const auto far_end = TRY(XdpLink::attach(network.sink().name, program.sink(), false));
    const auto running = TRY(start(way, {network, program, task, places}));

    auto threads = TRY(network.receive_by_threads(network.in()));
    TRY_VOID(keep_on(threads, running->threads().empty() ? places.receiver : places.beneath));
    for (const int thread : running->threads())
        threads.push_back(thread);
    TRY_VOID(keep_on(0, places.generator));

    const double before = TRY(cpu_time(threads));
    const auto sent = TRY(generate(program, network.source(), frame, load));
    const double after = TRY(cpu_time(threads));
    TRY_VOID(settle(*running, network, load));
    const auto handled = TRY(running->stop());
    const auto came = TRY(network.came());
    return WayRun{sent.packets, came, handled, sent.seconds, after - before};
}

} // namespace

WayPlaces way_places(std::span<const int> cpus)
{
    ENSURE(!cpus.empty());
    if (cpus.size() == 1) return {cpus[0], cpus[0], cpus[0], cpus[0]};
    if (cpus.size() == 2) return {cpus[0], cpus[1], cpus[0], cpus[1]};
    return {cpus[0], cpus[1], cpus[1], cpus[2]};
}

Result<std::unique_ptr<RunningWay>> start_dpdk(const WayScene& scene, Way way)
{
    TestpmdWork work;
    work.driver = way == Way::DpdkAfPacket ? "net_af_packet" : "net_af_xdp";
    work.interfaces = {scene.network.in().name};
    if (scene.task == WayTask::Forward) work.interfaces.push_back(scene.network.out().name);
    work.next_hop = mac_text(scene.network.sink().address);
    work.cpus = {scene.places.generator, scene.places.program};
    auto child = TRY(Testpmd::start(work));
    return std::make_unique<DpdkWay>(std::move(child), scene);
}

Result<WayRun> run_way(Way way, WayTask task, const WayLoad& load, const WayPlaces& places)
{
    Result<WayRun> run = fail(Error::Kind::Interrupted, "not measured");
    TRY_VOID(in_fresh_namespace([&]() -> Result<void> {
        run = measure(way, task, load, places);
        return {};
    }));
    return run;
}

} // namespace netwright::dataplane
