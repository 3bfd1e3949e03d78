// SPDX-License-Identifier: GPL-2.0-or-later
// Two veth pairs, their offloads and addresses, and the kernel threads that receive on them.
#include "dataplane/ways_network.h"

#include "base/text.h"
#include "kernel/kernel.h"
#include "kernel/process_table.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>

namespace netwright::dataplane {
namespace {

constexpr const char* in_address = "198.18.0.1";
constexpr const char* out_address = "198.18.1.1";
constexpr const char* next_hop = "198.18.1.2"; // where way_frame() goes

std::string base36(unsigned number)
{
    std::string digits;
    do
        digits.insert(digits.begin(), "0123456789abcdefghijklmnopqrstuvwxyz"[number % 36]);
    while ((number /= 36) != 0);
    return digits;
}

// Kernel threads belong to no namespace, and those of a namespace that goes live on for a moment: the names hold our
// process number and that of the network. Before Linux 5.17 no more than 15 characters of "napi/NAME-N" are shown.
std::string port_stem()
{
    static std::atomic<unsigned> made{0};
    return "w" + base36(static_cast<unsigned>(::getpid())) + base36(made++ % (36 * 36));
}

// ioctls on one interface.
class PortSettings {
public:
    explicit PortSettings(const std::string& name) : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0))
    {
        std::strncpy(request_.ifr_name, name.c_str(), IFNAMSIZ - 1);
    }
    Result<void> offload(std::uint32_t command, bool on)
    {
        ethtool_value value{command, on ? 1U : 0U};
        request_.ifr_data = reinterpret_cast<char*>(&value);
        return tell(SIOCETHTOOL);
    }
    Result<void> up()
    {
        TRY_VOID(tell(SIOCGIFFLAGS));
        request_.ifr_flags = static_cast<short>(request_.ifr_flags | IFF_UP);
        return tell(SIOCSIFFLAGS);
    }
    Result<void> address(const char* text)
    {
        put(text);
        TRY_VOID(tell(SIOCSIFADDR));
        put("255.255.255.0");
        return tell(SIOCSIFNETMASK);
    }

private:
    void put(const char* text)
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        (void)::inet_pton(AF_INET, text, &address.sin_addr);
        std::memcpy(&request_.ifr_addr, &address, sizeof address);
    }
    Result<void> tell(unsigned long what)
    {
        if (::ioctl(socket_.get(), what, &request_) == 0) return {};
        return std::unexpected(errno_error(fmt::format("set up {}", request_.ifr_name), errno));
    }
    Fd socket_;
    ifreq request_{};
};

Result<void> add_neighbour(const WayPort& port, const char* address, const MacAddress& hardware)
{
    arpreq request{};
    sockaddr_in protocol{};
    protocol.sin_family = AF_INET;
    (void)::inet_pton(AF_INET, address, &protocol.sin_addr);
    std::memcpy(&request.arp_pa, &protocol, sizeof protocol);
    request.arp_ha.sa_family = ARPHRD_ETHER;
    std::memcpy(request.arp_ha.sa_data, hardware.data(), hardware.size());
    request.arp_flags = ATF_COM | ATF_PERM;
    std::strncpy(request.arp_dev, port.name.c_str(), sizeof request.arp_dev - 1);
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (::ioctl(socket.get(), SIOCSARP, &request) == 0) return {};
    return std::unexpected(errno_error("add a neighbour at " + port.name, errno));
}

void put_port(kernel::Request& request, const WayPort& port)
{
    request.put_text(IFLA_IFNAME, port.name);
    request.put(IFLA_ADDRESS, std::as_bytes(std::span(port.address)));
}

