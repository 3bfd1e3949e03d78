// SPDX-License-Identifier: GPL-2.0-or-later
// Structures of SIOCETHTOOL that end in an array of unknown length: a head, and room behind it, suitably aligned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace netwright::kernel {

template <class Head>
class EthtoolBlock {
public:
    explicit EthtoolBlock(std::size_t room) : words_((sizeof(Head) + room) / sizeof(std::uint64_t) + 1) {}
    Head* operator->() { return reinterpret_cast<Head*>(words_.data()); }
    void* data() { return words_.data(); }
    std::byte* tail() { return reinterpret_cast<std::byte*>(words_.data()) + sizeof(Head); }

private:
    std::vector<std::uint64_t> words_;
};

} // namespace netwright::kernel
