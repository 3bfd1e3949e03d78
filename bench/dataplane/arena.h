// SPDX-License-Identifier: GPL-2.0-or-later
// A network namespace with one TAP device, flood0, where packets come in that a Feeder makes.
#pragma once

#include "base/error.h"
#include "base/fd.h"

#include <functional>
#include <string>

namespace netwright::dataplane_bench {

class Arena {
public:
    // 192.0.2.0 is the device's address, 02:00:00:00:00:01 its link address. `ruleset` is for nft; "" for none.
    static Result<Arena> make(const std::string& ruleset);
    // Calls `act` with the device's number, with this namespace as the thread's.
    Result<double> inside(const std::function<Result<double>(unsigned interface)>& act) const;

private:
    Fd space_, device_;
    unsigned interface_ = 0;
};

} // namespace netwright::dataplane_bench
