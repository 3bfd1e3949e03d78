// SPDX-License-Identifier: GPL-2.0-or-later
// The kinds of tunables, each in its own file. tunable_kind.cpp joins them; nobody else includes this.
#pragma once

#include "kernel/kernel.h"
#include "model/tunable.h"

#include <optional>
#include <string>
#include <vector>

namespace netwright::tunable {

// sysctl.cpp
Result<std::string> sysctl_path(const SysctlKey& key); // below the root; Rejected when it leads out of /proc/sys
Result<std::optional<Value>> read_one(kernel::Kernel& kernel, const SysctlKey& key);
Result<void> check_one(kernel::Kernel& kernel, const SysctlKey& key, const Value& value);
Result<void> write_one(kernel::Kernel& kernel, const SysctlKey& key, const Value& value);
bool same_one(const SysctlKey& key, const Value& a, const Value& b);
std::vector<Tunable> also_changed_by(kernel::Kernel& kernel, const SysctlKey& key);
Result<std::vector<Tunable>> list_sysctls(kernel::Kernel& kernel);

// link.cpp
Result<std::optional<Value>> read_one(kernel::Kernel& kernel, const LinkSetting& link);
Result<void> check_one(kernel::Kernel& kernel, const LinkSetting& link, const Value& value);
Result<void> write_one(kernel::Kernel& kernel, const LinkSetting& link, const Value& value);
bool same_one(const LinkSetting& link, const Value& a, const Value& b);
std::vector<Tunable> also_changed_by(kernel::Kernel& kernel, const LinkSetting& link);
Result<std::vector<Tunable>> list_links(kernel::Kernel& kernel);

// queue.cpp
std::string queue_path(const QueueSetting& queue);
Result<std::optional<Value>> read_one(kernel::Kernel& kernel, const QueueSetting& queue);
Result<void> check_one(kernel::Kernel& kernel, const QueueSetting& queue, const Value& value);
Result<void> write_one(kernel::Kernel& kernel, const QueueSetting& queue, const Value& value);
bool same_one(const QueueSetting& queue, const Value& a, const Value& b);
std::vector<Tunable> also_changed_by(kernel::Kernel& kernel, const QueueSetting& queue);
Result<std::vector<Tunable>> list_queues(kernel::Kernel& kernel);

} // namespace netwright::tunable
