// SPDX-License-Identifier: GPL-2.0-or-later
// What collect_qdiscs says equals what tc says.
#include "base/fd.h"
#include "host/collect.h"
#include "host/growth.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <algorithm>

#include "support/netns.h"
#include "support/program.h"

using namespace netwright;
using support::must, support::must_json, support::Netns;

namespace {

std::string parent_of(const nlohmann::json& told)
{
    return told.value("root", false) ? "root" : told.value("parent", "missing");
}

const Qdisc* find(const std::vector<Qdisc>& qdiscs, const nlohmann::json& told)
{
    const auto word = [&](const char* key) { return told.value(key, std::string()); };
    const auto found = std::ranges::find_if(qdiscs, [&](const Qdisc& qdisc) {
        const bool ingress = qdisc.parent == "ingress" && parent_of(told) == "ffff:fff1";
        return qdisc.nic == word("dev") && qdisc.kind == word("kind") && qdisc.handle == word("handle") &&
               (ingress || qdisc.parent == parent_of(told));
    });
    return found == qdiscs.end() ? nullptr : &*found;
}

// `still`: nothing sends in between, so that counters must agree exactly.
void compare_with_tc(const std::vector<Qdisc>& qdiscs, bool still)
{
    const auto all = must_json("tc -j -s qdisc");
    REQUIRE(all.size() == qdiscs.size());
    for (const auto& told : all) {
        CAPTURE(told.dump());
        const Qdisc* const qdisc = find(qdiscs, told);
        REQUIRE(qdisc);
        const auto agrees = [&](const Counter& counter, const char* name) {
            const auto value = told[name].get<std::uint64_t>();
            return still ? counter.total == value : counter.total <= value;
        };
        CHECK(agrees(qdisc->bytes, "bytes"));
        CHECK(agrees(qdisc->packets, "packets"));
        CHECK(agrees(qdisc->drops, "drops"));
        CHECK(agrees(qdisc->overlimits, "overlimits"));
        CHECK(agrees(qdisc->requeues, "requeues"));
        if (!still) continue;
        CHECK(qdisc->queued_packets == told["qlen"].get<std::uint32_t>());
        CHECK(qdisc->backlog_bytes == told["backlog"].get<std::uint64_t>());
    }
}

void send_datagrams(int count)
{
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(9);
    to.sin_addr.s_addr = htonl(0x0a010002); // 10.1.0.2
    const char data[1000]{};
    for (int i = 0; i < count; ++i)
        (void)::sendto(socket.get(), data, sizeof data, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
}

void build_qdiscs()
{
    must("ip link add w0 numtxqueues 4 type veth peer name w1");
    for (const char* line : {"ip link set lo up", "ip link set w0 up", "ip link set w1 up",
                             "ip addr add 10.1.0.1/24 dev w0", "ip neigh add 10.1.0.2 lladdr 02:00:00:00:00:02 dev w0",
                             "tc qdisc replace dev w1 root handle 1: htb default 10",
                             "tc class add dev w1 parent 1: classid 1:10 htb rate 1mbit",
                             "tc qdisc add dev w1 parent 1:10 handle a0: pfifo limit 7",
                             "tc qdisc replace dev w0 root handle 5: tbf rate 64kbit burst 2000 limit 3000"})
        must(line);
}

} // namespace

TEST_CASE("qdiscs of a namespace are what tc says, drops and backlog included" * doctest::skip(!support::is_root()))
{
    const Netns netns;
    build_qdiscs();
    auto kernel = netns.kernel();
    const auto before = host::collect_qdiscs(kernel);
    REQUIRE(before);
    send_datagrams(30); // nobody answers
    // 64 kbit/s empties 3000 bytes in 0.4 s.
    for (int i = 0; i < 40; ++i) {
        ::usleep(100'000);
        const auto now = host::collect_qdiscs(kernel);
        REQUIRE(now);
        if (std::ranges::all_of(*now, [](const Qdisc& qdisc) { return qdisc.queued_packets == 0; })) break;
    }
    auto qdiscs = host::collect_qdiscs(kernel);
    REQUIRE(qdiscs);
    compare_with_tc(*qdiscs, true);
    host::grow_since(*qdiscs, *before);
    const auto tbf = std::ranges::find(*qdiscs, "tbf", &Qdisc::kind);
    REQUIRE(tbf != qdiscs->end());
    CHECK(tbf->drops.growth > 0);
    CHECK(tbf->drops.growth <= tbf->drops.total);
}

TEST_CASE("what fq and fq_codel count beside is what tc says" * doctest::skip(!support::is_root()))
{
    const Netns netns;
    for (const char* line : {"ip link add w0 type veth peer name w1", "ip link add w2 type veth peer name w3",
                             "ip link set w0 up", "ip link set w1 up", "ip addr add 10.1.0.1/24 dev w0",
                             "ip neigh add 10.1.0.2 lladdr 02:00:00:00:00:02 dev w0"})
        must(line);
    // One flow may queue two packets: the rest of a burst that fq holds back is dropped and counted.
    const bool fq =
        support::run(support::words("tc qdisc replace dev w0 root fq flow_limit 2 maxrate 64kbit")).status == 0;
    const bool codel = support::run(support::words("tc qdisc replace dev w2 root fq_codel")).status == 0;
    if (!fq || !codel) MESSAGE("skipped: this kernel lacks fq or fq_codel");
    send_datagrams(60);
    auto kernel = netns.kernel();
    const auto qdiscs = host::collect_qdiscs(kernel);
    REQUIRE(qdiscs);
    std::size_t compared = 0;
    for (const auto& told : must_json("tc -j -s qdisc")) {
        const Qdisc* const qdisc = find(*qdiscs, told);
        REQUIRE(qdisc);
        REQUIRE(qdisc->details);
        for (const NamedCounter& counter : qdisc->details->all()) {
            CAPTURE(counter.name);
            const auto value = told.find(counter.name); // tc leaves out many that are 0
            // Timers go on between the two questions.
            if (counter.name == "throttled" || counter.name == "gc") continue;
            CHECK(counter.counter.total == (value == told.end() ? 0 : value->get<std::uint64_t>()));
            ++compared;
        }
    }
    if (fq && codel) CHECK(compared >= 12);
    const auto held_back = std::ranges::find(*qdiscs, "fq", &Qdisc::kind);
    if (fq) CHECK(held_back->details->at("flows_plimit")->total > 0);
}

TEST_CASE("the ingress side is a qdisc too" * doctest::skip(!support::is_root()))
{
    const Netns netns;
    must("ip link add w0 type veth peer name w1");
    if (support::run(support::words("tc qdisc add dev w0 clsact")).status != 0) return; // not in this kernel
    auto kernel = netns.kernel();
    const auto qdiscs = host::collect_qdiscs(kernel);
    REQUIRE(qdiscs);
    compare_with_tc(*qdiscs, true);
}

TEST_CASE("qdiscs of this host are what tc says")
{
    auto kernel = kernel::Kernel::live();
    const auto qdiscs = host::collect_qdiscs(kernel);
    REQUIRE(qdiscs);
    compare_with_tc(*qdiscs, false);
}
