// SPDX-License-Identifier: GPL-2.0-or-later
// Attaching to traffic control's hooks, and what to say when an interface does not take a program.
#include "dataplane/tc_hook.h"

#include "dataplane/pins.h"
#include "kernel/libbpf_silence.h"
#include "kernel/netlink.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace netwright::dataplane {
namespace {

namespace fs = std::filesystem;

// BPF_TCX_INGRESS and BPF_TCX_EGRESS (Linux 6.6), which this build's headers may not know.
constexpr auto tcx_ingress = static_cast<bpf_attach_type>(46), tcx_egress = static_cast<bpf_attach_type>(47);
constexpr std::uint32_t filter_place = 0x6e77; // our filters' priority and handle: "nw"
constexpr std::string_view program_prefix = "steer_";

bpf_attach_type attach_type(TcSide side) { return side == TcSide::Ingress ? tcx_ingress : tcx_egress; }

std::string link_name(const TcPlace& place) { return place.interface + "-" + to_text(place.side); }

std::string shown(const TcPlace& place) { return fmt::format("{} ({})", place.interface, to_text(place.side)); }

bpf_tc_hook hook_of(unsigned index, int point)
{
    bpf_tc_hook hook{};
    hook.sz = sizeof hook;
    hook.ifindex = static_cast<int>(index);
    hook.attach_point = static_cast<bpf_tc_attach_point>(point);
    return hook;
}

bpf_tc_hook hook_of(const TcPlace& place)
{
    return hook_of(::if_nametoindex(place.interface.c_str()),
                   place.side == TcSide::Ingress ? BPF_TC_INGRESS : BPF_TC_EGRESS);
}

bpf_tc_opts filter_options()
{
    bpf_tc_opts options{};
    options.sz = sizeof options;
    options.handle = options.priority = filter_place;
    return options;
}

std::string name_of(int program)
{
    bpf_prog_info info{};
    __u32 size = sizeof info;
    return bpf_obj_get_info_by_fd(program, &info, &size) < 0 ? "" : info.name;
}

// The program of the filter in our place; none where nothing is.
Fd filter_program(const TcPlace& place)
{
    const bpf_tc_hook hook = hook_of(place);
    bpf_tc_opts options = filter_options();
    if (hook.ifindex == 0 || bpf_tc_query(&hook, &options) < 0) return {};
    return Fd(bpf_prog_get_fd_by_id(options.prog_id));
}

bool is_ours(const Fd& program) { return program && name_of(program.get()).starts_with(program_prefix); }

Result<void> put_filter(const TcPlace& place, int program)
{
    const bpf_tc_hook hook = hook_of(place);
    bpf_tc_opts options = filter_options();
    options.prog_fd = program;
    options.flags = BPF_TC_F_REPLACE;
    if (const int code = bpf_tc_attach(&hook, &options); code < 0)
        return std::unexpected(errno_error("put a filter on " + shown(place), -code));
    return {};
}

Result<bool> has_filters(unsigned index)
{
    bool found = false;
    const auto netlink = kernel::live_netlink();
    for (const std::uint32_t minor : {TC_H_MIN_INGRESS, TC_H_MIN_EGRESS}) {
        tcmsg header{};
        header.tcm_family = AF_UNSPEC;
        header.tcm_ifindex = static_cast<int>(index);
        header.tcm_parent = TC_H_MAKE(TC_H_CLSACT, minor);
        kernel::Request request(RTM_GETTFILTER, NLM_F_DUMP);
        request.header(header);
        TRY_VOID(netlink->ask(NETLINK_ROUTE, request, [&](const nlmsghdr&) { found = true; }));
    }
    return found;
}

} // namespace

std::string to_text(TcSide side) { return side == TcSide::Ingress ? "ingress" : "egress"; }

Result<bool> has_tcx()
{
    std::uint32_t flags = 0, count = 0;
    if (bpf_prog_query(1, tcx_ingress, 0, &flags, nullptr, &count) == 0) return true; // lo is always the first
    if (errno == EINVAL) return false;
    return std::unexpected(errno_error("ask for programs on a TCX hook", errno));
}

Result<unsigned> ethernet_index(const std::string& interface)
{
    const unsigned index = ::if_nametoindex(interface.c_str());
    if (index == 0)
        return fail(Error::Kind::Absent, fmt::format("there is no interface {} here (see: ip link)", interface),
                    ENODEV);
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::strncpy(request.ifr_name, interface.c_str(), IFNAMSIZ - 1);
    if (::ioctl(socket.get(), SIOCGIFHWADDR, &request) < 0)
        return std::unexpected(errno_error("ask what kind of interface " + interface + " is", errno));
    const auto type = request.ifr_hwaddr.sa_family;
    if (type == ARPHRD_ETHER || type == ARPHRD_LOOPBACK) return index;
    return fail(Error::Kind::Rejected,
                fmt::format("{}: its packets do not begin with an Ethernet header (link type {}), which steering looks "
                            "behind; steer on the interface below it",
                            interface, type));
}

