// SPDX-License-Identifier: GPL-2.0-or-later
// The reasons of include/net/dropreason-core.h (5.17 to 6.18), one a row, each with the layer it belongs to. Names that
// later kernels dropped stay: an old kernel still says them.
#include "diagnose/drop_meanings.h"

#include <algorithm>
#include <array>

namespace netwright::diagnose {
namespace {

constexpr auto hurts = Nature::Harmful;
constexpr auto asked = Nature::Policy;
constexpr auto quiet = Nature::Harmless;

constexpr std::array meanings{
    // clang-format off
    // ── what a NIC, a driver or a virtual device drops
    DropMeaning{"FULL_RING", Layer::Driver, hurts, "a virtual device's queue was full"},
    DropMeaning{"NOMEM", Layer::Driver, hurts, "no memory for the packet"},
    DropMeaning{"DEV_READY", Layer::Driver, hurts, "the device was not ready"},
    DropMeaning{"DEV_HDR", Layer::Driver, hurts, "the device could not read the header it was given"},
    DropMeaning{"HDR_TRUNC", Layer::Driver, hurts, "the header was cut short"},
    DropMeaning{"SKB_UCOPY_FAULT", Layer::Driver, hurts, "a program's memory could not be read"},
    DropMeaning{"SKB_GSO_SEG", Layer::Driver, hurts, "a large packet could not be cut into segments"},
    DropMeaning{"SKB_CSUM", Layer::Driver, hurts, "the checksum could not be computed"},
    DropMeaning{"TAP_FILTER", Layer::Driver, asked, "a filter on the tap device"},
    DropMeaning{"TAP_TXFILTER", Layer::Driver, asked, "a transmit filter on the tap device"},
    DropMeaning{"NO_TX_TARGET", Layer::Driver, hurts, "a device had nowhere to send to"},
    DropMeaning{"PFMEMALLOC", Layer::Driver, hurts, "memory kept for emergencies had to be used"},
    DropMeaning{"MAC_INVALID_SOURCE", Layer::Driver, quiet, "an invalid source address on the link"},
    DropMeaning{"LOCAL_MAC", Layer::Driver, hurts, "another machine uses this interface's link address"},
    DropMeaning{"MAC_IEEE_MAC_CONTROL", Layer::Driver, quiet, "link control frames (pause)"},
    DropMeaning{"BRIDGE_INGRESS_STP_STATE", Layer::Driver, quiet, "a bridge port that spanning tree keeps closed"},
    DropMeaning{"ARP_PVLAN_DISABLE", Layer::Driver, quiet, "ARP within a private VLAN"},
    DropMeaning{"OTHERHOST", Layer::Driver, quiet, "frames for another machine"},
    DropMeaning{"UNHANDLED_PROTO", Layer::Driver, quiet, "a protocol nobody here speaks (LLDP, STP, ...)"},
    DropMeaning{"PKT_TOO_SMALL", Layer::Driver, quiet, "packets too short for their headers"},
    DropMeaning{"CAN_RX_INVALID_FRAME", Layer::Driver, quiet, "an invalid CAN frame"},
    DropMeaning{"CANFD_RX_INVALID_FRAME", Layer::Driver, quiet, "an invalid CAN FD frame"},
    DropMeaning{"CANXL_RX_INVALID_FRAME", Layer::Driver, quiet, "an invalid CAN XL frame"},
    DropMeaning{"RECURSION_LIMIT", Layer::Driver, hurts, "virtual devices that send into each other without end"},
    // ── programs
    DropMeaning{"XDP", Layer::Xdp, asked, "an XDP program"},
    DropMeaning{"TC_INGRESS", Layer::Xdp, asked, "a tc filter or program on the way in"},
    DropMeaning{"TC_EGRESS", Layer::Xdp, asked, "a tc filter or program on the way out"},
    DropMeaning{"TC_COOKIE_ERROR", Layer::Xdp, hurts, "tc could not keep its state"},
    DropMeaning{"TC_CHAIN_NOTFOUND", Layer::Xdp, hurts, "a tc filter jumps to a chain that is not there"},
    DropMeaning{"TC_RECLASSIFY_LOOP", Layer::Xdp, hurts, "tc filters that go round in circles"},
    DropMeaning{"BPF_CGROUP_EGRESS", Layer::Xdp, asked, "a BPF program of a cgroup"},
    DropMeaning{"SECURITY_HOOK", Layer::Xdp, asked, "a security module"},
    // ── softirq
    DropMeaning{"CPU_BACKLOG", Layer::Softirq, hurts, "a CPU's backlog was full"},
    // ── qdisc
    DropMeaning{"QDISC_DROP", Layer::Qdisc, hurts, "a queue on the way out was full"},
    DropMeaning{"QDISC_OVERLIMIT", Layer::Qdisc, hurts, "a queue on the way out was at its limit"},
    DropMeaning{"QDISC_CONGESTED", Layer::Qdisc, hurts, "active queue management dropped early"},
    DropMeaning{"QDISC_EGRESS", Layer::Qdisc, hurts, "a queue on the way out was full"},
    DropMeaning{"CAKE_FLOOD", Layer::Qdisc, hurts, "cake protects itself from a flood"},
    DropMeaning{"FQ_BAND_LIMIT", Layer::Qdisc, hurts, "a priority band of fq was full"},
    DropMeaning{"FQ_HORIZON_LIMIT", Layer::Qdisc, hurts, "a packet was paced too far into the future"},
    DropMeaning{"FQ_FLOW_LIMIT", Layer::Qdisc, hurts, "one flow filled its share of fq"},
    DropMeaning{"DUALPI2_STEP_DROP", Layer::Qdisc, hurts, "dualpi2 dropped early"},
    // ── netfilter
    DropMeaning{"NETFILTER_DROP", Layer::Netfilter, asked, "the firewall"},
    DropMeaning{"XFRM_POLICY", Layer::Netfilter, asked, "an IPsec policy"},
    // ── IP
    DropMeaning{"IP_CSUM", Layer::Ip, hurts, "a wrong IP checksum"},
    DropMeaning{"IP_INHDR", Layer::Ip, hurts, "a faulty IP header, or a time to live that ran out"},
    DropMeaning{"IP_RPFILTER", Layer::Ip, hurts, "reverse-path filtering"},
    DropMeaning{"UNICAST_IN_L2_MULTICAST", Layer::Ip, quiet, "unicast IP inside a multicast frame"},
    DropMeaning{"IP_NOPROTO", Layer::Ip, quiet, "a transport protocol nobody here speaks"},
    DropMeaning{"INVALID_PROTO", Layer::Ip, quiet, "a protocol that does not fit the packet"},
    DropMeaning{"IP_INADDRERRORS", Layer::Ip, hurts, "an address that is not ours, and no forwarding"},
    DropMeaning{"IP_INNOROUTES", Layer::Ip, hurts, "no route to the destination, or none back"},
    DropMeaning{"IP_OUTNOROUTES", Layer::Ip, hurts, "no route to the destination"},
    DropMeaning{"IP_LOCAL_SOURCE", Layer::Ip, hurts, "this host's own address came from outside"},
    DropMeaning{"IP_INVALID_SOURCE", Layer::Ip, hurts, "a source address that cannot be one"},
    DropMeaning{"IP_LOCALNET", Layer::Ip, hurts, "127.0.0.0/8 came from outside"},
    DropMeaning{"IP_INVALID_DEST", Layer::Ip, hurts, "a destination address that cannot be one"},
    DropMeaning{"PKT_TOO_BIG", Layer::Ip, hurts, "larger than the next link's MTU"},
    DropMeaning{"DUP_FRAG", Layer::Ip, quiet, "a fragment that came twice"},
    DropMeaning{"FRAG_REASM_TIMEOUT", Layer::Ip, hurts, "fragments whose rest did not come"},
    DropMeaning{"FRAG_TOO_FAR", Layer::Ip, hurts, "fragments too far apart"},
    DropMeaning{"IPV6DISABLED", Layer::Ip, quiet, "IPv6 on an interface where it is off"},
    DropMeaning{"IPV6_BAD_EXTHDR", Layer::Ip, quiet, "a faulty IPv6 extension header"},
    DropMeaning{"IPV6_NDISC_FRAG", Layer::Neighbour, quiet, "fragmented neighbour discovery"},
    DropMeaning{"IPV6_NDISC_HOP_LIMIT", Layer::Neighbour, quiet, "neighbour discovery from another link"},
    DropMeaning{"IPV6_NDISC_BAD_CODE", Layer::Neighbour, quiet, "faulty neighbour discovery"},
    DropMeaning{"IPV6_NDISC_BAD_OPTIONS", Layer::Neighbour, quiet, "faulty neighbour discovery"},
    DropMeaning{"IPV6_NDISC_NS_OTHERHOST", Layer::Neighbour, quiet, "neighbour discovery for another machine"},
    DropMeaning{"ICMP_CSUM", Layer::Ip, hurts, "a wrong ICMP checksum"},
    DropMeaning{"VXLAN_INVALID_HDR", Layer::Ip, hurts, "a faulty VXLAN header"},
    DropMeaning{"VXLAN_VNI_NOT_FOUND", Layer::Ip, hurts, "a VXLAN network nobody here has"},
    DropMeaning{"VXLAN_ENTRY_EXISTS", Layer::Ip, quiet, "a VXLAN address that may not move"},
    DropMeaning{"IP_TUNNEL_ECN", Layer::Ip, hurts, "contradictory ECN marks in a tunnel"},
    DropMeaning{"TUNNEL_TXINFO", Layer::Ip, hurts, "a tunnel without a destination"},
    DropMeaning{"PSP_INPUT", Layer::Ip, hurts, "PSP could not be decrypted"},
    DropMeaning{"PSP_OUTPUT", Layer::Ip, hurts, "PSP was asked for and not there"},
    // ── neighbours
    DropMeaning{"NEIGH_CREATEFAIL", Layer::Neighbour, hurts, "the neighbour table was full"},
    DropMeaning{"NEIGH_FAILED", Layer::Neighbour, hurts, "nobody answered ARP or neighbour discovery"},
    DropMeaning{"NEIGH_QUEUEFULL", Layer::Neighbour, hurts, "too many packets waited for ARP or neighbour discovery"},
    DropMeaning{"NEIGH_DEAD", Layer::Neighbour, hurts, "the neighbour was being removed"},
    DropMeaning{"NEIGH_HH_FILLFAIL", Layer::Neighbour, hurts, "the link header could not be written"},
    // ── TCP
    DropMeaning{"TCP_CSUM", Layer::Transport, hurts, "a wrong TCP checksum"},
    DropMeaning{"TCP_AUTH_HDR", Layer::Transport, hurts, "a faulty TCP authentication option"},
    DropMeaning{"TCP_MD5NOTFOUND", Layer::Transport, hurts, "TCP without the MD5 signature that is asked for"},
    DropMeaning{"TCP_MD5UNEXPECTED", Layer::Transport, hurts, "a TCP MD5 signature nobody asked for"},
    DropMeaning{"TCP_MD5FAILURE", Layer::Transport, hurts, "a wrong TCP MD5 signature"},
    DropMeaning{"TCP_AONOTFOUND", Layer::Transport, hurts, "TCP without the authentication that is asked for"},
    DropMeaning{"TCP_AOUNEXPECTED", Layer::Transport, hurts, "TCP authentication nobody asked for"},
    DropMeaning{"TCP_AOKEYNOTFOUND", Layer::Transport, hurts, "TCP authentication with an unknown key"},
    DropMeaning{"TCP_AOFAILURE", Layer::Transport, hurts, "wrong TCP authentication"},
    DropMeaning{"TCP_FLAGS", Layer::Transport, quiet, "TCP flags that make no sense in this state"},
    DropMeaning{"TCP_ABORT_ON_DATA", Layer::Transport, quiet, "data for a connection the program has left"},
    DropMeaning{"TCP_ZEROWINDOW", Layer::Transport, hurts, "data beyond a closed receive window"},
    DropMeaning{"TCP_OLD_DATA", Layer::Transport, quiet, "data that came twice"},
    DropMeaning{"TCP_OVERWINDOW", Layer::Transport, hurts, "data beyond the receive window"},
    DropMeaning{"TCP_OFOMERGE", Layer::Transport, quiet, "data that came twice, out of order"},
    DropMeaning{"TCP_RFC7323_PAWS", Layer::Transport, hurts, "a TCP timestamp from the past"},
    DropMeaning{"TCP_RFC7323_PAWS_ACK", Layer::Transport, quiet, "an old acknowledgement"},
    DropMeaning{"TCP_RFC7323_TW_PAWS", Layer::Transport, hurts, "a TCP timestamp from the past, in TIME_WAIT"},
    DropMeaning{"TCP_RFC7323_TSECR", Layer::Transport, hurts, "a TCP timestamp nobody sent"},
    DropMeaning{"TCP_LISTEN_OVERFLOW", Layer::Socket, hurts, "a full accept queue"},
    DropMeaning{"TCP_OLD_SEQUENCE", Layer::Transport, quiet, "a segment from before"},
    DropMeaning{"TCP_INVALID_SEQUENCE", Layer::Transport, quiet, "a segment outside the window"},
    DropMeaning{"TCP_INVALID_END_SEQUENCE", Layer::Transport, quiet, "a segment that reaches beyond the window"},
    DropMeaning{"TCP_INVALID_ACK_SEQUENCE", Layer::Transport, quiet, "an acknowledgement outside the window"},
    DropMeaning{"TCP_RESET", Layer::Transport, quiet, "resets that did their work"},
    DropMeaning{"TCP_INVALID_SYN", Layer::Transport, quiet, "a SYN inside a connection"},
    DropMeaning{"TCP_CLOSE", Layer::Transport, quiet, "segments for a closed connection"},
    DropMeaning{"TCP_FASTOPEN", Layer::Transport, quiet, "Fast Open data that was acknowledged already"},
    DropMeaning{"TCP_OLD_ACK", Layer::Transport, quiet, "an acknowledgement that came late"},
    DropMeaning{"TCP_TOO_OLD_ACK", Layer::Transport, quiet, "an acknowledgement far too old"},
    DropMeaning{"TCP_ACK_UNSENT_DATA", Layer::Transport, quiet, "an acknowledgement of what was never sent"},
    DropMeaning{"TCP_OFO_QUEUE_PRUNE", Layer::Transport, hurts, "out-of-order data thrown away for lack of memory"},
    DropMeaning{"TCP_OFO_DROP", Layer::Transport, hurts, "out-of-order data without room for it"},
    DropMeaning{"TCP_MINTTL", Layer::Transport, asked, "a time to live below the socket's minimum"},
    // ── sockets
    DropMeaning{"NO_SOCKET", Layer::Socket, hurts, "nobody listens there"},
    DropMeaning{"SOCKET_CLOSE", Layer::Socket, quiet, "what a closed socket still held"},
    DropMeaning{"SOCKET_FILTER", Layer::Socket, asked, "a program's own socket filter"},
    DropMeaning{"SOCKET_RCVBUFF", Layer::Socket, hurts, "a full receive buffer"},
    DropMeaning{"SOCKET_BACKLOG", Layer::Socket, hurts, "a socket that its program held locked"},
    DropMeaning{"PROTO_MEM", Layer::Socket, hurts, "the protocol's memory limit"},
    DropMeaning{"UDP_CSUM", Layer::Transport, hurts, "a wrong UDP checksum"},
    DropMeaning{"UNIX_DISCONNECT", Layer::Socket, quiet, "a Unix socket that was disconnected"},
    DropMeaning{"UNIX_SKIP_OOB", Layer::Socket, quiet, "urgent data on a Unix socket that was skipped"},
    DropMeaning{"QUEUE_PURGE", Layer::Socket, quiet, "a queue that was emptied"},
    DropMeaning{"PACKET_SOCK_ERROR", Layer::Socket, quiet, "a packet socket (tcpdump) without room"},
    DropMeaning{"NOT_SPECIFIED", Layer::Ip, quiet, "the kernel gives no reason"},
    DropMeaning{"UNKNOWN", Layer::Ip, quiet, "this kernel gives no reasons (before 5.17)"},
    // clang-format on
};

} // namespace

std::span<const DropMeaning> drop_meanings() { return meanings; }

const DropMeaning* meaning_of(std::string_view reason)
{
    const auto found = std::ranges::find(meanings, reason, &DropMeaning::reason);
    return found == meanings.end() ? nullptr : &*found;
}

} // namespace netwright::diagnose
