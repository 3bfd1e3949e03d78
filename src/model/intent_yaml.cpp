// SPDX-License-Identifier: GPL-2.0-or-later
// Reading and writing what the host is for.
#include "model/intent_yaml.h"

#include "base/text.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace netwright {
namespace {

constexpr std::array<std::string_view, 10> fields{
    "workload", "bandwidth",     "rtt",   "connections", "connection_rate",
    "loss",     "datagram_rate", "stall", "risk",        "protect"};

// "0.1%" and "0.001" are equal.
Result<double> parse_share(std::string_view text)
{
    const bool percent = text.ends_with('%');
    const auto number = parse_double(trim(percent ? text.substr(0, text.size() - 1) : text));
    const double share = number ? (percent ? *number / 100 : *number) : -1;
    if (!std::isfinite(share) || share < 0 || share > 1)
        return fail(Error::Kind::Malformed, fmt::format("loss '{}': a share from 0 to 1 or from 0% to 100%", text));
    return share;
}

Result<std::uint64_t> parse_amount(std::string_view text)
{
    const auto number = parse_unsigned(text);
    if (!number) return fail(Error::Kind::Malformed, fmt::format("'{}': a whole number is expected", text));
    return *number;
}

// The largest unit that divides without a rest: exact, unlike to_text().
std::string exact(BitRate rate)
{
    constexpr std::array<std::pair<std::uint64_t, std::string_view>, 3> units{
        {{1'000'000'000, "Gbit"}, {1'000'000, "Mbit"}, {1'000, "kbit"}}};
    for (const auto& [factor, unit] : units)
        if (rate.bits_per_second % factor == 0) return fmt::format("{}{}", rate.bits_per_second / factor, unit);
    return fmt::format("{}bit", rate.bits_per_second);
}

std::string exact(Nanoseconds time)
{
    constexpr std::array<std::pair<std::int64_t, std::string_view>, 3> units{
        {{1'000'000'000, "s"}, {1'000'000, "ms"}, {1'000, "us"}}};
    for (const auto& [factor, unit] : units)
        if (time.count() % factor == 0) return fmt::format("{}{}", time.count() / factor, unit);
    return fmt::format("{}ns", time.count());
}

std::string exact(const std::vector<Workload>& all)
{
    std::string text;
    for (const Workload one : all)
        text += fmt::format("{}{}", text.empty() ? "" : ", ", to_text(one));
    return text;
}
std::string exact(std::uint64_t number) { return fmt::format("{}", number); }
std::string exact(double share) { return fmt::format("{}", share); } // shortest text that reads back equal

// How the two forms of a field are read: bare in netwright.yaml, with given and reason in a plan.
struct Bare {
    const YamlReader& reader;
    std::string_view file;
    template <class T, class Parse>
    Result<Answer<T>> operator()(const YamlNode& node, std::string_view name, Parse parse) const
    {
        return Answer<T>{TRY(reader.read(node, name, parse)), true, fmt::format("{} line {}", file, node.line)};
    }
};

struct WithReason {
    const YamlReader& reader;
    template <class T, class Parse>
    Result<Answer<T>> operator()(const YamlNode& node, std::string_view name, Parse parse) const
    {
        constexpr std::array<std::string_view, 3> parts{"value", "given", "reason"};
        TRY_VOID(reader.only(node, parts, name));
        Answer<T> answer;
        answer.value = TRY(reader.read_field(node, "value", parse));
        answer.given = TRY(reader.boolean_field(node, "given"));
        answer.reason = TRY(reader.text_field(node, "reason"));
        return answer;
    }
};

template <class T, class Form, class Parse>
Result<void> fill(const YamlNode& map, std::string_view name, const Form& form, Parse parse,
                  std::optional<Answer<T>>& answer)
{
    if (const YamlNode* node = map.find(name)) answer = TRY(form.template operator()<T>(*node, name, parse));
    return {};
}

template <class Form>
Result<Intent> read_intent(const YamlReader& reader, const YamlNode& map, const Form& form, std::string_view what)
{
    TRY_VOID(reader.only(map, fields, what));
    Intent intent;
    std::optional<Answer<std::vector<Workload>>> workload;
    TRY_VOID(fill(map, "workload", form, parse_workloads, workload));
    if (workload) {
        intent.workload = {workload->value.front(), workload->given, std::move(workload->reason)};
        intent.beside.assign(workload->value.begin() + 1, workload->value.end());
    }
    TRY_VOID(fill(map, "bandwidth", form, parse_bandwidth, intent.bandwidth));
    TRY_VOID(fill(map, "rtt", form, parse_round_trip, intent.rtt));
    TRY_VOID(fill(map, "connections", form, parse_amount, intent.connections));
    TRY_VOID(fill(map, "connection_rate", form, parse_amount, intent.connection_rate));
    TRY_VOID(fill(map, "loss", form, parse_share, intent.loss));
    TRY_VOID(fill(map, "datagram_rate", form, parse_amount, intent.datagram_rate));
    TRY_VOID(fill(map, "stall", form, parse_duration, intent.stall));
    if (const YamlNode* node = map.find("risk")) intent.welcome = TRY(reader.read(*node, "risk", parse_risk));
    if (const YamlNode* node = map.find("protect")) intent.protect = TRY(reader.texts(*node, "protect"));
    return intent;
}

template <class T>
std::string answer_line(std::string_view name, const Answer<T>& answer, const std::string& margin)
{
    return fmt::format("{0}{1}:\n{0}  value: {2}\n{0}  given: {3}\n{0}  reason: {4}\n", margin, name,
                       exact(answer.value), answer.given, yaml_prose(answer.reason, margin.size() + 2));
}

template <class T>
std::string answer_line(std::string_view name, const std::optional<Answer<T>>& answer, const std::string& margin)
{
    return answer ? answer_line(name, *answer, margin) : "";
}

template <class T>
std::string bare_line(std::string_view name, const std::optional<Answer<T>>& answer)
{
    if (!answer) return fmt::format("# {}: not known\n", name);
    if (answer->given) return fmt::format("{}: {}\n", name, exact(answer->value));
    std::string reason = answer->reason; // on one line, or it would leave the comment
    for (char& c : reason)
        if (static_cast<unsigned char>(c) < 0x20) c = ' ';
    return fmt::format("# {}: {} # {}\n", name, exact(answer->value), reason);
}

Answer<std::vector<Workload>> workload_answer(const Intent& intent)
{
    return {workloads(intent), intent.workload.given, intent.workload.reason};
}

std::string protect_line(const Intent& intent) { return fmt::format("protect: {}\n", yaml_list(intent.protect)); }

} // namespace

