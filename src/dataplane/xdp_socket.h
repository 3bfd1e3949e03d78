// SPDX-License-Identifier: GPL-2.0-or-later
// AF_XDP: frames between a queue of an interface and a program's own memory, by four rings that both sides map
// (Documentation/networking/af_xdp.rst). One thread uses a socket.
#pragma once

#include "base/error.h"
#include "base/fd.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace netwright::dataplane {

// A mapping of the kernel's, or anonymous memory; unmapped with the object.
class MappedMemory {
public:
    static Result<MappedMemory> anonymous(std::size_t bytes);
    static Result<MappedMemory> of(int descriptor, std::size_t bytes, std::int64_t offset);
    std::uint8_t* data() const { return static_cast<std::uint8_t*>(memory_.get()); }

private:
    struct Unmap {
        std::size_t bytes = 0;
        void operator()(void* memory) const;
    };
    explicit MappedMemory(void* memory, std::size_t bytes) : memory_(memory, Unmap{bytes}) {}
    std::unique_ptr<void, Unmap> memory_;
};

// One ring of entries of type T between one producer and one consumer, of which the kernel is one.
template <class T>
class XdpRing {
public:
    XdpRing(MappedMemory memory, std::uint32_t* producer, std::uint32_t* consumer, std::uint32_t* flags, T* entries,
            std::uint32_t size)
        : memory_(std::move(memory)), producer_(producer), consumer_(consumer), flags_(flags), entries_(entries),
          size_(size)
    {
    }
    // As its consumer.
    std::uint32_t filled() const;
    const T& peek(std::uint32_t ahead) const { return entries_[(*consumer_ + ahead) & (size_ - 1)]; }
    void take(std::uint32_t count);
    // As its producer.
    std::uint32_t room() const;
    T& place(std::uint32_t ahead) { return entries_[(*producer_ + ahead) & (size_ - 1)]; }
    void give(std::uint32_t count);
    bool wants_wakeup() const;

private:
    MappedMemory memory_;
    std::uint32_t *producer_, *consumer_, *flags_;
    T* entries_;
    std::uint32_t size_;
};

inline constexpr std::uint32_t xdp_ring_size = 2048, xdp_frame_size = 2048;

struct XdpFrame { // linux/if_xdp.h's struct xdp_desc, which its .cpp compares
    std::uint64_t address = 0;
    std::uint32_t length = 0, options = 0;
};

enum class XdpCopy { Yes, No };

class XdpSocket {
public:
    // On queue 0 of the interface. `owner`: the socket whose memory, and way of copying, it shares; null: memory of its
    // own. Unsupported: no zero copy with this driver, or no AF_XDP in this kernel.
    static Result<XdpSocket> open(unsigned interface, XdpCopy copy, const XdpSocket* owner = nullptr);
    int get() const { return socket_.get(); }
    std::uint8_t* frame(std::uint64_t address) const { return memory_->data() + address; }
    std::uint32_t frames() const { return 2 * xdp_ring_size; } // in the memory

    XdpRing<std::uint64_t>& fill() { return *fill_; }
    XdpRing<std::uint64_t>& completed() { return *completed_; }
    XdpRing<XdpFrame>& received() { return *received_; }
    XdpRing<XdpFrame>& sending() { return *sending_; }

private:
    Result<void> map_rings();
    Fd socket_;
    std::shared_ptr<MappedMemory> memory_;
    std::unique_ptr<XdpRing<std::uint64_t>> fill_, completed_;
    std::unique_ptr<XdpRing<XdpFrame>> received_, sending_;
};

} // namespace netwright::dataplane
