// SPDX-License-Identifier: GPL-2.0-or-later
// Reading a steering policy. Every error is one line with file, line and column.
#include "base/text.h"
#include "dataplane/steer_policy.h"
#include "dataplane/xdp_link.h"
#include "model/words.h"
#include "model/yaml_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace netwright::dataplane {
namespace {

constexpr std::array<std::string_view, 3> policy_fields{"interfaces", "hook", "classes"};
constexpr std::array<std::string_view, 14> class_fields{"name",    "direction", "family",   "protocol", "from",
                                                        "to",      "from_port", "to_port",  "dscp",     "cgroup",
                                                        "payload", "set",       "redirect", "limit"};
constexpr std::array<std::string_view, 3> payload_fields{"at", "text", "hex"};
constexpr std::array<std::string_view, 4> set_fields{"priority", "mark", "queue", "dscp"};
constexpr std::array<std::string_view, 2> redirect_fields{"to", "as"};
constexpr std::array<std::string_view, 2> limit_fields{"rate", "burst"};
constexpr std::array<std::string_view, 3> hook_words{"auto", "tcx", "clsact"};
constexpr std::array<std::string_view, 2> side_words{"ingress", "egress"};
constexpr std::array<std::string_view, 4> way_words{"frame", "neighbour", "ingress", "peer"};
constexpr std::array ways{STEER_FRAME, STEER_NEIGHBOUR, STEER_INGRESS, STEER_PEER};
constexpr std::size_t names_length = 47;
constexpr std::uint32_t farthest_payload = 1400; // within the first segment of a packet of any usual MTU

std::unexpected<Error> malformed(std::string text) { return fail(Error::Kind::Malformed, std::move(text)); }

Result<std::uint32_t> parse_word32(std::string_view text)
{
    const auto number = text.starts_with("0x") ? parse_hex(text.substr(2)) : parse_unsigned(text);
    if (!number || *number > 0xffffffff)
        return malformed(fmt::format("'{}' is no number from 0 to 0xffffffff", text.substr(0, 40)));
    return static_cast<std::uint32_t>(*number);
}

// "6", or a class of tc's as tc writes it: "1:10", both hexadecimal.
Result<std::uint32_t> parse_priority(std::string_view text)
{
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return parse_word32(text);
    const auto major = parse_hex(text.substr(0, colon)), minor = parse_hex(text.substr(colon + 1));
    if (!major || !minor || *major > 0xffff || *minor > 0xffff)
        return malformed(fmt::format("'{}' is no class of tc's: write 1:10 (hexadecimal)", text.substr(0, 40)));
    return static_cast<std::uint32_t>(*major << 16 | *minor);
}

// "0x10", "0x10/0xff"
Result<SteerMark> parse_mark(std::string_view text)
{
    const std::size_t slash = text.find('/');
    SteerMark mark;
    mark.value = TRY(parse_word32(text.substr(0, slash)));
    if (slash != std::string_view::npos) mark.mask = TRY(parse_word32(text.substr(slash + 1)));
    if (mark.value & ~mark.mask)
        return malformed(fmt::format("'{}' sets bits that its mask leaves alone", text.substr(0, 40)));
    return mark;
}

Result<std::string> parse_bytes_hex(std::string_view text)
{
    std::string bytes;
    for (std::size_t at = 0; at < text.size(); at += 2) {
        const auto byte = parse_hex(text.substr(at, 2));
        if (!byte || at + 2 > text.size())
            return malformed(
                fmt::format("'{}' is no row of bytes: write two digits a byte, such as 160301", text.substr(0, 40)));
        bytes += static_cast<char>(*byte);
    }
    return bytes;
}

// A path below the root of the hierarchy. Nothing in it may lead out.
Result<std::string> parse_cgroup(std::string_view text)
{
    while (text.starts_with('/'))
        text.remove_prefix(1);
    while (text.ends_with('/'))
        text.remove_suffix(1);
    for (const std::string_view part : split(text, '/'))
        if (part == "." || part == ".." || (part.empty() && !text.empty()))
            return malformed(
                fmt::format("'{}' is no path of a cgroup: write system.slice/nginx.service", text.substr(0, 60)));
    const bool plain = std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) >= ' '; });
    if (!plain || text.size() > 1024)
        return malformed("a cgroup's path has at most 1024 characters, all of them plain");
    return std::string(text);
}

