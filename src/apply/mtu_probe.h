// SPDX-License-Identifier: GPL-2.0-or-later
// A larger MTU that is safe: who beyond the interface can tell whether the path carries it, and do they say so?
//
// An interface sends nothing larger than its MTU, so the path cannot be asked before the MTU is raised. What can be
// asked before is who answers at all; only they can be believed when they are silent afterwards. So: find witnesses,
// hear each at the present size, raise the MTU, hear each at the new size, and put it back at once if one is not heard.
#pragma once

#include "kernel/kernel.h"
#include "model/plan.h"

#include <string>
#include <vector>

namespace netwright::apply {

struct MtuRaise {
    std::string nic;
    std::uint32_t from = 0, to = 0;
};

// The changes of a plan that make an interface's MTU larger; loopback is no path.
std::vector<MtuRaise> mtu_raises(const Plan& plan);

struct MtuWitness {
    MtuRaise raise;
    std::string address;
};

struct WitnessOptions {
    std::vector<std::string> named; // probe these, and no others
    bool neighbours_only = false;   // gateways keep their routes' smaller MTU
};

// Those that answer at the present size: the ones named, else gateways and known neighbours of each interface.
// Rejected: somebody named does not answer, or an interface has nobody who does.
Result<std::vector<MtuWitness>> hear_witnesses(kernel::Kernel& kernel, const std::vector<MtuRaise>& raises,
                                               const WitnessOptions& options);
// Mismatch, naming who was not heard at the new size and what to do.
Result<void> hear_again(const std::vector<MtuWitness>& witnesses);

// The routes through gateways of these interfaces, held at the present MTU: changes to go before the others.
Result<std::vector<Change>> hold_routes(kernel::Kernel& kernel, const std::vector<MtuRaise>& raises);

} // namespace netwright::apply
