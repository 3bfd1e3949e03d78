// SPDX-License-Identifier: GPL-2.0-or-later
// One parameter, counter or drop reason as a good colleague would explain it, with what this host has.
#pragma once

#include "base/kernel_version.h"
#include "catalog/names.h"
#include "model/reading.h"
#include "report/terminal.h"

#include <optional>
#include <string>
#include <vector>

namespace netwright::report {

struct SeenHere {        // what this host has: a value, or why it cannot be told
    std::string address; // "net.ipv4.conf.eth0.rp_filter"; "" where the name says all
    Result<std::string> value = unseen();
};

struct SetBy { // a line of a sysctl file that names the key
    std::string path;
    std::uint32_t line = 0;
    std::string key, value;
    bool wins = false;        // at boot; later lines override earlier ones
    bool read_at_boot = true; // false: in a file that only `sysctl --system` reads
};

struct Explanation {
    catalog::Known known;
    std::vector<SeenHere> here;
    std::vector<SetBy> set_by;            // in the order in which they are applied
    std::string asked;                    // the word of a driver that a pattern explained
    std::optional<std::string> estimated; // a computed default, worked out for this host's memory
};

struct ExplainView {
    KernelVersion kernel; // whose defaults are told
    bool this_kernel = true;
    std::vector<Explanation> explanations;
};

std::string explain_text(const ExplainView& view, const Style& style);
std::string explain_list_text(const ExplainView& view, const Style& style); // one line each
std::string explain_json(const ExplainView& view);                          // docs/formats/explain.md

// "one number", "3 numbers: 1 to 65535 each"; "" where any text will do.
std::string range_text(const catalog::Parameter& parameter);
// "4096" or "computed: …"; "" where nothing is known for this kernel.
std::string default_text(const catalog::Parameter& parameter, KernelVersion kernel);
std::string_view scope_text(catalog::Scope scope);
std::string namespace_since_text(const catalog::Parameter& parameter); // "6.8"; "" where nothing has changed
// Whom it reaches on this kernel, and since when that is so: "each network namespace (the whole host before
// Linux 6.8)".
std::string reach_text(const catalog::Parameter& parameter, KernelVersion kernel);
std::string_view plane_text(catalog::Plane plane);
std::string_view policy_text(catalog::Policy policy); // what netwright itself does with it

} // namespace netwright::report
