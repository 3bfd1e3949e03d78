// SPDX-License-Identifier: GPL-2.0-or-later
// Which host, and which network namespace of it, we stand on: a plan is applied only where it was made.
#pragma once

#include "kernel/kernel.h"
#include "kernel/namespace.h"
#include "model/plan.h"

namespace netwright::apply {

// What the present system looks like. NICs are named with their address only ("eth0 52:54:00:…"): drivers are not
// asked, and compare() does not need them.
Result<Fingerprint> fingerprint(kernel::Kernel& kernel);

// Mismatch, naming what differs, when `plan` was made for another host, kernel or namespace, or when an interface that
// it changes has another address now. What the plan leaves empty is not compared; interfaces it does not touch may come
// and go.
Result<void> compare(const Plan& plan, const Fingerprint& present);

// The calling thread's network namespace; a captured tree counts as the host's.
Result<kernel::NetworkNamespace> namespace_of(const kernel::Kernel& kernel);
Result<std::string> boot_id_of(const kernel::Kernel& kernel);

} // namespace netwright::apply
