/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QUIC: a connection goes on where its server's connection ID says, also when its client's address changes. */
#pragma once

#include "lb_tables.bpf.h"

enum { LONG_HEADER = 0x80, UDP_HEADER = 8, NO_SERVER = LB_NOBODY };

/* Connection IDs as draft-ietf-quic-load-balancers has them, in the clear: three bits of configuration, five of length,
 * two bytes of server ID, then what the server likes. Clients choose the IDs of the first packets; those, and all
 * others with a long header, come from the address that the connection begins with, so that the hash finds the same
 * backend. NO_SERVER: this packet names none. */
__noinline __u32 quic_server(struct xdp_md* context, const struct facts* facts, __u32 row, __u32 side)
{
    if (!facts || facts->fragment) return NO_SERVER;
    const __u8* at = (const __u8*)data_of(context) + within(facts->network, 31);
    const void* end = end_of(context);
    if ((const void*)(at + 20) > end) return NO_SERVER;
    if (facts->ipv6 && at[6] != PROTOCOL_UDP) return NO_SERVER; /* behind extension headers */
    at += (facts->ipv6 ? 40 : (at[0] & 15) * 4u) + UDP_HEADER;
    if ((const void*)(at + 4) > end || at[0] & LONG_HEADER) return NO_SERVER;
    if (at[1] >> 5 != globals.settings[side & 1].quic_config) return NO_SERVER;
    const struct lb_quic_key key = {.row = row, .server = big16(at + 2)};
    const __u32* number = of_side(&quic_of, side & 1, &key);
    return number ? *number : NO_SERVER;
}
