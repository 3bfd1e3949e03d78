// SPDX-License-Identifier: GPL-2.0-or-later
// Two network namespaces joined by a veth pair, for as long as this object lives.
#pragma once

#include "base/error.h"

#include <cstdint>
#include <string>
#include <utility>

namespace netwright::peers {

inline constexpr const char* client_address = "10.252.0.1";
inline constexpr const char* server_address = "10.252.0.2";

class VethPair {
public:
    // Also removes what a killed run has left. Refused: no rights.
    static Result<VethPair> make();
    VethPair(VethPair&& other) noexcept : name_(std::exchange(other.name_, {})) {}
    VethPair& operator=(VethPair&&) = delete;
    ~VethPair();
    // Packets that the client's end has sent and received since it was made: proof of where traffic went.
    Result<std::uint64_t> packets() const;
    std::string client() const { return name_ + "-client"; }
    std::string server() const { return name_ + "-server"; }

private:
    explicit VethPair(std::string name) : name_(std::move(name)) {}
    Result<void> join() const;
    std::string name_;
};

} // namespace netwright::peers
