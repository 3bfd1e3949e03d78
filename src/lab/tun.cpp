// SPDX-License-Identifier: GPL-2.0-or-later
// TUN devices with segmentation offload (Documentation/networking/tuntap.rst).
#include "lab/emulator.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace netwright::lab {
namespace {

// linux/ipv6.h has it, beside types that the C library defines too.
struct in6_ifreq {
    in6_addr ifr6_addr;
    std::uint32_t ifr6_prefixlen;
    int ifr6_ifindex;
};

constexpr int queue_length = 10'000; // what the emulator has not read yet; packets beyond it are dropped by the device

class Device {
public:
    static Result<Device> named(const std::string& name)
    {
        Device device;
        device.socket_.reset(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        if (!device.socket_) return std::unexpected(errno_error("open a socket", errno));
        if (name.size() >= IFNAMSIZ) return fail(Error::Kind::Rejected, name + ": too long for a device's name");
        std::memcpy(device.request_.ifr_name, name.data(), name.size());
        return device;
    }
    Result<void> set_address(unsigned long what, const std::string& text)
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        if (::inet_pton(AF_INET, text.c_str(), &address.sin_addr) != 1)
            return fail(Error::Kind::Rejected, text + " is no IPv4 address");
        std::memcpy(&request_.ifr_addr, &address, sizeof address);
        return tell(what);
    }
    // Without neighbours to ask there is no duplicate to detect: it can be used at once.
    void add_address_six(const char* text)
    {
        const Fd socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        in6_ifreq request{};
        if (!socket || ::inet_pton(AF_INET6, text, &request.ifr6_addr) != 1 || !tell(SIOCGIFINDEX)) return;
        request.ifr6_prefixlen = 126;
        request.ifr6_ifindex = request_.ifr_ifindex;
        (void)::ioctl(socket.get(), SIOCSIFADDR, &request); // a lab is of use without
    }
    Result<void> set_mtu(std::uint32_t mtu)
    {
        request_.ifr_mtu = static_cast<int>(mtu);
        return tell(SIOCSIFMTU);
    }
    Result<void> set_queue_length()
    {
        request_.ifr_qlen = queue_length;
        return tell(SIOCSIFTXQLEN);
    }
    Result<void> set_up()
    {
        TRY_VOID(tell(SIOCGIFFLAGS));
        request_.ifr_flags = static_cast<short>(request_.ifr_flags | IFF_UP);
        return tell(SIOCSIFFLAGS);
    }

private:
    Result<void> tell(unsigned long what)
    {
        if (::ioctl(socket_.get(), what, &request_) < 0)
            return std::unexpected(errno_error(std::string("set up device ") + request_.ifr_name, errno));
        return {};
    }
    Fd socket_;
    ifreq request_{};
};

} // namespace

Result<Fd> open_tun(const std::string& name, const TunAddresses& addresses, std::uint32_t mtu)
{
    Fd tun(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
    if (!tun) return std::unexpected(errno_error("open /dev/net/tun (modprobe tun)", errno));
    ifreq request{};
    request.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
    if (name.size() >= IFNAMSIZ) return fail(Error::Kind::Rejected, name + ": too long for a device's name");
    std::memcpy(request.ifr_name, name.data(), name.size());
    if (::ioctl(tun.get(), TUNSETIFF, &request) < 0) return std::unexpected(errno_error("make device " + name, errno));
    if (::ioctl(tun.get(), TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN) < 0)
        return std::unexpected(errno_error("use segmentation offload on " + name, errno));
    Device device = TRY(Device::named(name));
    TRY_VOID(device.set_mtu(mtu));
    TRY_VOID(device.set_queue_length());
    TRY_VOID(device.set_address(SIOCSIFADDR, addresses.four));
    TRY_VOID(device.set_address(SIOCSIFNETMASK, "255.255.255.252"));
    TRY_VOID(device.set_up());
    device.add_address_six(addresses.six);
    Device loopback = TRY(Device::named("lo"));
    TRY_VOID(loopback.set_up());
    return tun;
}

} // namespace netwright::lab