class SteerReader {
public:
    explicit SteerReader(std::string_view file) : reader_(file) {}
    Result<SteerPolicy> policy(const YamlNode& root);

private:
    template <class Parse>
    auto each(const YamlNode& map, std::string_view key, Parse parse) const
        -> Result<std::vector<typename decltype(parse(std::string_view{}))::value_type>>;
    template <class Parse>
    auto maybe(const YamlNode& map, std::string_view key, Parse parse) const
        -> Result<std::optional<typename decltype(parse(std::string_view{}))::value_type>>;
    Result<std::string> new_name(const YamlNode& node) const;
    Result<void> conditions(const YamlNode& node, SteerClass& made) const;
    Result<void> actions(const YamlNode& node, SteerClass& made) const;
    Result<SteerPayload> payload(const YamlNode& node) const;
    Result<SteerRedirect> redirect(const YamlNode& node) const;
    Result<SteerLimit> limit(const YamlNode& node) const;
    Result<void> agree(const YamlNode& node, const SteerClass& made) const;
    Result<void> goes_round(const YamlNode& node, const SteerClass& made) const;
    Result<SteerClass> one_class(const YamlNode& node) const;

    YamlReader reader_;
    SteerPolicy policy_;
};

// What `parse` makes of the field's text, or of each text of its list.
template <class Parse>
auto SteerReader::each(const YamlNode& map, std::string_view key, Parse parse) const
    -> Result<std::vector<typename decltype(parse(std::string_view{}))::value_type>>
{
    std::vector<typename decltype(parse(std::string_view{}))::value_type> found;
    const YamlNode* node = map.find(key);
    if (!node) return found;
    const auto words = node->kind == YamlNode::Kind::List ? TRY(reader_.texts(*node, key))
                                                          : std::vector{TRY(reader_.text(*node, key))};
    if (words.empty()) return reader_.fail_at(*node, fmt::format("{} is empty", key));
    for (const std::string& word : words) {
        auto value = parse(std::string_view{word});
        if (!value) return reader_.fail_at(*node, value.error().what);
        found.push_back(*std::move(value));
    }
    return found;
}

template <class Parse>
auto SteerReader::maybe(const YamlNode& map, std::string_view key, Parse parse) const
    -> Result<std::optional<typename decltype(parse(std::string_view{}))::value_type>>
{
    const YamlNode* node = map.find(key);
    if (!node) return std::nullopt;
    return TRY(reader_.read(*node, key, parse));
}

Result<std::string> SteerReader::new_name(const YamlNode& node) const
{
    const YamlNode* field = TRY(reader_.need(node, "name"));
    const std::string name = TRY(reader_.text(*field, "name"));
    const bool plain =
        std::ranges::all_of(name, [](char c) { return static_cast<unsigned char>(c) > ' ' && c != 0x7f; });
    if (name.empty() || name.size() > names_length || !plain)
        return reader_.fail_at(*field, fmt::format("a name has 1 to {} characters and no blanks", names_length));
    const auto same = std::ranges::find(policy_.classes, name, &SteerClass::name);
    if (same != policy_.classes.end())
        return reader_.fail_at(*field, fmt::format("'{}' is the name of the class in line {}", name, same->line));
    return name;
}

Result<SteerPayload> SteerReader::payload(const YamlNode& node) const
{
    TRY_VOID(reader_.only(node, payload_fields, "payload"));
    if ((node.find("text") != nullptr) == (node.find("hex") != nullptr))
        return reader_.fail_at(node, "a payload is given as text or as hex");
    SteerPayload payload;
    if (const YamlNode* text = node.find("text")) payload.bytes = TRY(reader_.text(*text, "text"));
    if (const YamlNode* hex = node.find("hex")) payload.bytes = TRY(reader_.read(*hex, "hex", parse_bytes_hex));
    if (payload.bytes.empty() || payload.bytes.size() > STEER_PAYLOAD)
        return reader_.fail_at(node, fmt::format("1 to {} bytes of a payload can be compared", +STEER_PAYLOAD));
    const auto at = TRY(maybe(node, "at", parse_word32));
    payload.at = at.value_or(0);
    if (payload.at > farthest_payload)
        return reader_.fail_at(*node.find("at"), fmt::format("'at' is at most {}", farthest_payload));
    return payload;
}

