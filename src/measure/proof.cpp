// SPDX-License-Identifier: GPL-2.0-or-later
// HMAC-SHA256 after FIPS 180-4 and RFC 2104: a few dozen lines beside a library that nothing else would need.
#include "measure/protocol.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cmath>

namespace netwright::measure {
namespace {

constexpr std::size_t block_size = 64;
using Digest = std::array<std::uint32_t, 8>;

// The first 32 bits of the fractional parts of the square and cube roots of the first primes.
constexpr Digest initial{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
constexpr std::array<std::uint32_t, 64> round_constants{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

std::uint32_t byte_at(std::string_view bytes, std::size_t place) { return static_cast<unsigned char>(bytes[place]); }

void mix(Digest& digest, std::string_view block)
{
    std::array<std::uint32_t, 64> words{};
    for (std::size_t i = 0; i < 16; ++i)
        words[i] = byte_at(block, 4 * i) << 24 | byte_at(block, 4 * i + 1) << 16 | byte_at(block, 4 * i + 2) << 8 |
                   byte_at(block, 4 * i + 3);
    for (std::size_t i = 16; i < 64; ++i) {
        const std::uint32_t a = words[i - 15], b = words[i - 2];
        words[i] = words[i - 16] + (std::rotr(a, 7) ^ std::rotr(a, 18) ^ a >> 3) + words[i - 7] +
                   (std::rotr(b, 17) ^ std::rotr(b, 19) ^ b >> 10);
    }
    auto [a, b, c, d, e, f, g, h] = digest;
    for (std::size_t i = 0; i < 64; ++i) {
        const std::uint32_t first = h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) + ((e & f) ^ (~e & g)) +
                                    round_constants[i] + words[i];
        const std::uint32_t second =
            (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + first, d = c, c = b, b = a, a = first + second;
    }
    const Digest added{a, b, c, d, e, f, g, h};
    for (std::size_t i = 0; i < digest.size(); ++i)
        digest[i] += added[i];
}

std::string sha256(std::string message)
{
    const std::uint64_t bits = message.size() * 8;
    message += '\x80';
    message.resize((message.size() + 8 + block_size - 1) / block_size * block_size - 8, '\0');
    for (int shift = 56; shift >= 0; shift -= 8)
        message += static_cast<char>(bits >> shift & 0xff);
    Digest digest = initial;
    for (std::size_t at = 0; at < message.size(); at += block_size)
        mix(digest, std::string_view(message).substr(at, block_size));
    std::string bytes;
    for (const std::uint32_t word : digest)
        for (int shift = 24; shift >= 0; shift -= 8)
            bytes += static_cast<char>(word >> shift & 0xff);
    return bytes;
}

std::string hex(std::string_view bytes)
{
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); ++i)
        text += fmt::format("{:02x}", byte_at(bytes, i));
    return text;
}

} // namespace

std::string proof_of(std::string_view token, std::string_view who, std::string_view nonce)
{
    std::string key = token.size() > block_size ? sha256(std::string(token)) : std::string(token);
    key.resize(block_size, '\0');
    std::string inner = key, outer = key;
    for (std::size_t i = 0; i < block_size; ++i) {
        inner[i] = static_cast<char>(inner[i] ^ 0x36);
        outer[i] = static_cast<char>(outer[i] ^ 0x5c);
    }
    return hex(sha256(outer + sha256(inner.append(who).append(nonce))));
}

bool same_proof(std::string_view one, std::string_view two)
{
    if (one.size() != two.size()) return false;
    unsigned differences = 0;
    for (std::size_t i = 0; i < one.size(); ++i)
        differences |= byte_at(one, i) ^ byte_at(two, i);
    return differences == 0;
}

Result<std::string> fresh_nonce()
{
    std::string bytes(16, '\0');
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        return std::unexpected(errno_error("ask the kernel for random bytes", errno));
    return hex(bytes);
}

} // namespace netwright::measure
