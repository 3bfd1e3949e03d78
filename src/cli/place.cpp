// SPDX-License-Identifier: GPL-2.0-or-later
// This host and labs as places where plans are tried.
#include "cli/place.h"

#include "apply/transaction.h"

#include <CLI/CLI.hpp>

namespace netwright::cli {
namespace {

// This host: the plan is a transaction, undone after each run, and by its watchdog should we be ended.
class LiveHost final : public Place {
public:
    LiveHost(kernel::Kernel kernel, apply::Journal journal, std::optional<ForkedServer> server,
             measure::ClientOptions reached)
        : kernel_(std::move(kernel)), journal_(std::move(journal)), server_(std::move(server)),
          reached_(std::move(reached))
    {
    }
    Result<void> prepare(const Plan& plan) override
    {
        plan_ = plan;
        TRY_VOID(apply::Transaction::rehearse(kernel_, plan_));
        return {};
    }
    Result<void> switch_on() override
    {
        auto begun = apply::Transaction::begin(kernel_, journal_, plan_, {});
        if (!begun) return std::unexpected(std::move(begun).error());
        open_.emplace(std::move(*begun));
        const auto applied = open_->apply();
        if (applied) return {};
        open_.reset();
        return std::unexpected(applied.error());
    }
    Result<void> switch_off() override
    {
        if (!open_) return {};
        const auto undone = open_->undo();
        open_.reset();
        if (!undone) return std::unexpected(undone.error());
        return {};
    }
    Result<Measurement> measure(const Traffic& traffic) override { return measure_traffic(reached_, traffic); }

private:
    kernel::Kernel kernel_;
    apply::Journal journal_;
    std::optional<ForkedServer> server_;
    measure::ClientOptions reached_;
    Plan plan_;
    std::optional<apply::Transaction> open_;
};

class InLab final : public Place {
public:
    explicit InLab(LabBench bench) : bench_(std::move(bench)) {}
    Result<void> prepare(const Plan& plan) override
    {
        rehearsal_ = TRY(Rehearsal::of(bench_.lab(), plan.changes));
        if (rehearsal_.rehearsed() == 0)
            return fail(Error::Kind::Unsupported,
                        "nothing in this plan is a setting of a network namespace: a lab cannot show it");
        return rehearsal_.undo(); // what is compared with is the host as it is
    }
    Result<void> switch_on() override { return rehearsal_.apply(); }
    Result<void> switch_off() override { return rehearsal_.undo(); }
    Result<Measurement> measure(const Traffic& traffic) override { return bench_.measure(traffic); }
    std::vector<std::string> left_out() const override { return rehearsal_.left_out(); }

private:
    LabBench bench_;
    Rehearsal rehearsal_;
};

} // namespace

void add_place_flags(CLI::App& app, PlaceFlags& flags)
{
    app.add_option("--host", flags.host, "where `netwright bench server` runs (default: here)")->type_name("HOST");
    app.add_flag("--lab", flags.lab, "in a lab instead of on this host; so does any flag of a path");
    add_peer_flags(app, flags.peer);
    add_path_flags(app, flags.path);
}

Result<std::unique_ptr<Place>> place_of(const PlaceFlags& flags, const Globals& globals)
{
    if (flags.in_lab()) {
        const lab::PathSettings path = TRY(path_of(flags.path));
        LabBench bench = TRY(LabBench::start(path, flags.path.over()));
        return std::make_unique<InLab>(std::move(bench));
    }
    kernel::Kernel kernel = TRY(open_kernel(globals));
    measure::ClientOptions reached = TRY(server_at(flags.host, flags.peer));
    std::optional<ForkedServer> server;
    if (flags.host.empty()) {
        server.emplace(TRY(ForkedServer::start("127.0.0.1")));
        reached = server->reached();
    }
    apply::Journal journal = TRY(apply::Journal::open(globals.state_dir, apply::Access::Write));
    return std::make_unique<LiveHost>(std::move(kernel), std::move(journal), std::move(server), std::move(reached));
}

Result<Measurement> measure_switched_on(Place& place, const Traffic& traffic)
{
    const auto on = place.switch_on();
    auto measured = on ? place.measure(traffic) : std::unexpected(on.error());
    if (const auto off = place.switch_off(); !off) return std::unexpected(off.error());
    return measured;
}

} // namespace netwright::cli
