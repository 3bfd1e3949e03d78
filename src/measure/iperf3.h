// SPDX-License-Identifier: GPL-2.0-or-later
// Test traffic against an iperf3 server that is already there, by libiperf.
#pragma once

#include "measure/client.h"

namespace netwright::measure {

inline constexpr std::uint16_t iperf3_port = 5201;

// What iperf3 can do of `traffic`, with a warm-up that it can keep. Rejected: it cannot do this, and why.
Result<Traffic> settled_for_iperf3(const Traffic& traffic);
// Unsupported: libiperf is not installed. Interrupted: the server is not there, is busy or went away. Of `options` the
// token means nothing to iperf3, and the progress has no rates.
Result<Measurement> run_iperf3(const ClientOptions& options, const Traffic& traffic);

// What `iperf3 --json` prints of such traffic. Interrupted: it tells of an error. Malformed: numbers are missing that
// nothing can be said without, or make no sense.
Result<Measurement> measurement_from_iperf3(std::string_view json, const Traffic& traffic);

} // namespace netwright::measure
