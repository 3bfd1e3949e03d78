// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as a message of rtnetlink or ctnetlink: no parser reads past it.
#include "host/conntrack.h"
#include "host/neighbour.h"
#include "host/nic_link.h"
#include "host/qdisc.h"
#include "host/route.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace netwright;
    if (size < sizeof(nlmsghdr)) return 0;
    // On the heap at its exact size, so that a byte too far is seen. The socket gives whole messages: the length is
    // true.
    std::vector<std::uint8_t> message(data, data + size);
    const auto length = static_cast<std::uint32_t>(size);
    std::memcpy(message.data(), &length, sizeof length); // nlmsg_len comes first
    const auto& whole = *reinterpret_cast<const nlmsghdr*>(message.data());
    const auto name_of = [](std::uint32_t) { return std::string("eth0"); };
    if (const auto nic = host::parse_link(whole); nic && nic->name.empty()) __builtin_trap();
    if (const auto qdisc = host::parse_qdisc(whole, name_of); qdisc && qdisc->kind.empty()) __builtin_trap();
    (void)host::parse_route(whole, name_of);
    (void)host::parse_rule(whole);
    (void)host::parse_neighbour_table(whole);
    (void)host::parse_conntrack_cpu(whole);
    return 0;
}