Result<void> SteerReader::conditions(const YamlNode& node, SteerClass& made) const
{
    const auto port = [](std::string_view text) { return parse_range(text, 65535); };
    const auto family = [](std::string_view text) -> Result<unsigned> {
        if (text != "4" && text != "6") return malformed("family is 4 or 6");
        return text == "4" ? 4 : 6;
    };
    made.family = TRY(maybe(node, "family", family));
    made.protocols = TRY(each(node, "protocol", parse_protocol));
    made.from = TRY(each(node, "from", parse_prefix));
    made.to = TRY(each(node, "to", parse_prefix));
    made.source_ports = TRY(each(node, "from_port", port));
    made.destination_ports = TRY(each(node, "to_port", port));
    for (const std::uint8_t dscp : TRY(each(node, "dscp", parse_dscp)))
        made.dscps.set(dscp);
    if (const YamlNode* cgroup = node.find("cgroup")) {
        made.cgroup = TRY(reader_.read(*cgroup, "cgroup", parse_cgroup));
        if (made.cgroup.empty()) made.cgroup.push_back('/');
    }
    if (const YamlNode* bytes = node.find("payload")) made.payload = TRY(payload(*bytes));
    return {};
}

Result<SteerRedirect> SteerReader::redirect(const YamlNode& node) const
{
    SteerRedirect redirect{STEER_FRAME, ""};
    if (node.kind == YamlNode::Kind::Map) {
        TRY_VOID(reader_.only(node, redirect_fields, "redirect"));
        redirect.interface = TRY(reader_.text_field(node, "to"));
        if (const YamlNode* as = node.find("as"))
            redirect.way = ways.at(
                TRY(reader_.read(*as, "as", [](std::string_view word) { return find_word("'as'", way_words, word); })));
    } else {
        redirect.interface = TRY(reader_.text(node, "redirect"));
    }
    if (!is_interface_name(redirect.interface))
        return reader_.fail_at(node, fmt::format("'{}' is no interface name", redirect.interface));
    return redirect;
}

