// SPDX-License-Identifier: GPL-2.0-or-later
// What this host has of a parameter or counter, and which file sets it.
#pragma once

#include "kernel/kernel.h"
#include "model/counter.h"
#include "model/sysctl.h"
#include "report/explain_report.h"

#include <string>
#include <string_view>
#include <vector>

namespace netwright::cli {

// Reads the host once and answers for many names. Nothing it cannot see is an error: the explanation says so.
class ExplainHost {
public:
    explicit ExplainHost(kernel::Kernel& kernel);
    // `asked` is what the person typed: one interface's key or address shows only its own value.
    report::Explanation explanation(const catalog::Known& known, std::string_view asked, KernelVersion kernel);

private:
    std::vector<report::SeenHere> values_of(const catalog::Parameter& parameter, std::string_view asked);
    std::vector<report::SeenHere> values_of(const catalog::Topic& topic);
    std::vector<report::SetBy> setters_of(const catalog::Parameter& parameter, std::string_view asked) const;

    kernel::Kernel& kernel_;
    std::vector<Tunable> tunables_; // everything here that can be set
    std::vector<SysctlFile> files_;
    Bytes memory_, page_;
    Result<CounterTable> protocols_ = unseen(); // filled when first asked for
};

} // namespace netwright::cli
