// SPDX-License-Identifier: GPL-2.0-or-later
// A contestant: what it sets at either end of a path, and how that is applied inside the namespaces of one lab.
#pragma once

#include "lab/lab.h"
#include "model/change.h"

#include <string>
#include <string_view>
#include <vector>

namespace netwright::outcome {

struct Configuration {
    std::string name;
    std::vector<Change> left, right; // at the client's and at the server's end; only `tunable` and `to` count
};

// A file in the form of sysctl.d, for both ends. Malformed: a line that is no setting, with its number.
Result<Configuration> configuration_from_conf(std::string_view text, std::string_view file, std::string name);

// The congestion control that it sets; "": none. Where a kernel does not list an algorithm in
// tcp_allowed_congestion_control, no namespace may default to it (net/ipv4/tcp_cong.c), but a socket may ask for it.
std::string congestion_of(const Configuration& configuration);

// Does this belong to a network namespace, rather than to the host that the namespaces share?
bool belongs_to_namespace(const Tunable& tunable);

// Applies it at both ends and reads it back. Gives what was left out, since a namespace does not have it or may not
// set it; sorted, each once. Mismatch: the kernel shows another value than was written.
Result<std::vector<std::string>> apply(const Configuration& configuration, const lab::Lab& lab);

} // namespace netwright::outcome
