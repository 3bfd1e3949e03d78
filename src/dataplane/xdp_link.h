// SPDX-License-Identifier: GPL-2.0-or-later
// One XDP program on one interface, as a BPF link: its descriptor holds it there.
#pragma once

#include "base/error.h"
#include "base/fd.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace netwright::dataplane {

class XdpLink {
public:
    // Busy: another XDP program is there, named. Unsupported: the driver has no native XDP, or the MTU is too large.
    static Result<XdpLink> attach(const std::string& interface, int program, bool generic);
    int get() const { return link_.get(); }

private:
    explicit XdpLink(Fd link) : link_(std::move(link)) {}
    Fd link_;
};

// Whether the kernel takes it for an interface's name (dev_valid_name, net/core/dev.c).
bool is_interface_name(std::string_view name);

// What a link holds now. `there`: its interface still is.
struct LinkFacts {
    std::uint32_t program = 0; // the id
    bool there = false;
};
Result<LinkFacts> facts_of(int link);
Result<std::uint32_t> program_id(int program);

// Whether frames of this interface's MTU may span several buffers: more than a page holds beside XDP's headroom (256
// bytes) and the skb's tail (drivers refuse a program then that does not say it can read them).
bool needs_jumbo(const std::string& interface);
std::optional<unsigned> mtu_of(const std::string& interface); // nothing: it is not there

} // namespace netwright::dataplane
