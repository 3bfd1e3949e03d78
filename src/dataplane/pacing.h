// SPDX-License-Identifier: GPL-2.0-or-later
// Whether an interface sends packets at the time that stands in them (earliest departure time).
#pragma once

#include "kernel/netlink.h"

namespace netwright::dataplane {

// Its root qdisc is fq, or mq with fq for each queue.
Result<bool> paces(kernel::Netlink& netlink, unsigned interface);

} // namespace netwright::dataplane
