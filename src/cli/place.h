// SPDX-License-Identifier: GPL-2.0-or-later
// Where plans are tried: this host or a lab. Each can be switched to a plan and back, and measured.
#pragma once

#include "cli/lab_flags.h"

#include <memory>

namespace netwright::cli {

struct PlaceFlags {
    std::string host; // where `netwright bench server` runs; "": one is started here
    PeerFlags peer;
    PathFlags path;
    bool lab = false;
    bool in_lab() const { return lab || path.given(); }
};
void add_place_flags(CLI::App& app, PlaceFlags& flags);

class Place {
public:
    Place() = default;
    virtual ~Place() = default;
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    // Makes ready to switch to this plan. An error: it cannot be tried here, and nothing was changed.
    virtual Result<void> prepare(const Plan& plan) = 0;
    virtual Result<void> switch_on() = 0;
    virtual Result<void> switch_off() = 0;
    virtual Result<Measurement> measure(const Traffic& traffic) = 0;
    virtual std::vector<std::string> left_out() const { return {}; } // of the plan: what cannot be shown here
};

// On this host a plan is a transaction, undone by switch_off(), by its destructor, or by its watchdog should we be
// ended. A lab is thrown away whatever ends us.
Result<std::unique_ptr<Place>> place_of(const PlaceFlags& flags, const Globals& globals);

// Switches the prepared plan on, measures, and switches it off again whatever happened.
Result<Measurement> measure_switched_on(Place& place, const Traffic& traffic);

} // namespace netwright::cli
