// SPDX-License-Identifier: GPL-2.0-or-later
// Words for ways and for packet rates.
#include "model/ways.h"

#include "base/text.h"
#include "model/words.h"

#include <fmt/format.h>

namespace netwright {
namespace {

constexpr std::array<std::string_view, 6> words{"stack",          "xdp",        "af-xdp-copy", "af-xdp-zero-copy",
                                                "dpdk-af-packet", "dpdk-af-xdp"};
constexpr std::array<std::string_view, 6> names{
    "kernel stack", "XDP", "AF_XDP, copying", "AF_XDP, zero copy", "DPDK, af_packet", "DPDK, af_xdp"};
constexpr std::array<std::string_view, 2> tasks{"drop", "forward"};

} // namespace

std::string_view to_text(Way way) { return names.at(static_cast<std::size_t>(way)); }
std::string_view word_of(Way way) { return words.at(static_cast<std::size_t>(way)); }
std::string_view to_text(WayTask task) { return tasks.at(static_cast<std::size_t>(task)); }

Result<Way> parse_way(std::string_view word) { return static_cast<Way>(TRY(find_word("way", words, word))); }

Result<double> parse_packet_rate(std::string_view text)
{
    double unit = 1;
    std::string_view number = trim(text);
    if (number.ends_with('k')) unit = 1e3;
    if (number.ends_with('M')) unit = 1e6;
    if (unit > 1) number.remove_suffix(1);
    const auto value = parse_double(number);
    if (value && *value > 0 && *value * unit <= 1e9) return *value * unit;
    return fail(Error::Kind::Malformed,
                fmt::format("'{}' is no packet rate: write 2M, 500k or 800000 (packets a second, at most 1000M)",
                            text.substr(0, 32)));
}

std::string packet_rate_text(double rate)
{
    return rate >= 999'500 ? fmt::format("{:.2f} M/s", rate / 1e6) : fmt::format("{:.0f} k/s", rate / 1e3);
}

} // namespace netwright
