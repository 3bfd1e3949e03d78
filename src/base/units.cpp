// SPDX-License-Identifier: GPL-2.0-or-later
// Reading and writing quantities with their units.
#include "base/units.h"

#include "base/text.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <limits>

namespace netwright {
namespace {

struct Unit {
    std::string_view suffix;
    double factor;
};

// Trims "12.50" to "12.5" and "10.0" to "10".
std::string plain(double value)
{
    std::string text = fmt::format("{:.1f}", value);
    if (text.ends_with(".0")) text.resize(text.size() - 2);
    return text;
}

Result<double> scaled(std::string_view text, std::span<const Unit> units, std::string_view what,
                      std::string_view example)
{
    const auto complain = [&](std::string_view why) {
        return fail(Error::Kind::Malformed, fmt::format("{} '{}': {} (for example: {})", what, text, why, example));
    };
    std::size_t end = 0;
    while (end < text.size() &&
           (is_digit(text[end]) || text[end] == '.' ||
            (end > 0 && (text[end] == 'e' || text[end] == 'E') && end + 1 < text.size() && is_digit(text[end + 1]))))
        ++end;
    const auto number = parse_double(text.substr(0, end));
    if (!number) return complain("not a number");
    const std::string_view suffix = trim(text.substr(end));
    for (const Unit& unit : units)
        if (suffix == unit.suffix) {
            const double value = *number * unit.factor;
            if (!(value > 0) || value > 9e18) return complain("out of range");
            return value;
        }
    return complain(suffix.empty() ? "the unit is missing" : "unknown unit");
}

constexpr std::array bit_units{
    Unit{"bit", 1},       Unit{"bit/s", 1},    Unit{"bps", 1},    Unit{"Kbit", 1e3}, Unit{"kbit", 1e3},
    Unit{"kbit/s", 1e3},  Unit{"Kbit/s", 1e3}, Unit{"Kbps", 1e3}, Unit{"kbps", 1e3}, Unit{"Mbit", 1e6},
    Unit{"mbit", 1e6},    Unit{"Mbit/s", 1e6}, Unit{"Mbps", 1e6}, Unit{"M", 1e6},    Unit{"Gbit", 1e9},
    Unit{"gbit", 1e9},    Unit{"Gbit/s", 1e9}, Unit{"Gbps", 1e9}, Unit{"G", 1e9},    Unit{"Tbit", 1e12},
    Unit{"Tbit/s", 1e12}, Unit{"Tbps", 1e12},
};
constexpr std::array duration_units{
    Unit{"ns", 1},   Unit{"us", 1e3},   Unit{"µs", 1e3},   Unit{"ms", 1e6},    Unit{"s", 1e9},
    Unit{"m", 60e9}, Unit{"min", 60e9}, Unit{"h", 3600e9}, Unit{"d", 86400e9},
};
constexpr std::array byte_units{
    Unit{"", 1},          Unit{"B", 1},          Unit{"kB", 1e3},         Unit{"MB", 1e6},
    Unit{"GB", 1e9},      Unit{"K", 1024},       Unit{"KiB", 1024},       Unit{"M", 1048576},
    Unit{"MiB", 1048576}, Unit{"G", 1073741824}, Unit{"GiB", 1073741824},
};

} // namespace

std::string to_text(Bytes bytes)
{
    const auto n = static_cast<double>(bytes.count);
    if (bytes.count < 10'000) return fmt::format("{} B", bytes.count);
    struct Pair {
        double decimal, binary;
        std::string_view d, b;
    };
    constexpr std::array pairs{Pair{1e12, 1099511627776.0, "TB", "TiB"}, Pair{1e9, 1073741824.0, "GB", "GiB"},
                               Pair{1e6, 1048576.0, "MB", "MiB"}, Pair{1e3, 1024.0, "kB", "KiB"}};
    for (const Pair& pair : pairs)
        if (n >= pair.decimal) {
            return fmt::format("{} {} ({} {})", plain(n / pair.decimal), pair.d, plain(n / pair.binary), pair.b);
        }
    return fmt::format("{} B", bytes.count);
}

std::string to_text(BitRate rate)
{
    const auto n = static_cast<double>(rate.bits_per_second);
    if (n >= 1e12) return fmt::format("{} Tbit/s", plain(n / 1e12));
    if (n >= 1e9) return fmt::format("{} Gbit/s", plain(n / 1e9));
    if (n >= 1e6) return fmt::format("{} Mbit/s", plain(n / 1e6));
    if (n >= 1e3) return fmt::format("{} kbit/s", plain(n / 1e3));
    return fmt::format("{} bit/s", rate.bits_per_second);
}

std::string duration_text(Nanoseconds duration)
{
    const auto n = static_cast<double>(duration.count());
    if (std::abs(n) >= 1e9) return fmt::format("{} s", plain(n / 1e9));
    if (std::abs(n) >= 1e6) return fmt::format("{} ms", plain(n / 1e6));
    if (std::abs(n) >= 1e3) return fmt::format("{} us", plain(n / 1e3));
    return fmt::format("{} ns", duration.count());
}

Result<BitRate> parse_bit_rate(std::string_view text)
{
    const double value = TRY(scaled(text, bit_units, "bandwidth", "10Gbit, 500Mbit"));
    if (value < 1) return fail(Error::Kind::Malformed, fmt::format("bandwidth '{}': below 1 bit/s", text));
    return BitRate{static_cast<std::uint64_t>(std::llround(value))};
}

Result<Nanoseconds> parse_duration(std::string_view text)
{
    return Nanoseconds{std::llround(TRY(scaled(text, duration_units, "duration", "50ms, 1.5s")))};
}

Result<Bytes> parse_bytes(std::string_view text)
{
    return Bytes{static_cast<std::uint64_t>(std::llround(TRY(scaled(text, byte_units, "size", "64K, 16MiB"))))};
}

Bytes bandwidth_delay_product(BitRate bandwidth, Nanoseconds rtt)
{
    if (rtt.count() <= 0) return Bytes{0};
    const auto product = static_cast<unsigned __int128>(bandwidth.bits_per_second) *
                         static_cast<unsigned __int128>(rtt.count()) / 8 / 1'000'000'000;
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    return Bytes{product > most ? most : static_cast<std::uint64_t>(product)};
}

} // namespace netwright
