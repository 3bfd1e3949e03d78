// SPDX-License-Identifier: GPL-2.0-or-later
// Paths as people change them: two ways out, a larger MTU with and without somebody who carries it, and the connection
// one is logged in over.
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>

#include "support/program.h"

namespace fs = std::filesystem;
using support::must;

namespace {

// A host with two cables to a neighbour, who is the gateway on both.
class Host {
public:
    Host()
    {
        must("ip netns add " + here);
        must("ip netns add " + there);
        for (const char* end : {"a", "c"})
            must("ip -n " + here + " link add nw" + end + " type veth peer name nw" + static_cast<char>(end[0] + 1) +
                 " netns " + there);
        for (const char* line :
             {"link set lo up", "addr add 192.0.2.10/24 dev nwa", "addr add 198.51.100.10/24 dev nwc",
              "link set nwa up", "link set nwc up", "route add default via 192.0.2.1 metric 100",
              "route add default via 198.51.100.1 metric 200"})
            must("ip -n " + here + " " + line);
        for (const char* line : {"link set lo up", "addr add 192.0.2.1/24 dev nwb", "addr add 198.51.100.1/24 dev nwd",
                                 "link set nwb up", "link set nwd up"})
            must("ip -n " + there + " " + line);
        fs::create_directories(directory);
    }
    ~Host()
    {
        (void)run("recover");
        for (const std::string& name : {here, there})
            (void)support::run({"ip", "netns", "del", name});
        std::error_code ignored;
        fs::remove_all(directory, ignored);
    }
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

    support::Output run(const std::string& arguments, const std::string& environment = "") const
    {
        return support::run({"sh", "-c",
                             "ip netns exec " + here + " env -u SSH_CONNECTION " + environment + " " +
                                 NETWRIGHT_BINARY + " --state-dir " + (directory / "state").string() + " " + arguments +
                                 " </dev/null"});
    }
    std::string ip(const std::string& arguments) const { return must("ip -n " + here + " " + arguments); }

    const std::string here = "nw-test-" + std::to_string(::getpid()), there = here + "-b";
    const fs::path directory = fs::temp_directory_path() / here;
};

bool holds(const std::string& text, std::string_view words) { return text.find(words) != std::string::npos; }

constexpr const char* keep = " --yes --keep";

} // namespace

TEST_CASE("multihome lets answers leave where requests came in, and rolls back without a trace")
{
    const Host host;
    const std::string before = host.ip("rule show") + host.ip("route show table all");
    const auto wrong = host.run("multihome --show");
    CHECK(wrong.status == 1);
    CHECK_MESSAGE(holds(wrong.out, "WRONG leaves through nwa by 192.0.2.1"), wrong.out);
    const auto applied = host.run(std::string("multihome") + keep);
    REQUIRE_MESSAGE(applied.status == 0, applied.out);
    CHECK(holds(host.ip("route get 203.0.113.7 from 198.51.100.10"), "via 198.51.100.1 dev nwc"));
    CHECK(holds(host.ip("route get 203.0.113.7 from 192.0.2.10"), "via 192.0.2.1 dev nwa"));
    CHECK(host.run("multihome --show").status == 0);
    const auto again = host.run(std::string("multihome") + keep);
    CHECK_MESSAGE(holds(again.out, "Nothing to change"), again.out);
    REQUIRE(host.run("rollback").status == 0);
    CHECK(host.ip("rule show") + host.ip("route show table all") == before);
    CHECK(host.run("multihome --gateway nwc").status == 2);
}

TEST_CASE("multihome does the same for IPv6")
{
    const Host host;
    for (const char* line :
         {"addr add 2001:db8:a::10/64 dev nwa nodad", "addr add 2001:db8:c::10/64 dev nwc nodad",
          "-6 route add default via 2001:db8:a::1 metric 100", "-6 route add default via 2001:db8:c::1 metric 200"})
        must("ip -n " + host.here + " " + line);
    const auto all = [&] {
        return host.ip("-6 rule show") + host.ip("-6 route show table all type unicast") + host.ip("rule show");
    };
    const std::string before = all();
    const auto wrong = host.run("multihome --show");
    CHECK(wrong.status == 1);
    CHECK_MESSAGE(holds(wrong.out, "WRONG leaves through nwa by 2001:db8:a::1"), wrong.out);
    const auto applied = host.run(std::string("multihome") + keep);
    REQUIRE_MESSAGE(applied.status == 0, applied.out);
    CHECK(holds(host.ip("-6 route get 2001:db8:ffff::7 from 2001:db8:c::10"), "via 2001:db8:c::1 dev nwc"));
    CHECK(holds(host.ip("-6 route get 2001:db8:ffff::7 from 2001:db8:a::10"), "via 2001:db8:a::1 dev nwa"));
    CHECK(host.run("multihome --show").status == 0);
    REQUIRE(host.run("rollback").status == 0);
    CHECK(all() == before);
}

