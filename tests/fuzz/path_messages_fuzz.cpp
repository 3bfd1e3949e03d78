// SPDX-License-Identifier: GPL-2.0-or-later
// Fuzzes what reads routes, rules, addresses, qdisc options and MPTCP endpoints from the kernel, and rulesets from nft.
// The first byte says which.
#include "host/address.h"
#include "tunable/mptcp_endpoint.h"
#include "tunable/notrack_ruleset.h"
#include "tunable/qdisc_kind.h"
#include "tunable/route_message.h"
#include "tunable/rule_text.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

using namespace netwright;

namespace {

constexpr std::array<std::string_view, 5> kinds{"fq", "fq_codel", "cake", "tbf", "htb"};

void read_options(std::uint8_t which, std::span<const std::byte> bytes)
{
    const auto& kind = *tunable::find_qdisc_kind(kinds.at(which % kinds.size()));
    const auto spec = tunable::parse_qdisc_options(kind, bytes);
    (void)tunable::to_text(spec, {});
    kernel::Request request(0, 0);
    tunable::put_qdisc_options(request, spec, {});
}

// A message whose header says as much as there is.
void read_message(std::vector<std::byte> bytes)
{
    if (bytes.size() < sizeof(nlmsghdr)) return;
    const auto length = static_cast<std::uint32_t>(bytes.size());
    std::memcpy(bytes.data(), &length, sizeof length);
    const auto& message = *reinterpret_cast<const nlmsghdr*>(bytes.data());
    if (const auto route = tunable::parse_route_message(message)) (void)tunable::replace_request(*route);
    if (const auto rule = tunable::parse_rule_message(message)) (void)tunable::rule_request(RTM_NEWRULE, *rule, 5);
    (void)host::parse_address(message, [](std::uint32_t) { return std::string("eth0"); });
    if (const auto endpoint = tunable::parse_mptcp_endpoint(message)) (void)tunable::to_text(*endpoint);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 2) return 0;
    const auto bytes = std::as_bytes(std::span(data + 2, size - 2));
    const std::string_view text(reinterpret_cast<const char*>(data + 2), size - 2);
    switch (data[0] % 4) {
    case 0:
        read_options(data[1], bytes);
        break;
    case 1:
        (void)tunable::notrack_conflicts(text, NotrackPort{"tcp", 80});
        break;
    case 2:
        if (const auto spec = tunable::parse_qdisc(text)) (void)tunable::to_text(*spec, {});
        (void)tunable::parse_rule_text(text, data[1] % 2 == 1);
        (void)tunable::parse_mptcp_words({}, text);
        break;
    default:
        read_message({bytes.begin(), bytes.end()});
        break;
    }
    return 0;
}
