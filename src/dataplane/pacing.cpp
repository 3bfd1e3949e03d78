// SPDX-License-Identifier: GPL-2.0-or-later
// Asking for an interface's qdiscs.
#include "dataplane/pacing.h"

#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

namespace netwright::dataplane {

Result<bool> paces(kernel::Netlink& netlink, unsigned interface)
{
    std::string root;
    unsigned below = 0, fq_below = 0;
    kernel::Request request(RTM_GETQDISC, NLM_F_DUMP);
    request.header(tcmsg{});
    const auto note = [&](const nlmsghdr& message) {
        const auto header = kernel::fixed_part<tcmsg>(message);
        if (!header || header->tcm_ifindex != static_cast<int>(interface) || header->tcm_parent == TC_H_INGRESS) return;
        std::string kind;
        kernel::each_attribute(message, sizeof(tcmsg), [&](std::uint16_t type, std::span<const std::byte> payload) {
            if (type == TCA_KIND) kind = kernel::as_text(payload);
        });
        if (header->tcm_parent == TC_H_ROOT)
            root = kind;
        else
            ++below, fq_below += kind == "fq";
    };
    TRY_VOID(netlink.ask_whole(NETLINK_ROUTE, request, note, [&] { root.clear(), below = fq_below = 0; }));
    return root == "fq" || (root == "mq" && below > 0 && below == fq_below);
}

} // namespace netwright::dataplane
