// SPDX-License-Identifier: GPL-2.0-or-later
// sysctl files in, diagnostics out. Pure: who reads the files and asks the host is the caller.
#pragma once

#include "base/kernel_version.h"
#include "base/units.h"
#include "model/diagnostic.h"
#include "model/intent.h"

#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace netwright::lint {

// What the files are judged for. What is not known is left out: then only what holds on every host is said.
struct Target {
    KernelVersion kernel;
    std::optional<unsigned> hz;  // CONFIG_HZ
    std::optional<Bytes> memory; // RAM
    Bytes page{4096};
    std::optional<std::set<std::string, std::less<>>> interfaces; // names, with dots
    std::optional<std::set<std::string, std::less<>>> keys;       // every sysctl it has
    std::set<std::string, std::less<>> boot_modules;              // loaded before sysctls are: modules-load.d
    Workload workload = Workload::General;
};

// In the order of sources and lines.
std::vector<Diagnostic> lint(std::span<const SourceText> sources, const Target& target);

// Every rule, in the order in which they are asked.
std::vector<LintRule> rules();

} // namespace netwright::lint
