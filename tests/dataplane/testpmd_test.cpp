// SPDX-License-Identifier: GPL-2.0-or-later
// What dpdk-testpmd says, and what it is told.
#include "dataplane/testpmd.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace netwright;
using namespace netwright::dataplane;

namespace {

// Of 22.11, with two ports, as a terminal shows it.
constexpr const char* ending = "Telling cores to stop...\r\n"
                               "  ---------------------- Forward statistics for port 0  ----------------------\r\n"
                               "  RX-packets: 11             RX-dropped: 0             RX-total: 11\r\n"
                               "  TX-packets: 3              TX-dropped: 0             TX-total: 3\r\n"
                               "  ----------------------------------------------------------------------------\r\n"
                               "  +++++++++++++++ Accumulated forward statistics for all ports+++++++++++++++\r\n"
                               "  RX-packets: 1204           RX-dropped: 2             RX-total: 1206\r\n"
                               "  TX-packets: 1190           TX-dropped: 14            TX-total: 1204\r\n"
                               "  ++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++\r\n"
                               "Bye...\r\n";

bool has(const std::vector<std::string>& words, const std::string& word)
{
    return std::ranges::find(words, word) != words.end();
}

} // namespace

TEST_CASE("dpdk-testpmd's packets are those of all its ports together")
{
    const auto count = parse_testpmd(ending);
    REQUIRE(count);
    CHECK((*count == TestpmdCount{1204, 1190}));
}

TEST_CASE("output of dpdk-testpmd without its sums is malformed")
{
    for (const char* text : {"", "Accumulated forward statistics", "RX-packets: 4  TX-packets: 4\n",
                             "Accumulated forward statistics\n RX-packets: 4\n TX-packets: many\n",
                             "Accumulated forward statistics\n RX-packets: -4\n TX-packets: 4\n",
                             "Accumulated forward statistics\n RX-packets:"}) {
        CAPTURE(text);
        const auto count = parse_testpmd(text);
        REQUIRE_FALSE(count);
        CHECK(count.error().kind == Error::Kind::Malformed);
    }
}

TEST_CASE("why dpdk-testpmd ended is the first line that tells of an error")
{
    CHECK(testpmd_reason("EAL: Detected CPU lcores: 2\r\n"
                         "libbpf: Error in something\r\n"
                         "EAL: failed to parse device \"net_af_xdp0\"\r\n"
                         "EAL: Error - exiting with code: 1\r\n") == "EAL: failed to parse device \"net_af_xdp0\"");
    CHECK(testpmd_reason("one\ntwo\n\n") == "two");
    CHECK(testpmd_reason("") == "");
}

TEST_CASE("dpdk-testpmd takes software devices only, and forwards where there are two")
{
    TestpmdWork work{"net_af_xdp", {"a"}, "02:00:00:00:00:04", {0, 1}};
    const auto drops = testpmd_words(work);
    for (const char* word : {"--no-huge", "--no-pci", "--lcores=0@0,1@1", "--vdev=net_af_xdp0,iface=a,busy_budget=0",
                             "--forward-mode=rxonly"})
        CHECK_MESSAGE(has(drops, word), word);
    work.driver = "net_af_packet";
    work.interfaces.emplace_back("b");
    const auto forwards = testpmd_words(work);
    for (const char* word : {"--vdev=net_af_packet0,iface=a", "--vdev=net_af_packet1,iface=b", "--forward-mode=mac",
                             "--eth-peer=1,02:00:00:00:00:04"})
        CHECK_MESSAGE(has(forwards, word), word);
}