TEST_CASE("a larger MTU is kept if the gateway is heard at that size")
{
    const Host host;
    must("ip -n " + host.there + " link set nwb mtu 9000");
    const auto raised = host.run(std::string("set link/nwa/mtu 9000") + keep);
    REQUIRE_MESSAGE(raised.status == 0, raised.out);
    CHECK(holds(host.ip("link show nwa"), "mtu 9000"));
}

TEST_CASE("a larger MTU that nobody carries is taken back at once, unless routes through gateways keep theirs")
{
    const Host host;
    const auto refused = host.run(std::string("set link/nwa/mtu 9000") + keep);
    CHECK(refused.status == 1);
    CHECK_MESSAGE(holds(refused.out, "to 192.0.2.1 does not carry packets of 9000 bytes"), refused.out);
    CHECK(holds(refused.out, "everything was put back"));
    CHECK(holds(host.ip("link show nwa"), "mtu 1500"));

    const auto held = host.run(std::string("set link/nwa/mtu 9000 --no-probe --route-mtu") + keep);
    REQUIRE_MESSAGE(held.status == 0, held.out);
    CHECK(holds(host.ip("link show nwa"), "mtu 9000"));
    CHECK(holds(host.ip("route show default"), "via 192.0.2.1 dev nwa metric 100 mtu 1500"));
    REQUIRE(host.run("rollback").status == 0);
    CHECK(holds(host.ip("link show nwa"), "mtu 1500"));
    CHECK_FALSE(holds(host.ip("route show default"), "mtu"));
}

TEST_CASE("without anybody to ask a larger MTU is refused before anything is written")
{
    const Host host;
    must("ip -n " + host.there + " link set nwb down");
    const auto nobody = host.run(std::string("set link/nwa/mtu 9000") + keep);
    CHECK(nobody.status == 1);
    CHECK_MESSAGE(holds(nobody.out, "nobody beyond nwa answers"), nobody.out);
    const auto deaf = host.run(std::string("set link/nwa/mtu 9000 --probe 192.0.2.77") + keep);
    CHECK_MESSAGE(holds(deaf.out, "--probe 192.0.2.77: it does not answer"), deaf.out);
    CHECK(host.run(std::string("set link/nwa/mtu 1400") + keep).status == 0); // smaller asks nobody
}

TEST_CASE("what could cut the ssh connection needs a word, and a deadline")
{
    const Host host;
    const std::string ssh = "SSH_CONNECTION='192.0.2.1 51234 192.0.2.10 22'";
    const auto refused = host.run(std::string("set qdisc/nwa/root 'pfifo limit 50'") + keep, ssh);
    CHECK(refused.status == 1);
    CHECK_MESSAGE(holds(refused.out, "logged in from 192.0.2.1 through nwa"), refused.out);
    CHECK(holds(refused.out, "--allow-interrupt"));
    const auto forever = host.run(std::string("set qdisc/nwa/root 'pfifo limit 50' --allow-interrupt") + keep, ssh);
    CHECK(forever.status == 1);
    CHECK_MESSAGE(holds(forever.out, "needs a deadline"), forever.out);
    CHECK(host.run("set qdisc/nwa/root 'pfifo limit 50' --allow-interrupt --yes --confirm-within 30s", ssh).status ==
          0);
    CHECK(holds(must("ip netns exec " + host.here + " tc qdisc show dev nwa"), "pfifo"));
    CHECK(host.run("rollback", ssh).status == 0);
    CHECK(host.run(std::string("set qdisc/nwc/root 'pfifo limit 50'") + keep, ssh).status == 0); // another cable
    CHECK(host.run(std::string("set qdisc/nwa/root 'pfifo limit 50'") + keep).status == 0);      // no ssh
}
