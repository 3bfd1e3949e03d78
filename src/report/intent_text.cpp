// SPDX-License-Identifier: GPL-2.0-or-later
// An Intent in words.
#include "report/intent_text.h"

#include <fmt/format.h>

namespace netwright::report {
namespace {

std::string in_words(BitRate rate) { return to_text(rate); }
std::string in_words(Nanoseconds time) { return duration_text(time); }
std::string in_words(std::uint64_t number) { return fmt::format("{}", number); }
std::string in_words(double share) { return fmt::format("{:.3g} %", share * 100); }

template <class T>
void add(std::vector<IntentLine>& lines, std::string name, const std::optional<Answer<T>>& answer)
{
    if (answer) lines.push_back({std::move(name), in_words(answer->value), answer->given, answer->reason});
}

} // namespace

std::vector<IntentLine> intent_lines(const Intent& intent)
{
    std::vector<IntentLine> lines{{"workload", workloads_text(intent), intent.workload.given, intent.workload.reason}};
    add(lines, "bandwidth", intent.bandwidth);
    add(lines, "RTT", intent.rtt);
    add(lines, "connections", intent.connections);
    add(lines, "new connections/s", intent.connection_rate);
    add(lines, "loss", intent.loss);
    add(lines, "datagrams/s", intent.datagram_rate);
    add(lines, "longest pause", intent.stall);
    return lines;
}

std::string intent_sentence(const Intent& intent)
{
    std::string text;
    for (const IntentLine& line : intent_lines(intent)) {
        if (!text.empty()) text += ", ";
        if (line.name != "workload") text += line.name + ' ';
        text += line.value;
        if (!line.reason.empty()) text += fmt::format(" ({}{})", line.given ? "" : "inferred: ", line.reason);
    }
    return text;
}

} // namespace netwright::report