Result<void> TcHooks::add(const TcPlace& place, int program)
{
    Step step{place, {}, {}};
    auto added = clsact_ ? add_filter(step, program) : add_link(step, program);
    if (added) done_.push_back(std::move(step));
    return added;
}

Result<void> TcHooks::add_link(Step& step, int program)
{
    const std::string name = link_name(step.place);
    step.link = Fd(bpf_obj_get(link_path(directory_, link_name(step.place)).c_str()));
    const LinkFacts now = step.link ? TRY(facts_of(step.link.get())) : LinkFacts{};
    if (now.there) {
        step.before = Fd(bpf_prog_get_fd_by_id(now.program));
        if (bpf_link_update(step.link.get(), program, nullptr) < 0)
            return std::unexpected(errno_error("switch the steering program on " + shown(step.place), errno));
        return {};
    }
    if (step.link) TRY_VOID(unpin_link(directory_, name)); // of an interface that was deleted; this is another
    const auto index = static_cast<int>(TRY(ethernet_index(step.place.interface)));
    step.link = Fd(bpf_link_create(program, index, attach_type(step.place.side), nullptr));
    if (!step.link) return std::unexpected(errno_error("attach the steering program to " + shown(step.place), errno));
    step.fresh = true;
    return {};
}

Result<void> TcHooks::make_qdisc(const std::string& interface)
{
    bpf_tc_hook hook = hook_of(TRY(ethernet_index(interface)), BPF_TC_INGRESS | BPF_TC_EGRESS);
    const int code = bpf_tc_hook_create(&hook);
    if (code == 0) fresh_qdiscs_.push_back(interface);
    if (code == 0 || code == -EEXIST) return {};
    return std::unexpected(errno_error("make a clsact qdisc on " + interface, -code));
}

Result<void> TcHooks::add_filter(Step& step, int program)
{
    const kernel::LibbpfSilence silence;
    TRY_VOID(make_qdisc(step.place.interface));
    step.before = filter_program(step.place);
    step.fresh = !step.before;
    if (step.before && !is_ours(step.before))
        return fail(Error::Kind::Busy,
                    fmt::format("{}: another filter has the place {} of priority {}: tc filter show dev {} {}",
                                shown(step.place), filter_place, filter_place, step.place.interface,
                                to_text(step.place.side)));
    return put_filter(step.place, program);
}

Result<void> TcHooks::pin_new()
{
    for (const Step& step : done_)
        if (step.fresh && step.link) TRY_VOID(pin(step.link.get(), link_path(directory_, link_name(step.place))));
    return {};
}

void TcHooks::take_back(const Step& step) const
{
    if (step.fresh && step.link) (void)bpf_link_detach(step.link.get());
    if (step.fresh) (void)remove_tc(directory_, clsact_, step.place);
    if (step.fresh || !step.before) return;
    if (step.link)
        (void)bpf_link_update(step.link.get(), step.before.get(), nullptr);
    else
        (void)put_filter(step.place, step.before.get());
}

TcHooks::~TcHooks()
{
    if (kept_) return;
    const kernel::LibbpfSilence silence;
    for (const Step& step : done_)
        take_back(step);
    for (const std::string& interface : fresh_qdiscs_)
        (void)remove_clsact(interface);
}

Result<void> remove_tc(const fs::path& directory, bool clsact, const TcPlace& place)
{
    const kernel::LibbpfSilence silence;
    if (!clsact) return unpin_link(directory, link_name(place));
    if (!is_ours(filter_program(place))) return {};
    const bpf_tc_hook hook = hook_of(place);
    const bpf_tc_opts options = filter_options();
    if (const int code = bpf_tc_detach(&hook, &options); code < 0 && code != -ENOENT)
        return std::unexpected(errno_error("take the filter from " + shown(place), -code));
    return {};
}

Result<void> remove_clsact(const std::string& interface)
{
    const kernel::LibbpfSilence silence;
    const unsigned index = ::if_nametoindex(interface.c_str());
    if (index == 0 || TRY(has_filters(index))) return {};
    bpf_tc_hook hook = hook_of(index, BPF_TC_INGRESS | BPF_TC_EGRESS);
    if (const int code = bpf_tc_hook_destroy(&hook); code < 0 && code != -ENOENT)
        return std::unexpected(errno_error("remove the clsact qdisc of " + interface, -code));
    return {};
}

bool holds_tc(const fs::path& directory, bool clsact, const TcPlace& place)
{
    const kernel::LibbpfSilence silence;
    if (clsact) return is_ours(filter_program(place));
    const Fd link(bpf_obj_get(link_path(directory, link_name(place)).c_str()));
    const auto facts = link ? facts_of(link.get()) : Result<LinkFacts>(LinkFacts{});
    return facts && facts->there;
}

} // namespace netwright::dataplane