Result<SteerLimit> SteerReader::limit(const YamlNode& node) const
{
    SteerLimit limit;
    if (node.kind == YamlNode::Kind::Map) {
        TRY_VOID(reader_.only(node, limit_fields, "limit"));
        limit.rate = TRY(reader_.read_field(node, "rate", parse_bit_rate));
    } else {
        limit.rate = TRY(reader_.read(node, "limit", parse_bit_rate));
    }
    const std::uint64_t second = limit.rate.bits_per_second / 8;
    if (second < 125 || second > 125'000'000'000) return reader_.fail_at(node, "a rate is 1kbit to 1000Gbit");
    // Ten milliseconds' worth, and one packet as large as any.
    limit.burst = Bytes{std::max<std::uint64_t>(second / 100, 65536)};
    if (const YamlNode* burst = node.find("burst")) limit.burst = TRY(reader_.read(*burst, "burst", parse_bytes));
    if (limit.burst.count > std::max<std::uint64_t>(second * 60, 65536))
        return reader_.fail_at(node, "a burst is at most a minute's worth of the rate, or 64K");
    return limit;
}

Result<void> SteerReader::actions(const YamlNode& node, SteerClass& made) const
{
    const auto queue = [](std::string_view text) -> Result<std::uint16_t> {
        const auto number = parse_unsigned(text);
        if (!number || *number > 4095) return malformed("a queue is 0 to 4095");
        return static_cast<std::uint16_t>(*number);
    };
    if (const YamlNode* set = node.find("set")) {
        TRY_VOID(reader_.only(*set, set_fields, "set"));
        made.priority = TRY(maybe(*set, "priority", parse_priority));
        made.mark = TRY(maybe(*set, "mark", parse_mark));
        made.queue = TRY(maybe(*set, "queue", queue));
        made.dscp = TRY(maybe(*set, "dscp", parse_dscp));
    }
    if (const YamlNode* way = node.find("redirect")) {
        made.redirect = TRY(redirect(*way));
        TRY_VOID(goes_round(*way, made));
    }
    if (const YamlNode* most = node.find("limit")) made.limit = TRY(limit(*most));
    return {};
}

// A redirected packet that meets the same class again would be redirected until the kernel gives it up.
Result<void> SteerReader::goes_round(const YamlNode& node, const SteerClass& made) const
{
    const bool ours = std::ranges::find(policy_.interfaces, made.redirect.interface) != policy_.interfaces.end();
    const bool comes_in = made.redirect.way == STEER_INGRESS || made.redirect.way == STEER_PEER;
    if (made.redirect.way == STEER_PEER && made.side == TcSide::Egress)
        return reader_.fail_at(node, "as: peer belongs to direction: ingress (bpf_redirect_peer works only there)");
    if (made.redirect.way == STEER_PEER || !ours || comes_in != (made.side == TcSide::Ingress)) return {};
    return reader_.fail_at(node, fmt::format("packets would come to this class again on {}, and go round for ever",
                                             made.redirect.interface));
}

// What cannot hold together is a mistake, not a class that stays empty.
Result<void> SteerReader::agree(const YamlNode& node, const SteerClass& made) const
{
    const bool has_ports = !made.protocols.empty() &&
                           std::ranges::all_of(made.protocols, [](std::uint8_t p) { return p == 6 || p == 17; });
    const auto of_family = [&](const std::vector<Prefix>& prefixes) {
        return prefixes.empty() || !made.family ||
               std::ranges::any_of(prefixes, [&](const Prefix& prefix) { return prefix.ipv6 == (made.family == 6U); });
    };
    if ((!made.source_ports.empty() || !made.destination_ports.empty()) && !made.protocols.empty() && !has_ports)
        return reader_.fail_at(node, "ports are looked at in TCP and UDP only");
    if (made.payload && !has_ports) return reader_.fail_at(node, "payload needs protocol: tcp, udp or both");
    if (made.side == TcSide::Ingress && !made.cgroup.empty())
        return reader_.fail_at(node, "cgroup belongs to direction: egress: a packet that comes in has no socket yet");
    if (made.side == TcSide::Ingress && made.queue)
        return reader_.fail_at(node, "queue belongs to direction: egress: on ingress the NIC has chosen already");
    if (!of_family(made.from) || !of_family(made.to))
        return reader_.fail_at(node, "no prefix of this class is of its family");
    return {};
}

Result<SteerClass> SteerReader::one_class(const YamlNode& node) const
{
    TRY_VOID(reader_.only(node, class_fields, "class"));
    SteerClass made;
    made.line = node.line;
    made.name = TRY(new_name(node));
    const auto side = TRY(
        maybe(node, "direction", [](std::string_view word) { return word_to<TcSide>("direction", side_words, word); }));
    made.side = side.value_or(TcSide::Egress);
    TRY_VOID(conditions(node, made));
    TRY_VOID(actions(node, made));
    TRY_VOID(agree(node, made));
    return made;
}

Result<SteerPolicy> SteerReader::policy(const YamlNode& root)
{
    TRY_VOID(reader_.only(root, policy_fields, "policy"));
    policy_.interfaces = TRY(reader_.texts_field(root, "interfaces"));
    for (auto name = policy_.interfaces.begin(); name != policy_.interfaces.end(); ++name) {
        if (!is_interface_name(*name)) return reader_.fail_at(root, fmt::format("'{}' is no interface name", *name));
        if (std::find(policy_.interfaces.begin(), name, *name) != name)
            return reader_.fail_at(root, fmt::format("'{}' stands twice in interfaces", *name));
    }
    if (policy_.interfaces.empty()) return reader_.fail_at(root, "name at least one interface");
    const auto hook = TRY(maybe(
        root, "hook", [](std::string_view word) { return word_to<SteerPolicy::Hook>("hook", hook_words, word); }));
    policy_.hook = hook.value_or(SteerPolicy::Hook::Auto);
    const YamlNode* classes = TRY(reader_.need(root, "classes"));
    if (classes->kind != YamlNode::Kind::List || classes->items.empty())
        return reader_.fail_at(*classes, "classes are a list: '- name: ...'");
    if (classes->items.size() > STEER_CLASSES)
        return reader_.fail_at(*classes, fmt::format("{} classes; at most {}", classes->items.size(), +STEER_CLASSES));
    for (const YamlNode& node : classes->items)
        policy_.classes.push_back(TRY(one_class(node)));
    return std::move(policy_);
}

} // namespace

bool SteerPolicy::uses(TcSide side) const
{
    return std::ranges::any_of(classes, [&](const SteerClass& one) { return one.side == side; });
}

Result<SteerPolicy> parse_steer_policy(std::string_view text, std::string_view file)
{
    const YamlNode root = TRY(parse_yaml(text, file));
    return SteerReader(file).policy(root);
}

} // namespace netwright::dataplane
