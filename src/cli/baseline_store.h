// SPDX-License-Identifier: GPL-2.0-or-later
// Baselines in SQLite: results, with the state of the host they were taken on.
#pragma once

#include "apply/database.h"
#include "kernel/kernel.h"
#include "model/measurement.h"
#include "model/plan.h"

#include <map>
#include <string>
#include <vector>

namespace netwright::cli {

// What decides about results, as far as it can be read: compared line by line later.
struct HostState {
    Fingerprint fingerprint;
    std::string cpus;                            // online ones
    std::map<std::string, std::string> settings; // tunable → value
};
Result<HostState> host_state(kernel::Kernel& kernel);
// What makes results of `then` and of `now` not comparable: another machine, kernel, NIC, CPUs.
std::vector<std::string> why_stale(const HostState& then, const HostState& now);
// "sysctl/net.core.rmem_max: 212992 -> 16777216", by name; what only one of them has is named too.
std::vector<std::string> changed_settings(const HostState& then, const HostState& now);

struct Baseline {
    std::string name, taken; // UTC
    std::string host;        // where the server was; "": here
    HostState state;
    std::vector<Measurement> runs;
};

class BaselineStore {
public:
    static Result<BaselineStore> open(const std::filesystem::path& state_dir);
    Result<void> save(const Baseline& baseline);    // in place of one of that name
    Result<Baseline> load(const std::string& name); // Absent: there is none
    struct Line {
        std::string name, taken, workload, host;
        std::int64_t runs = 0;
    };
    Result<std::vector<Line>> list();

private:
    explicit BaselineStore(apply::Database database) : database_(std::move(database)) {}
    apply::Database database_;
};

} // namespace netwright::cli
