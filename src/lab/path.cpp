// SPDX-License-Identifier: GPL-2.0-or-later
// Paths as typed, and what is made of them.
#include "lab/path.h"

#include "base/text.h"
#include "model/yaml_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright::lab {
namespace {

constexpr std::uint64_t least_buffer = 64U << 10;
constexpr auto longest_delay = std::chrono::seconds(10);

std::unexpected<Error> senseless(std::string what) { return fail(Error::Kind::Rejected, std::move(what)); }

Result<Nanoseconds> time_of(const std::string& text)
{
    if (text.empty()) return Nanoseconds{0};
    const Nanoseconds time = TRY(parse_duration(text));
    if (time < Nanoseconds{0} || time > longest_delay) return senseless(text + ": 0 to 10s");
    return time;
}

// "0.1%" or "0.001"
Result<double> share_of(const std::string& text)
{
    if (text.empty()) return 0;
    const bool percent = text.ends_with('%');
    const double value = TRY(parse_double(std::string_view(text).substr(0, text.size() - (percent ? 1 : 0))));
    const double share = percent ? value / 100 : value;
    if (!(share >= 0 && share < 1)) return senseless(text + ": a share from 0 to below 100%");
    return share;
}

// "250KiB", or "2bdp": so many bandwidth-delay products of `rtt`.
Result<std::uint64_t> buffer_of(const std::string& text, BitRate rate, Nanoseconds rtt)
{
    if (text.empty()) return 0;
    if (!text.ends_with("bdp")) return TRY(parse_bytes(text)).count;
    const double times = TRY(parse_double(std::string_view(text).substr(0, text.size() - 3)));
    if (!(times > 0 && times <= 100)) return senseless(text + ": more than 0 and at most 100 bdp");
    if (rate.bits_per_second == 0) return senseless(text + ": needs a rate to be a product of");
    return std::max<std::uint64_t>(
        2000, static_cast<std::uint64_t>(times * static_cast<double>(bandwidth_delay_product(rate, rtt).count)));
}

Result<LinkSettings> link_of(const HopWords& words, Nanoseconds half_rtt, Nanoseconds rtt)
{
    LinkSettings link;
    if (!words.rate.empty()) link.rate = TRY(parse_bit_rate(words.rate));
    link.delay = words.delay.empty() ? half_rtt : TRY(time_of(words.delay));
    link.jitter = TRY(time_of(words.jitter));
    link.loss = TRY(share_of(words.loss));
    link.reorder = TRY(share_of(words.reorder));
    if (!words.loss_burst.empty()) link.loss_burst = TRY(parse_double(words.loss_burst));
    if (!(link.loss_burst >= 1 && link.loss_burst <= 1000)) return senseless("loss-burst: 1 to 1000 packets in a row");
    link.buffer = TRY(buffer_of(words.buffer, link.rate, rtt));
    return link;
}

struct WordRow {
    std::string_view key;
    std::string HopWords::* word;
};
constexpr std::array word_rows{
    WordRow{"rate", &HopWords::rate},       WordRow{"rtt", &HopWords::rtt},
    WordRow{"delay", &HopWords::delay},     WordRow{"jitter", &HopWords::jitter},
    WordRow{"loss", &HopWords::loss},       WordRow{"loss-burst", &HopWords::loss_burst},
    WordRow{"reorder", &HopWords::reorder}, WordRow{"buffer", &HopWords::buffer},
};
constexpr std::array<std::string_view, 9> hop_keys{"rate",       "rtt",     "delay",  "jitter", "loss",
                                                   "loss-burst", "reorder", "buffer", "back"};

// `words` hold what the other way says; what is not said again stays.
Result<HopWords> words_of(const YamlReader& reader, const YamlNode& node, HopWords words)
{
    TRY_VOID(reader.only(node, hop_keys, "hop"));
    for (const WordRow& row : word_rows)
        if (const YamlNode* value = node.find(row.key)) words.*row.word = TRY(reader.text(*value, row.key));
    return words;
}

Result<Hop> hop_of(const YamlReader& reader, const YamlNode& node)
{
    const HopWords there = TRY(words_of(reader, node, {}));
    const YamlNode* const back = node.find("back");
    const HopWords other = back ? TRY(words_of(reader, *back, there)) : there;
    auto hop = parse_hop(there, other);
    if (!hop) return reader.fail_at(node, hop.error().what);
    return hop;
}

Result<std::uint32_t> packet_size(const YamlReader& reader, const YamlNode& root, std::string_view key,
                                  std::uint32_t other)
{
    const YamlNode* const node = root.find(key);
    if (!node) return other;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(TRY(reader.read(*node, key, parse_unsigned)), 1U << 20));
}