Result<void> join(kernel::Netlink& netlink, WayPort& one, WayPort& other)
{
    kernel::Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK);
    request.header(ifinfomsg{});
    put_port(request, one);
    const std::size_t info = request.begin(IFLA_LINKINFO);
    request.put_text(IFLA_INFO_KIND, "veth");
    const std::size_t data = request.begin(IFLA_INFO_DATA);
    const std::size_t peer = request.begin(VETH_INFO_PEER);
    request.header(ifinfomsg{});
    put_port(request, other);
    request.end(peer);
    request.end(data);
    request.end(info);
    if (auto made = netlink.ask(NETLINK_ROUTE, request, [](const nlmsghdr&) {}); !made) {
        made.error().what = "make a veth pair: " + made.error().what;
        return made;
    }
    one.index = ::if_nametoindex(one.name.c_str());
    other.index = ::if_nametoindex(other.name.c_str());
    return {};
}

// No packets but ours: no router solicitations, no multicast reports.
void be_silent(const kernel::Files& files)
{
    for (const char* where : {"all", "default"})
        (void)files.write(fmt::format("proc/sys/net/ipv6/conf/{}/disable_ipv6", where), "1"); // there may be no IPv6
}

} // namespace

Result<WaysNetwork> WaysNetwork::make()
{
    const auto kernel = TRY(kernel::Kernel::live_in_namespace());
    be_silent(kernel.files);
    WaysNetwork made;
    const std::string stem = port_stem();
    std::uint8_t number = 0;
    for (const auto& [port, letter] : {std::pair(&made.source_, 's'), std::pair(&made.in_, 'i'),
                                       std::pair(&made.out_, 'o'), std::pair(&made.sink_, 'e')})
        *port = {stem + letter, 0, {0x02, 0, 0, 0, 0, ++number}}; // locally administered addresses
    TRY_VOID(join(*kernel.netlink, made.source_, made.in_));
    TRY_VOID(join(*kernel.netlink, made.out_, made.sink_));
    // What a packet socket sends is received by a thread only where the sender makes no large packets (veth_xmit).
    for (const WayPort* port : {&made.source_, &made.out_})
        TRY_VOID(PortSettings(port->name).offload(ETHTOOL_STSO, false));
    // Without an XDP program a veth receives by NAPI where GRO is asked for (veth_gro_requested).
    TRY_VOID(PortSettings(made.in_.name).offload(ETHTOOL_SGRO, true));
    for (const WayPort* port : {&made.source_, &made.in_, &made.out_, &made.sink_})
        TRY_VOID(PortSettings(port->name).up());
    return made;
}

Result<void> WaysNetwork::route() const
{
    TRY_VOID(PortSettings(in_.name).address(in_address));
    TRY_VOID(PortSettings(out_.name).address(out_address));
    TRY_VOID(add_neighbour(out_, next_hop, sink_.address));
    return kernel::Files::live().write("proc/sys/net/ipv4/ip_forward", "1"); // of this namespace
}

Result<std::uint64_t> WaysNetwork::came() const
{
    const auto kernel = TRY(kernel::Kernel::live_in_namespace());
    const std::string text =
        TRY(kernel.files.read_line(fmt::format("sys/class/net/{}/statistics/rx_packets", in_.name)));
    return parse_unsigned(text);
}

Result<std::vector<int>> WaysNetwork::receive_by_threads(const WayPort& port) const
{
    const auto kernel = TRY(kernel::Kernel::live_in_namespace());
    TRY_VOID(kernel.files.write(fmt::format("sys/class/net/{}/threaded", port.name), "1"));
    const auto files = kernel::Files::live();
    const std::string name = fmt::format("napi/{}-", port.name);
    std::vector<int> found;
    for (const std::uint32_t process : TRY(kernel::list_processes(files))) {
        const auto command = kernel::command_of(files, process);
        if (command && command->starts_with(name)) found.push_back(static_cast<int>(process));
    }
    return found;
}

Result<void> in_fresh_namespace(const std::function<Result<void>()>& act)
{
    Result<void> done;
    std::thread([&] {
        if (::unshare(CLONE_NEWNET) < 0)
            done = std::unexpected(errno_error("make a network namespace to measure in (run as root)", errno));
        else
            done = act();
    }).join();
    return done;
}

} // namespace netwright::dataplane
