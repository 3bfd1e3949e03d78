// SPDX-License-Identifier: GPL-2.0-or-later
// Bytes on the bench server's port, and iperf3's report: frames and messages; what is taken reads back, and settles or
// is rejected.
#include "measure/iperf3.h"
#include "measure/protocol.h"
#include "model/measurement_json.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace netwright;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    measure::Framer framer(measure::largest_request);
    framer.feed(bytes.substr(0, size / 2));
    framer.feed(bytes.substr(size / 2));
    std::string text;
    for (auto next = framer.next(text); next && *next; next = framer.next(text))
        (void)measure::parse_message(text);
    (void)measurement_from_json(bytes);
    Traffic traffic;
    for (const TrafficKind kind : {TrafficKind::TcpStream, TrafficKind::UdpStream}) {
        traffic.kind = kind;
        (void)measure::measurement_from_iperf3(bytes, traffic);
    }

    const auto message = measure::parse_message(bytes);
    if (!message) return 0;
    const std::string once = measure::to_text(*message);
    const auto again = measure::parse_message(once);
    if (!again || measure::to_text(*again) != once) std::abort();
    if (const auto* ask = std::get_if<measure::Ask>(&*message)) {
        const auto settled_once = settled(ask->traffic, {});
        if (settled_once && settled(*settled_once, {}) != settled_once) std::abort();
    }
    return 0;
}
