// SPDX-License-Identifier: GPL-2.0-or-later
// How a pool's backends are looked at, as a person writes it (docs/formats/lb.md).
#pragma once

#include "base/error.h"
#include "base/units.h"

#include <cstdint>
#include <string>
#include <vector>

namespace netwright {
struct YamlNode;
class YamlReader;
} // namespace netwright

namespace netwright::dataplane {

struct LbCheck {
    enum class Kind { Tcp, Http, Https, Udp, Command } kind = Kind::Tcp;
    std::uint16_t port = 0;                         // not Command
    std::string path = "/", host{};                 // Http, Https; no host: the backend's address
    unsigned least_status = 200, most_status = 399; //
    bool verify = false;                            // Https: whether the certificate must be right
    std::string send{}, expect{};                   // Udp: the datagram, and what its answer holds
    std::vector<std::string> command{};             // Command
    Nanoseconds interval = std::chrono::seconds(2), timeout = std::chrono::seconds(1);
    unsigned rise = 2, fall = 3; // so many looks in a row change what is thought of a backend
    bool operator==(const LbCheck&) const = default;
};

Result<LbCheck> read_lb_check(const YamlReader& reader, const YamlNode& node);

} // namespace netwright::dataplane
