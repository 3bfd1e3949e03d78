// SPDX-License-Identifier: GPL-2.0-or-later
// Marks the ten steps of a careful tuning campaign from what a host and its journal really hold. A step is never marked
// done because somebody says so.
#pragma once

#include "advise/rule.h"
#include "model/checklist.h"

#include <optional>
#include <string>
#include <vector>

namespace netwright::advise {

struct Done { // one transaction of the journal
    std::int64_t id = 0;
    std::string started;    // UTC, sorts as text
    bool confirmed = false; // in force
    bool given_up = false;  // something could not be put back
    std::size_t changes = 0;
    std::size_t without_way_back = 0; // steps whose old value is not known
    std::size_t unexplained = 0;      // changes of its plan that give no reason
    bool lasts = false;               // made to last in files of netwright's own
};
struct Dated {              // a baseline or an experiment that was kept
    std::string name, when; // UTC, sorts as text
};

struct Campaign {
    const Case& about;
    const Judgement& judgement;
    std::vector<Done> transactions; // oldest first
    std::optional<std::string> journal_problem;
    std::vector<std::string> drifted; // confirmed values that are others now
    std::vector<Dated> baselines, experiments;
    bool recovers_at_boot = false; // netwright-recover.service is installed
};

std::vector<ChecklistStep> checklist(const Campaign& campaign);

} // namespace netwright::advise
