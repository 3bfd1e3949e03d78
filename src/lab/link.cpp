// SPDX-License-Identifier: GPL-2.0-or-later
// Rate, buffer, loss and delay of a link.
#include "lab/link.h"

#include <algorithm>
#include <cmath>

namespace netwright::lab {

Link::Link(const LinkSettings& settings, std::uint64_t seed) : settings_(settings), random_(seed) {}

// Gilbert: bursts of mean length b end with probability 1/b; they start as often as gives `loss` overall.
bool Link::loses()
{
    if (settings_.loss <= 0) return false;
    std::uniform_real_distribution<double> chance(0, 1);
    if (settings_.loss_burst <= 1) return chance(random_) < settings_.loss;
    const double ends = 1 / settings_.loss_burst;
    const double starts = ends * settings_.loss / (1 - settings_.loss);
    bad_ = bad_ ? chance(random_) >= ends : chance(random_) < starts;
    return bad_;
}

Link::Fate Link::admit(Nanos& at, std::uint64_t bytes)
{
    Nanos out = at;
    if (const std::uint64_t rate = settings_.rate.bits_per_second; rate != 0) {
        const double per_byte = 8e9 / static_cast<double>(rate);
        const double waiting = static_cast<double>(std::max<Nanos>(0, free_at_ - at)) / per_byte;
        // An empty line takes any packet, however small the buffer.
        if (waiting > 0 && waiting + static_cast<double>(bytes) > static_cast<double>(settings_.buffer))
            return Fate::Overflow;
        if (free_at_ < at) rest_ = 0;
        const double takes = static_cast<double>(bytes) * per_byte + rest_;
        const double whole = std::floor(takes);
        rest_ = takes - whole;
        free_at_ = std::max(at, free_at_) + static_cast<Nanos>(whole);
        out = free_at_;
    }
    if (loses()) return Fate::Lost;
    std::uniform_real_distribution<double> chance(0, 1);
    if (settings_.reorder > 0 && chance(random_) < settings_.reorder) {
        at = out; // skips the delay, and so those before it
        return Fate::Passes;
    }
    out += settings_.delay.count();
    if (settings_.jitter.count() > 0)
        out += static_cast<Nanos>(chance(random_) * static_cast<double>(settings_.jitter.count()));
    last_out_ = std::max(last_out_, out);
    at = last_out_;
    return Fate::Passes;
}

Chain::Chain(const std::vector<LinkSettings>& links, std::uint64_t seed)
{
    for (const LinkSettings& link : links)
        links_.emplace_back(link, ++seed);
}

Link::Fate Chain::admit(Nanos& at, std::uint64_t bytes)
{
    for (Link& link : links_)
        if (const auto fate = link.admit(at, bytes); fate != Link::Fate::Passes) return fate;
    return Link::Fate::Passes;
}

} // namespace netwright::lab
