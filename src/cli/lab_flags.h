// SPDX-License-Identifier: GPL-2.0-or-later
// An emulated path as typed, and work done at the ends of a lab.
#pragma once

#include "cli/live_traffic.h"
#include "lab/lab.h"
#include "model/plan.h"

#include <functional>
#include <string>
#include <vector>

namespace netwright::cli {

enum class Over { Ipv4, Ipv6 };

struct PathFlags {
    lab::HopWords there, back; // what `back` does not say is as `there`
    std::string file, mtu, black_hole;
    bool six = false; // traffic goes over IPv6
    Over over() const { return six ? Over::Ipv6 : Over::Ipv4; }
    bool given() const;
};
void add_path_flags(CLI::App& app, PathFlags& flags);
Result<lab::PathSettings> path_of(const PathFlags& flags);

// Runs `act` in a thread that is in the network namespace `name`, with a kernel of it.
Result<void> in_namespace(const std::string& name, const std::function<Result<void>(kernel::Kernel&)>& act);

// A lab for as long as this object lives, with a traffic server at its right end.
class LabBench {
public:
    static Result<LabBench> start(const lab::PathSettings& path, Over over = Over::Ipv4);
    LabBench(LabBench&& other) noexcept : lab_(std::exchange(other.lab_, {})), server_(std::move(other.server_)) {}
    LabBench& operator=(LabBench&&) = delete;
    ~LabBench();

    const lab::Lab& lab() const { return lab_; }
    Result<Measurement> measure(const Traffic& traffic) const; // from the left end
    Result<lab::EmulatorReport> finish();                      // takes the lab down; what the emulator has to tell

private:
    LabBench(lab::Lab lab, ForkedServer server) : lab_(std::move(lab)), server_(std::move(server)) {}
    lab::Lab lab_;
    std::optional<ForkedServer> server_;
};

// A plan's changes at both ends of a lab: those that belong to a network namespace. The lab is thrown away afterwards,
// so no journal is kept.
class Rehearsal {
public:
    // A new namespace holds the kernel's defaults, not what this host has: undo() writes what the changes say they go
    // from. Rejected: a value that this kernel would not take.
    static Result<Rehearsal> of(const lab::Lab& lab, const std::vector<Change>& changes);
    Result<void> apply() const { return write_all(&Step::to); }
    Result<void> undo() const { return write_all(&Step::from); }
    std::size_t rehearsed() const { return steps_.size() / 2; }
    const std::vector<std::string>& left_out() const { return left_out_; } // tunables that a lab does not have

private:
    struct Step {
        std::string space;
        Tunable tunable;
        Value from, to;
    };
    Result<void> read_end(kernel::Kernel& kernel, const std::string& space, const std::vector<Change>& changes);
    Result<void> write_all(Value Step::* value) const;
    std::vector<Step> steps_;
    std::vector<std::string> left_out_;
};

} // namespace netwright::cli
