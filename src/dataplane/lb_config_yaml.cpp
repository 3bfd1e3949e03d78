// SPDX-License-Identifier: GPL-2.0-or-later
// Reading a load balancer's configuration. Every error is one line with file, line and column.
#include "base/text.h"
#include "dataplane/lb_config.h"
#include "dataplane/xdp_link.h"
#include "model/words.h"
#include "model/yaml_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>

namespace netwright::dataplane {
namespace {

constexpr std::array<std::string_view, 15> config_fields{"announce",  "listen", "interfaces", "xdp",      "mode",
                                                         "source",    "mtu",    "nat",        "gue_port", "quic_config",
                                                         "icmp_rate", "drain",  "hash_key",   "pools",    "vips"};
constexpr std::array<std::string_view, 4> mode_words{"ipip", "gue", "layer2", "nat"};
constexpr std::array<std::string_view, 4> nat_fields{"addresses", "ports", "tcp_idle", "udp_idle"};
constexpr std::array<std::string_view, 2> xdp_words{"native", "generic"};
constexpr std::array<std::string_view, 4> pool_fields{"backends", "mode", "check", "slow_start"};
constexpr std::array<std::string_view, 5> backend_fields{"address", "weight", "port", "mac", "quic_id"};
constexpr std::array<std::string_view, 3> announce_fields{"file", "frr", "control"};
constexpr std::array<std::string_view, 5> vip_fields{"address", "port", "protocol", "pool", "affinity"};
constexpr std::array<std::string_view, 2> protocol_words{"tcp", "udp"};
constexpr std::array<std::string_view, 3> affinity_words{"flow", "source", "quic"};
constexpr std::uint32_t heaviest = 1000;

std::unexpected<Error> malformed(std::string text) { return fail(Error::Kind::Malformed, std::move(text)); }

// Loopback, unspecified and multicast addresses are on no wire or belong to nobody.
bool of_one_host(const Prefix& prefix)
{
    const auto& bytes = prefix.address;
    if (!prefix.ipv6) return bytes[0] != 0 && bytes[0] != 127 && bytes[0] < 224;
    const bool zeros = std::all_of(bytes.begin(), bytes.end() - 1, [](std::uint8_t byte) { return byte == 0; });
    return bytes[0] != 0xff && !(zeros && bytes[15] <= 1);
}

Result<Prefix> parse_address(std::string_view text)
{
    const auto prefix = parse_prefix(text);
    if (!prefix || text.find('/') != std::string_view::npos)
        return malformed(fmt::format("'{}' is no address: write 192.0.2.1 or 2001:db8::1", text.substr(0, 64)));
    if (!of_one_host(*prefix)) return malformed(fmt::format("{} is no address that a host can have", text));
    return *prefix;
}

Result<std::uint64_t> parse_number(std::string_view text, std::uint64_t least, std::uint64_t most)
{
    const auto number = parse_unsigned(text);
    if (!number || *number < least || *number > most)
        return malformed(fmt::format("'{}' is no number from {} to {}", text.substr(0, 40), least, most));
    return *number;
}

Result<std::array<std::uint64_t, 2>> parse_key(std::string_view text)
{
    const auto high = text.size() == 32 ? parse_hex(text.substr(0, 16)) : malformed("");
    const auto low = text.size() == 32 ? parse_hex(text.substr(16)) : malformed("");
    if (!high || !low) return malformed("hash_key is 32 hexadecimal digits (openssl rand -hex 16)");
    return std::array{*high, *low};
}

// "02:00:00:00:00:01", of one station.
Result<LinkAddress> parse_link_address(std::string_view text)
{
    const auto wrong = [&] {
        return malformed(
            fmt::format("'{}' is no link address of one station: write 02:00:00:00:00:01", text.substr(0, 40)));
    };
    LinkAddress address{};
    if (text.size() != 17) return wrong();
    for (std::size_t i = 0; i < address.size(); ++i) {
        const auto byte = parse_hex(text.substr(i * 3, 2));
        if (!byte || (i < 5 && text[i * 3 + 2] != ':')) return wrong();
        address.at(i) = static_cast<std::uint8_t>(*byte);
    }
    if (address == LinkAddress{} || address[0] & 1) return wrong();
    return address;
}

// "127.0.0.1:9464", "[::1]:9464".
Result<LbListen> parse_listen(std::string_view text)
{
    const std::size_t colon = text.rfind(':');
    const auto wrong = [&] {
        return malformed(
            fmt::format("'{}' is no address with a port: write 127.0.0.1:9464 or [::1]:9464", text.substr(0, 64)));
    };
    if (colon == std::string_view::npos) return wrong();
    std::string_view host = text.substr(0, colon);
    const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (brackets) host = host.substr(1, host.size() - 2);
    const auto address = parse_prefix(host);
    const auto port = parse_number(text.substr(colon + 1), 1, 65535);
    if (!address || !port || host.find('/') != std::string_view::npos || address->ipv6 != brackets) return wrong();
    return LbListen{*address, static_cast<std::uint16_t>(*port)};
}

Result<LbMode> parse_mode(std::string_view text) { return word_to<LbMode>("mode", mode_words, text); }

class ConfigReader {
public:
    explicit ConfigReader(std::string_view file) : reader_(file) {}
    Result<LbConfig> config(const YamlNode& root);

private:
    Result<std::vector<std::string>> one_or_more(const YamlNode& node, std::string_view what) const;
    Result<std::uint64_t> number(const YamlNode& map, std::string_view key, std::uint64_t otherwise,
                                 std::uint64_t least, std::uint64_t most) const;
    Result<void> settings(const YamlNode& root);
    Result<void> sources(const YamlNode& node);
    Result<void> interfaces(const YamlNode& node);
    Result<void> announcement(const YamlNode& node);
    Result<void> nat(const YamlNode& node);
    Result<void> nat_addresses(const YamlNode& node);
    Result<void> nat_ports(const YamlNode& node);
    Result<void> has_ways(const YamlNode& node, const LbBackend& backend, LbMode mode) const;
    Result<LbBackend> backend(const YamlNode& node, LbMode mode) const;
    Result<void> in_one_way(const YamlNode& node, const LbPool& pool, const LbBackend& backend);
    Result<LbPool> pool(const std::string& name, const YamlNode& node);
    Result<void> vip(const YamlNode& node);
    Result<std::size_t> pool_named(const YamlNode& node) const;
    Result<void> add(const YamlNode& node, const LbVip& vip);
    Result<void> fits_vips(const YamlNode& node, std::size_t pool) const;

