// SPDX-License-Identifier: GPL-2.0-or-later
// Making AF_XDP sockets and their rings.
#include "dataplane/xdp_socket.h"

#include <linux/if_xdp.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>

#ifndef AF_XDP
#define AF_XDP 44 // include/linux/socket.h
#endif
#ifndef SOL_XDP
#define SOL_XDP 283
#endif

namespace netwright::dataplane {
namespace {

static_assert(sizeof(XdpFrame) == sizeof(xdp_desc) && offsetof(XdpFrame, length) == offsetof(xdp_desc, len));

Result<void> set(int socket, int option, const void* value, std::size_t size)
{
    if (::setsockopt(socket, SOL_XDP, option, value, static_cast<socklen_t>(size)) == 0) return {};
    return std::unexpected(errno_error("set up an AF_XDP socket", errno));
}

Result<void> register_memory(int socket, const MappedMemory& memory, std::uint32_t frames)
{
    xdp_umem_reg area{};
    area.addr = reinterpret_cast<std::uintptr_t>(memory.data());
    area.len = std::uint64_t{frames} * xdp_frame_size;
    area.chunk_size = xdp_frame_size;
    return set(socket, XDP_UMEM_REG, &area, sizeof area);
}

template <class T>
Result<std::unique_ptr<XdpRing<T>>> map_ring(int socket, const xdp_ring_offset& at, std::uint64_t page,
                                             std::uint32_t size)
{
    auto memory = TRY(MappedMemory::of(socket, at.desc + size * sizeof(T), static_cast<std::int64_t>(page)));
    std::uint8_t* const base = memory.data();
    const auto word = [&](std::uint64_t offset) { return reinterpret_cast<std::uint32_t*>(base + offset); };
    return std::make_unique<XdpRing<T>>(std::move(memory), word(at.producer), word(at.consumer), word(at.flags),
                                        reinterpret_cast<T*>(base + at.desc), size);
}

Result<void> bind_queue(int socket, unsigned interface, XdpCopy copy, const XdpSocket* owner)
{
    sockaddr_xdp address{};
    address.sxdp_family = AF_XDP;
    address.sxdp_ifindex = interface;
    if (owner) { // the flags are the owner's, too (xsk_bind, net/xdp/xsk.c)
        address.sxdp_flags = XDP_SHARED_UMEM;
        address.sxdp_shared_umem_fd = static_cast<__u32>(owner->get());
    } else {
        const int way = copy == XdpCopy::Yes ? XDP_COPY : XDP_ZEROCOPY;
        address.sxdp_flags = static_cast<__u16>(way | XDP_USE_NEED_WAKEUP);
    }
    if (::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return {};
    if (errno == EOPNOTSUPP && copy == XdpCopy::No)
        return fail(Error::Kind::Unsupported, "its driver has no zero copy (EOPNOTSUPP)", EOPNOTSUPP);
    return std::unexpected(errno_error("bind an AF_XDP socket to a queue", errno));
}

} // namespace

Result<MappedMemory> MappedMemory::anonymous(std::size_t bytes)
{
    void* const memory =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED) return std::unexpected(errno_error("get memory for frames", errno));
    return MappedMemory(memory, bytes);
}

Result<MappedMemory> MappedMemory::of(int descriptor, std::size_t bytes, std::int64_t offset)
{
    void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, descriptor, offset);
    if (memory == MAP_FAILED) return std::unexpected(errno_error("map a ring", errno));
    return MappedMemory(memory, bytes);
}

void MappedMemory::Unmap::operator()(void* memory) const { ::munmap(memory, bytes); }

template <class T>
std::uint32_t XdpRing<T>::filled() const
{
    return std::atomic_ref(*producer_).load(std::memory_order_acquire) - *consumer_;
}

template <class T>
void XdpRing<T>::take(std::uint32_t count)
{
    std::atomic_ref(*consumer_).store(*consumer_ + count, std::memory_order_release);
}

template <class T>
std::uint32_t XdpRing<T>::room() const
{
    return size_ - (*producer_ - std::atomic_ref(*consumer_).load(std::memory_order_acquire));
}

template <class T>
void XdpRing<T>::give(std::uint32_t count)
{
    std::atomic_ref(*producer_).store(*producer_ + count, std::memory_order_release);
}

template <class T>
bool XdpRing<T>::wants_wakeup() const
{
    return (std::atomic_ref(*flags_).load(std::memory_order_relaxed) & XDP_RING_NEED_WAKEUP) != 0;
}

template class XdpRing<std::uint64_t>;
template class XdpRing<XdpFrame>;

Result<void> XdpSocket::map_rings()
{
    const std::uint32_t each = xdp_ring_size, all = frames();
    TRY_VOID(set(get(), XDP_UMEM_FILL_RING, &all, sizeof all)); // holds every frame there is
    TRY_VOID(set(get(), XDP_UMEM_COMPLETION_RING, &each, sizeof each));
    TRY_VOID(set(get(), XDP_RX_RING, &each, sizeof each));
    TRY_VOID(set(get(), XDP_TX_RING, &each, sizeof each));
    xdp_mmap_offsets at{};
    socklen_t size = sizeof at;
    if (::getsockopt(get(), SOL_XDP, XDP_MMAP_OFFSETS, &at, &size) < 0)
        return std::unexpected(errno_error("find the rings of an AF_XDP socket", errno));
    fill_ = TRY(map_ring<std::uint64_t>(get(), at.fr, XDP_UMEM_PGOFF_FILL_RING, all));
    completed_ = TRY(map_ring<std::uint64_t>(get(), at.cr, XDP_UMEM_PGOFF_COMPLETION_RING, each));
    received_ = TRY(map_ring<XdpFrame>(get(), at.rx, XDP_PGOFF_RX_RING, each));
    sending_ = TRY(map_ring<XdpFrame>(get(), at.tx, XDP_PGOFF_TX_RING, each));
    return {};
}

Result<XdpSocket> XdpSocket::open(unsigned interface, XdpCopy copy, const XdpSocket* owner)
{
    XdpSocket made;
    made.socket_.reset(::socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0));
    if (!made.socket_ && errno == EAFNOSUPPORT)
        return fail(Error::Kind::Unsupported, "this kernel has no AF_XDP (CONFIG_XDP_SOCKETS)", EAFNOSUPPORT);
    if (!made.socket_) return std::unexpected(errno_error("make an AF_XDP socket", errno));
    if (owner) {
        made.memory_ = owner->memory_;
    } else {
        auto memory = TRY(MappedMemory::anonymous(std::size_t{made.frames()} * xdp_frame_size));
        made.memory_ = std::make_shared<MappedMemory>(std::move(memory));
        TRY_VOID(register_memory(made.get(), *made.memory_, made.frames()));
    }
    TRY_VOID(made.map_rings());
    TRY_VOID(bind_queue(made.get(), interface, copy, owner));
    return made;
}

} // namespace netwright::dataplane
