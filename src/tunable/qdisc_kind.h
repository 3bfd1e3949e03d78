// SPDX-License-Identifier: GPL-2.0-or-later
// The queueing disciplines we can set and put back: their options as rows, between tc's words and the kernel's numbers.
#pragma once

#include "kernel/netlink.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace netwright::tunable {

// What a qdisc's defaults depend on (psched_mtu() in include/net/sch_generic.h counts the link header).
struct QueueingLink {
    std::int64_t frame = 1514;        // bytes: MTU and link header
    std::int64_t queue_length = 1000; // packets: txqueuelen
};

struct QdiscOption {
    enum class Unit {
        Number,
        Hex,
        Bytes,
        Rate,         // bytes a second in the kernel
        Microseconds, // in the kernel
        Nanoseconds,
        PowerOfTwo, // its logarithm in the kernel
        Choice      // one of the words, by its place; the option has no word of its own
    };
    enum class Default { Fixed, Frames, QueueLength, QueueBytes, TwentiethOfRtt, Unset };
    std::string_view word; // "maxrate"
    std::uint16_t attribute = 0;
    Unit unit = Unit::Number;
    std::uint8_t width = 4; // bytes of the attribute
    Default when_missing = Default::Fixed;
    std::int64_t amount = 0; // Fixed: the value; Frames: how many
    std::span<const std::string_view> words{};
};

struct QdiscKind {
    enum class Form { None, Attributes, FifoStruct, TokenBucket, HierarchicalTokenBucket };
    std::string_view name;
    Form form = Form::None;
    std::span<const QdiscOption> options{};
    std::string_view required{}; // words without which tc, too, makes none
};

// A qdisc as people write it. Options in the order of the kind's rows; what is left out has its default.
struct QdiscSpec {
    struct Setting {
        const QdiscOption* option = nullptr;
        std::int64_t number = 0; // in the kernel's unit
        bool operator==(const Setting&) const = default;
    };
    const QdiscKind* kind = nullptr;
    std::vector<Setting> settings;
    std::string foreign; // something that is set on it and that we could not put back; "": nothing
    bool operator==(const QdiscSpec&) const = default;
};

const QdiscKind* find_qdisc_kind(std::string_view name);
std::string known_qdiscs(); // "fq, fq_codel, …"

// "fq maxrate 1Gbit". Rejected: a kind or word nobody knows, a value that is none or too large for the kernel's field.
Result<QdiscSpec> parse_qdisc(std::string_view text);
// Without what is the default on such a link.
std::string to_text(const QdiscSpec& spec, const QueueingLink& link);
// Equal by meaning: the same kind, and every option the same, clocks' rounding aside.
bool same(const QdiscSpec& a, const QdiscSpec& b, const QueueingLink& link);

// From the options of an RTM_NEWQDISC message; and into one, without what is at its default.
QdiscSpec parse_qdisc_options(const QdiscKind& kind, std::span<const std::byte> options);
void put_qdisc_options(kernel::Request& request, const QdiscSpec& spec, const QueueingLink& link);

// What an option has when nothing is said; nothing: no value at all.
std::optional<std::int64_t> default_of(const QdiscOption& option, const QdiscSpec& spec, const QueueingLink& link);
// Equal but for what the kernel's clocks round.
bool is_close(const QdiscOption& option, std::int64_t a, std::int64_t b);
std::optional<std::int64_t> number_of(const QdiscSpec& spec, std::string_view word);

} // namespace netwright::tunable
