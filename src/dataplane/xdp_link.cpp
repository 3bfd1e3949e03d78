// SPDX-License-Identifier: GPL-2.0-or-later
// Attaching XDP programs, and what to say when an interface does not take one.
#include "dataplane/xdp_link.h"

#include "dataplane/other_xdp.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace netwright::dataplane {
namespace {

constexpr unsigned page_mtu = 3498; // veth's limit with 4 KiB pages, the tightest in the tree (drivers/net/veth.c)

std::unexpected<Error> held(const std::string& interface, int code)
{
    const auto other = other_xdp(interface);
    if (!other) return std::unexpected(other.error());
    return fail(Error::Kind::Busy,
                fmt::format("{}: {} is attached; detach it first (ip link set dev {} xdp off, or whoever owns it)",
                            interface, *other ? to_text(**other) : "another XDP program", interface),
                code);
}

std::unexpected<Error> refused(const std::string& interface, int code)
{
    switch (code) {
    case EBUSY:
    case EEXIST:
        return held(interface, code);
    case EOPNOTSUPP:
        return fail(Error::Kind::Unsupported,
                    fmt::format("{}: its driver has no native XDP; 'mode: generic' works on any interface, behind the "
                                "allocation of the packet's buffer: a drop costs about twice as much",
                                interface),
                    code);
    case ERANGE:
        return fail(Error::Kind::Unsupported,
                    fmt::format("{}: its MTU is too large for this driver's XDP; lower it", interface), code);
    default:
        return std::unexpected(errno_error("attach an XDP program to " + interface, code));
    }
}

} // namespace

Result<XdpLink> XdpLink::attach(const std::string& interface, int program, bool generic)
{
    const unsigned index = ::if_nametoindex(interface.c_str());
    if (index == 0)
        return fail(Error::Kind::Absent, fmt::format("there is no interface {} here (see: ip link)", interface),
                    ENODEV);
    LIBBPF_OPTS(bpf_link_create_opts, options);
    options.flags = generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
    Fd link(bpf_link_create(program, static_cast<int>(index), BPF_XDP, &options));
    if (!link) return refused(interface, errno);
    return XdpLink(std::move(link));
}

bool is_interface_name(std::string_view name)
{
    return !name.empty() && name.size() < IFNAMSIZ && name != "." && name != ".." &&
           name.find_first_of("/: \t\n\v\f\r") == std::string_view::npos;
}

Result<LinkFacts> facts_of(int link)
{
    bpf_link_info info{};
    __u32 size = sizeof info;
    if (bpf_obj_get_info_by_fd(link, &info, &size) < 0)
        return std::unexpected(errno_error("look at a BPF link", errno));
    return LinkFacts{info.prog_id, info.xdp.ifindex != 0};
}

Result<std::uint32_t> program_id(int program)
{
    bpf_prog_info info{};
    __u32 size = sizeof info;
    if (bpf_obj_get_info_by_fd(program, &info, &size) < 0)
        return std::unexpected(errno_error("look at a BPF program", errno));
    return info.id;
}

bool needs_jumbo(const std::string& interface) { return mtu_of(interface).value_or(0) > page_mtu; }

std::optional<unsigned> mtu_of(const std::string& interface)
{
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::strncpy(request.ifr_name, interface.c_str(), IFNAMSIZ - 1);
    if (::ioctl(socket.get(), SIOCGIFMTU, &request) < 0) return std::nullopt;
    return static_cast<unsigned>(request.ifr_mtu);
}

} // namespace netwright::dataplane