    YamlReader reader_;
    LbConfig config_;
    LbMode mode_ = LbMode::Ipip;            // of pools that name none
    std::map<std::string, unsigned> lines_; // of VIPs
    struct Way {
        std::string pool;
        LbMode mode;
        std::optional<LinkAddress> link;
        std::uint16_t port;
    };
    std::map<Prefix, Way> ways_; // to backends
};

Result<std::vector<std::string>> ConfigReader::one_or_more(const YamlNode& node, std::string_view what) const
{
    auto words =
        node.kind == YamlNode::Kind::List ? TRY(reader_.texts(node, what)) : std::vector{TRY(reader_.text(node, what))};
    if (words.empty()) return reader_.fail_at(node, fmt::format("{} is empty", what));
    return words;
}

Result<std::uint64_t> ConfigReader::number(const YamlNode& map, std::string_view key, std::uint64_t otherwise,
                                           std::uint64_t least, std::uint64_t most) const
{
    const YamlNode* node = map.find(key);
    if (!node) return otherwise;
    return reader_.read(*node, key, [&](std::string_view text) { return parse_number(text, least, most); });
}

Result<void> ConfigReader::sources(const YamlNode& node)
{
    const auto words = TRY(one_or_more(node, "source"));
    for (const std::string& word : words) {
        const auto prefix = parse_prefix(word);
        if (!prefix) return reader_.fail_at(node, prefix.error().what);
        if (!of_one_host(*prefix)) return reader_.fail_at(node, word + " is no address that a host can have");
        auto& source = prefix->ipv6 ? config_.source6 : config_.source4;
        if (source) return reader_.fail_at(node, "'source' holds one IPv4 and one IPv6 prefix at most");
        source = *prefix;
    }
    return {};
}

Result<void> ConfigReader::interfaces(const YamlNode& node)
{
    config_.interfaces = TRY(one_or_more(node, "interfaces"));
    for (std::size_t i = 0; i < config_.interfaces.size(); ++i) {
        const std::string& name = config_.interfaces[i];
        if (!is_interface_name(name)) return reader_.fail_at(node, fmt::format("'{}' is no interface's name", name));
        const auto rest = std::span(config_.interfaces).subspan(i + 1);
        if (std::ranges::find(rest, name) != rest.end())
            return reader_.fail_at(node, fmt::format("interface {} stands twice", name));
    }
    return {};
}

Result<void> ConfigReader::announcement(const YamlNode& node)
{
    LbAnnounce announce;
    TRY_VOID(reader_.only(node, announce_fields, "announcement"));
    const bool frr = node.find("frr") != nullptr;
    if (frr && node.find("file")) return reader_.fail_at(node, "'file' is for BIRD and 'frr' for FRR: one of them");
    if (frr) {
        announce.frr = static_cast<std::uint32_t>(TRY(number(node, "frr", 0, 1, ~0U)));
        announce.control = "/run/frr/bgpd.vty";
    } else {
        announce.file = TRY(reader_.text_field(node, "file"));
    }
    if (node.find("control")) announce.control = TRY(reader_.text_field(node, "control"));
    for (const std::string& path : {announce.file, announce.control})
        if (!path.empty() && !path.starts_with('/'))
            return reader_.fail_at(node, fmt::format("'{}' is no whole path", path));
    config_.announce = std::move(announce);
    return {};
}

Result<void> ConfigReader::nat_addresses(const YamlNode& node)
{
    auto& addresses = config_.nat->addresses;
    const auto words = TRY(one_or_more(node, "addresses"));
    for (const std::string& word : words) {
        const auto address = parse_address(word);
        if (!address) return reader_.fail_at(node, address.error().what);
        if (std::ranges::find(addresses, *address) != addresses.end())
            return reader_.fail_at(node, fmt::format("address {} stands twice", word));
        addresses.push_back(*address);
    }
    for (const bool ipv6 : {false, true})
        if (std::ranges::count(addresses, ipv6, &Prefix::ipv6) > LB_NAT_ADDRESSES_MOST)
            return reader_.fail_at(node, fmt::format("at most {} addresses of a family", +LB_NAT_ADDRESSES_MOST));
    return {};
}

// "1024-32767".
Result<void> ConfigReader::nat_ports(const YamlNode& node)
{
    const auto text = TRY(reader_.text(node, "ports"));
    const std::string_view words = text;
    const std::size_t dash = words.find('-');
    const auto first = parse_number(words.substr(0, dash), 1, 65535);
    const auto last = dash == std::string_view::npos ? first : parse_number(words.substr(dash + 1), 1, 65535);
    if (!first || !last || *first > *last)
        return reader_.fail_at(node, fmt::format("'{}' are no ports: write 1024-32767", words.substr(0, 40)));
    config_.nat->first = static_cast<std::uint16_t>(*first);
    config_.nat->last = static_cast<std::uint16_t>(*last);
    return {};
}

Result<void> ConfigReader::nat(const YamlNode& node)
{
    TRY_VOID(reader_.only(node, nat_fields, "nat"));
    LbNat& nat = config_.nat.emplace();
    const YamlNode* const addresses = TRY(reader_.need(node, "addresses"));
    TRY_VOID(nat_addresses(*addresses));
    if (const YamlNode* ports = node.find("ports")) TRY_VOID(nat_ports(*ports));
    for (const auto& [name, idle] : {std::pair{"tcp_idle", &nat.tcp_idle}, std::pair{"udp_idle", &nat.udp_idle}}) {
        const YamlNode* const given = node.find(name);
        if (!given) continue;
        *idle = TRY(reader_.read(*given, name, parse_duration));
        if (*idle < std::chrono::seconds(10) || *idle > std::chrono::hours(24 * 30))
            return reader_.fail_at(*given, fmt::format("{} is 10s to 30 days", name));
    }
    return {};
}

Result<void> ConfigReader::settings(const YamlNode& root)
{
    if (const YamlNode* node = root.find("mode")) mode_ = TRY(reader_.read(*node, "mode", parse_mode));
    const auto xdp = [](std::string_view text) { return find_word("xdp", xdp_words, text); };
    if (const YamlNode* node = root.find("xdp")) config_.generic = TRY(reader_.read(*node, "xdp", xdp)) == 1;
    if (const YamlNode* node = root.find("interfaces")) TRY_VOID(interfaces(*node));
    if (const YamlNode* source = root.find("source")) TRY_VOID(sources(*source));
    if (const YamlNode* node = root.find("nat")) TRY_VOID(nat(*node));
    if (const YamlNode* node = root.find("announce")) TRY_VOID(announcement(*node));
    if (const YamlNode* listen = root.find("listen"))
        config_.listen = TRY(reader_.read(*listen, "listen", parse_listen));
    config_.gue_port = static_cast<std::uint16_t>(TRY(number(root, "gue_port", config_.gue_port, 1, 65535)));
    config_.mtu = static_cast<std::uint32_t>(TRY(number(root, "mtu", config_.mtu, 576, 65535)));
    config_.quic_config = static_cast<std::uint8_t>(TRY(number(root, "quic_config", 0, 0, 6)));
    config_.icmp_rate = static_cast<std::uint32_t>(TRY(number(root, "icmp_rate", config_.icmp_rate, 0, 1'000'000)));
    if (const YamlNode* drain = root.find("drain")) {
        config_.drain = TRY(reader_.read(*drain, "drain", parse_duration));
        if (config_.drain > std::chrono::hours(24)) return reader_.fail_at(*drain, "drain is at most 24h");
    }
    if (const YamlNode* key = root.find("hash_key")) config_.hash_key = TRY(reader_.read(*key, "hash_key", parse_key));
    return {};
}

// Packets to it can have a source of its family.
Result<void> ConfigReader::has_ways(const YamlNode& node, const LbBackend& backend, LbMode mode) const
{
    const auto needs = [&](std::string_view where) {
        return reader_.fail_at(node,
                               fmt::format("backend {} needs an {} address to be sent to from: add one to '{}'",
                                           to_text(backend.address), backend.address.ipv6 ? "IPv6" : "IPv4", where));
    };
    if (encapsulates(mode) && (backend.address.ipv6 ? !config_.source6 : !config_.source4)) return needs("source");
    if (mode != LbMode::Nat) return {};
    if (!config_.nat) return reader_.fail_at(node, "mode nat needs 'nat: {addresses: [10.0.0.5]}', the balancer's own");
    if (std::ranges::find(config_.nat->addresses, backend.address.ipv6, &Prefix::ipv6) == config_.nat->addresses.end())
        return needs("addresses' of 'nat");
    if (std::ranges::find(config_.nat->addresses, backend.address) != config_.nat->addresses.end())
        return reader_.fail_at(node,
                               fmt::format("backend {} is one of the addresses of 'nat'", to_text(backend.address)));
    return {};
}

Result<LbBackend> ConfigReader::backend(const YamlNode& node, LbMode mode) const
{
    TRY_VOID(reader_.only(node, backend_fields, "backend"));
    LbBackend backend;
    backend.address = TRY(reader_.read_field(node, "address", parse_address));
    backend.weight = static_cast<std::uint32_t>(TRY(number(node, "weight", 1, 0, heaviest)));
    if (const YamlNode* link = node.find("mac")) {
        if (mode != LbMode::Layer2) return reader_.fail_at(*link, "mac is for backends of mode layer2");
        backend.link = TRY(reader_.read(*link, "mac", parse_link_address));
    }
    if (node.find("quic_id")) backend.quic_id = static_cast<std::uint16_t>(TRY(number(node, "quic_id", 0, 0, 65535)));
    if (const YamlNode* port = node.find("port")) {
        if (mode != LbMode::Nat)
            return reader_.fail_at(*port, "port is for backends of mode nat: all others get the packet as it is");
        backend.port = static_cast<std::uint16_t>(TRY(number(node, "port", 0, 1, 65535)));
    }
    TRY_VOID(has_ways(node, backend, mode));
    return backend;
}

// A backend has one number, and what is known of the way to it stands there.
Result<void> ConfigReader::in_one_way(const YamlNode& node, const LbPool& pool, const LbBackend& backend)
{
    const auto [way, is_new] = ways_.emplace(backend.address, Way{pool.name, pool.mode, backend.link, backend.port});
    const Way& known = way->second;
    if (is_new || (known.mode == pool.mode && known.link == backend.link && known.port == backend.port)) return {};
    return reader_.fail_at(node, fmt::format("backend {} has another mode, mac or port in pool '{}': a backend is "
                                             "reached in one way",
                                             to_text(backend.address), way->second.pool));
}

Result<LbPool> ConfigReader::pool(const std::string& name, const YamlNode& node)
{
    TRY_VOID(reader_.only(node, pool_fields, "pool"));
    LbPool pool;
    pool.name = name;
    pool.mode = mode_;
    if (const YamlNode* mode = node.find("mode")) pool.mode = TRY(reader_.read(*mode, "mode", parse_mode));
    if (const YamlNode* check = node.find("check")) pool.check = TRY(read_lb_check(reader_, *check));
    if (const YamlNode* start = node.find("slow_start")) {
        pool.slow_start = TRY(reader_.read(*start, "slow_start", parse_duration));
        if (pool.slow_start > std::chrono::hours(1)) return reader_.fail_at(*start, "slow_start is at most 1h");
        if (!pool.check)
            return reader_.fail_at(*start, "slow_start needs a 'check': nothing else tells when one comes back");
    }
    std::map<Prefix, unsigned> lines;
    const YamlNode* backends = TRY(reader_.need(node, "backends"));
    if (backends->kind != YamlNode::Kind::List || backends->items.empty())
        return reader_.fail_at(*backends, "backends are a list: '- address: 10.0.0.1'");
    if (backends->items.size() > LB_BACKENDS_MOST)
        return reader_.fail_at(*backends, fmt::format("at most {} backends in a pool", +LB_BACKENDS_MOST));
    std::map<std::uint16_t, unsigned> ids;
    for (const YamlNode& item : backends->items) {
        pool.backends.push_back(TRY(backend(item, pool.mode)));
        TRY_VOID(in_one_way(item, pool, pool.backends.back()));
        const Prefix& address = pool.backends.back().address;
        const auto id = pool.backends.back().quic_id;
        if (const auto found = id ? ids.find(*id) : ids.end(); found != ids.end())
            return reader_.fail_at(
                item, fmt::format("quic_id {} stands in this pool already, in line {}", *id, found->second));
        if (id) ids.emplace(*id, item.line);
        const auto [first, is_new] = lines.emplace(address, item.line);
        if (!is_new)
            return reader_.fail_at(item, fmt::format("backend {} stands in this pool already, in line {}: give that "
                                                     "one more weight",
                                                     to_text(address), first->second));
    }
    return pool;
}

Result<std::size_t> ConfigReader::pool_named(const YamlNode& node) const
{
    std::vector<std::string_view> names;
    for (const LbPool& pool : config_.pools)
        names.push_back(pool.name);
    return reader_.read_field(node, "pool", [&](std::string_view text) { return find_word("pool", names, text); });
}

Result<void> ConfigReader::add(const YamlNode& node, const LbVip& vip)
{
    const auto [first, is_new] = lines_.emplace(to_text(vip), node.line);
    if (!is_new)
        return reader_.fail_at(
            node, fmt::format("VIP {} stands already in line {}: remove one of them", first->first, first->second));
    if (config_.vips.size() >= LB_VIPS_MOST)
        return reader_.fail_at(node, fmt::format("at most {} VIPs", +LB_VIPS_MOST));
    config_.vips.push_back(vip);
    return {};
}

// One line may name several ports and both protocols.
Result<void> ConfigReader::vip(const YamlNode& node)
{
    TRY_VOID(reader_.only(node, vip_fields, "VIP"));
    LbVip vip;
    vip.address = TRY(reader_.read_field(node, "address", parse_address));
    vip.pool = TRY(pool_named(node));
    if (const YamlNode* affinity = node.find("affinity"))
        vip.affinity = TRY(reader_.read(*affinity, "affinity", [](std::string_view text) {
            return word_to<LbVip::Affinity>("affinity", affinity_words, text);
        }));
    const YamlNode* protocol = TRY(reader_.need(node, "protocol"));
    const YamlNode* port = TRY(reader_.need(node, "port"));
    const auto protocols = TRY(one_or_more(*protocol, "protocol"));
    const auto ports = TRY(one_or_more(*port, "port"));
    for (const std::string& protocol_text : protocols)
        for (const std::string& port_text : ports) {
            const auto word = find_word("protocol", protocol_words, protocol_text);
            if (!word) return reader_.fail_at(*protocol, word.error().what);
            const auto number = parse_number(port_text, 1, 65535);
            if (!number) return reader_.fail_at(*port, number.error().what);
            vip.protocol = *word == 0 ? 6 : 17;
            if (vip.affinity == LbVip::Affinity::Quic && vip.protocol != 17)
                return reader_.fail_at(*protocol, "affinity quic is for protocol udp alone");
            vip.port = static_cast<std::uint16_t>(*number);
            TRY_VOID(add(node, vip));
        }
    return {};
}

// What is sent to a backend with a VIP's address would come back to the balancer.
Result<void> ConfigReader::fits_vips(const YamlNode& node, std::size_t pool) const
{
    for (const LbBackend& backend : config_.pools[pool].backends)
        for (const LbVip& vip : config_.vips) {
            if (vip.address == backend.address)
                return reader_.fail_at(node, fmt::format("backend {} has the address of VIP {}: name the backend's "
                                                         "own address",
                                                         to_text(backend.address), to_text(vip)));
            if (config_.pools[pool].mode == LbMode::Nat && vip.pool == pool && vip.address.ipv6 != backend.address.ipv6)
                return reader_.fail_at(node, fmt::format("backend {} is of another family than VIP {}: mode nat does "
                                                         "not translate between IPv4 and IPv6",
                                                         to_text(backend.address), to_text(vip)));
        }
    return {};
}

Result<LbConfig> ConfigReader::config(const YamlNode& root)
{
    TRY_VOID(reader_.only(root, config_fields, "load balancer"));
    TRY_VOID(settings(root));
    const YamlNode* pools = TRY(reader_.need(root, "pools"));
    if (pools->kind != YamlNode::Kind::Map || pools->items.empty())
        return reader_.fail_at(*pools, "pools are written as name: {backends: [...]}");
    if (pools->items.size() > LB_POOLS_MOST)
        return reader_.fail_at(*pools, fmt::format("at most {} pools", +LB_POOLS_MOST));
    for (std::size_t i = 0; i < pools->items.size(); ++i)
        config_.pools.push_back(TRY(pool(pools->keys[i], pools->items[i])));
    const YamlNode* vips = TRY(reader_.need(root, "vips"));
    if (vips->kind != YamlNode::Kind::List || vips->items.empty())
        return reader_.fail_at(*vips, "vips are a list: '- {address: 192.0.2.1, port: 443, protocol: tcp, pool: web}'");
    for (const YamlNode& item : vips->items)
        TRY_VOID(vip(item));
    for (std::size_t i = 0; i < config_.pools.size(); ++i)
        TRY_VOID(fits_vips(pools->items[i], i));
    if (config_.nat)
        for (const LbVip& vip : config_.vips)
            if (std::ranges::find(config_.nat->addresses, vip.address) != config_.nat->addresses.end())
                return reader_.fail_at(*root.find("nat"),
                                       fmt::format("VIP {} is one of these addresses", to_text(vip)));
    return std::move(config_);
}

} // namespace

Result<LbConfig> parse_lb_config(std::string_view text, std::string_view file)
{
    const YamlNode root = TRY(parse_yaml(text, file));
    return ConfigReader(file).config(root);
}

} // namespace netwright::dataplane
