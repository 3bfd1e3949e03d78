// SPDX-License-Identifier: GPL-2.0-or-later
// What stops working without connection tracking, read from rulesets.
#include "tunable/notrack_ruleset.h"

#include <doctest/doctest.h>

using namespace netwright;
using netwright::tunable::notrack_conflicts;

namespace {

constexpr std::string_view stateful = R"(table inet filter {
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		iif "lo" accept
		tcp dport 22 accept
		tcp dport { 80, 443 } ct state new accept
		udp dport 5000-5010 accept
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
	}
}
)";
constexpr std::string_view translating = R"(table ip nat {
	chain prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		iifname "eth0" tcp dport 8443 dnat to 10.0.0.5:443
		tcp dport 3128 redirect to :3129
	}
	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		oifname "eth0" masquerade
	}
}
)";

std::size_t conflicts(std::string_view ruleset, const char* protocol, std::uint16_t port)
{
    return notrack_conflicts(ruleset, NotrackPort{protocol, port}).size();
}

} // namespace

TEST_CASE("a port that is accepted only by its state would be cut off")
{
    CHECK(conflicts(stateful, "tcp", 80) == 1);
    CHECK(conflicts(stateful, "tcp", 443) == 1);
    CHECK(conflicts(stateful, "tcp", 8080) == 1);
    CHECK(conflicts(stateful, "tcp", 22) == 0);
    CHECK(conflicts(stateful, "udp", 5005) == 0);
    CHECK(conflicts(stateful, "udp", 53) == 1);
    CHECK(notrack_conflicts(stateful, NotrackPort{"tcp", 80})[0].find("chain input drops") == 0);
}

TEST_CASE("a port whose address is translated on the way in cannot go untracked")
{
    CHECK(conflicts(translating, "tcp", 8443) == 1);
    CHECK(conflicts(translating, "tcp", 3128) == 1);
    CHECK(conflicts(translating, "tcp", 80) == 0); // masquerading is for what this host or its guests start
    CHECK(conflicts(translating, "udp", 3128) == 0);
}

TEST_CASE("an open or empty ruleset has nothing against it, and a broken one no crash")
{
    CHECK(conflicts("", "tcp", 80) == 0);
    CHECK(conflicts("table inet t {\n chain c {\n type filter hook input priority 0; policy accept;\n ct state invalid "
                    "drop\n}\n}\n",
                    "tcp", 80) == 0);
    for (std::size_t cut = 0; cut < stateful.size(); cut += 7)
        (void)notrack_conflicts(stateful.substr(cut), NotrackPort{"tcp", 80});
}