std::string link_text(const LinkSettings& link)
{
    std::string text = link.rate.bits_per_second != 0 ? to_text(link.rate) : "no limit";
    text += ", " + duration_text(link.delay);
    if (link.jitter.count() > 0) text += " + up to " + duration_text(link.jitter);
    if (link.loss > 0) text += fmt::format(", loss {:.3g} %", 100 * link.loss);
    if (link.loss > 0 && link.loss_burst > 1) text += fmt::format(" in bursts of {:.3g}", link.loss_burst);
    if (link.reorder > 0) text += fmt::format(", reordered {:.3g} %", 100 * link.reorder);
    if (link.rate.bits_per_second != 0) text += ", buffer " + to_text(Bytes{link.buffer});
    return text;
}

} // namespace

BitRate bottleneck(const PathSettings& path)
{
    BitRate slowest{};
    for (const Hop& hop : path.hops)
        if (hop.there.rate.bits_per_second > 0 && (slowest.bits_per_second == 0 || hop.there.rate < slowest))
            slowest = hop.there.rate;
    return slowest;
}

Nanoseconds delay_of(const PathSettings& path, LinkSettings Hop::* way)
{
    Nanoseconds sum{0};
    for (const Hop& hop : path.hops)
        sum += (hop.*way).delay;
    return sum;
}

Nanoseconds round_trip(const PathSettings& path) { return delay_of(path, &Hop::there) + delay_of(path, &Hop::back); }

Result<Hop> parse_hop(const HopWords& there, const HopWords& back)
{
    const Nanoseconds rtt = TRY(time_of(there.rtt));
    Hop hop;
    hop.there = TRY(link_of(there, rtt / 2, rtt));
    hop.back = TRY(link_of(back, rtt / 2, rtt));
    return hop;
}

Result<PathSettings> path_from_yaml(std::string_view text, std::string_view file)
{
    const YamlNode root = TRY(parse_yaml(text, file));
    const YamlReader reader(file);
    constexpr std::array<std::string_view, 3> keys{"hops", "mtu", "black-hole"};
    TRY_VOID(reader.only(root, keys, "path"));
    PathSettings path;
    const YamlNode* const hops = TRY(reader.need(root, "hops"));
    if (hops->kind != YamlNode::Kind::List) return reader.fail_at(*hops, "hops is a list");
    for (const YamlNode& hop : hops->items)
        path.hops.push_back(TRY(hop_of(reader, hop)));
    path.mtu = TRY(packet_size(reader, root, "mtu", path.mtu));
    path.black_hole = TRY(packet_size(reader, root, "black-hole", 0));
    return settled(std::move(path));
}

Result<PathSettings> settled(PathSettings path)
{
    if (path.hops.empty() || path.hops.size() > 16) return senseless("a path has 1 to 16 hops");
    if (path.mtu < 576 || path.mtu > 65'535) return senseless(fmt::format("mtu {}: 576 to 65535", path.mtu));
    Nanoseconds rtt{0};
    for (const Hop& hop : path.hops)
        rtt += hop.there.delay + hop.back.delay;
    for (Hop& hop : path.hops)
        for (LinkSettings* link : {&hop.there, &hop.back}) {
            if (link->buffer == 0)
                link->buffer = std::max(least_buffer, bandwidth_delay_product(link->rate, rtt).count);
            if (link->buffer > 4ULL << 30) return senseless("a buffer of more than 4 GiB");
            if (link->rate.bits_per_second > 100'000'000'000) return senseless("a rate above 100 Gbit/s");
        }
    return path;
}

std::string to_text(const PathSettings& path)
{
    std::string text;
    for (const Hop& hop : path.hops) {
        if (!text.empty()) text += "; then ";
        text += link_text(hop.there);
        text += hop.there == hop.back ? " each way" : "; back " + link_text(hop.back);
    }
    if (path.black_hole != 0) text += fmt::format("; packets above {} bytes vanish", path.black_hole);
    return text;
}

} // namespace netwright::lab