Result<Intent> intent_from_yaml(std::string_view text, std::string_view filename)
{
    const YamlNode root = TRY(parse_yaml(text, filename));
    if (root.kind == YamlNode::Kind::Null) return Intent{};
    const YamlReader reader(filename);
    return read_intent(reader, root, Bare{reader, filename}, "intent");
}

std::string to_yaml(const Intent& intent)
{
    return "# What this host is for. Lines that begin with # were inferred: remove the # to settle them.\n" +
           bare_line("workload", std::optional(workload_answer(intent))) + bare_line("bandwidth", intent.bandwidth) +
           bare_line("rtt", intent.rtt) + bare_line("connections", intent.connections) +
           bare_line("connection_rate", intent.connection_rate) + bare_line("loss", intent.loss) +
           bare_line("datagram_rate", intent.datagram_rate) + bare_line("stall", intent.stall) +
           fmt::format("risk: {}\n", to_text(intent.welcome)) + protect_line(intent);
}

Result<Intent> read_plan_intent(const YamlReader& reader, const YamlNode& node)
{
    return read_intent(reader, node, WithReason{reader}, "intent");
}

std::string write_plan_intent(const Intent& intent, std::size_t indent)
{
    const std::string margin(indent, ' ');
    return answer_line("workload", workload_answer(intent), margin) +
           answer_line("bandwidth", intent.bandwidth, margin) + answer_line("rtt", intent.rtt, margin) +
           answer_line("connections", intent.connections, margin) +
           answer_line("connection_rate", intent.connection_rate, margin) + answer_line("loss", intent.loss, margin) +
           answer_line("datagram_rate", intent.datagram_rate, margin) + answer_line("stall", intent.stall, margin) +
           fmt::format("{}risk: {}\n", margin, to_text(intent.welcome)) + margin + protect_line(intent);
}

} // namespace netwright
