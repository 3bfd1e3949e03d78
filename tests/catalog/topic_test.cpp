// SPDX-License-Identifier: GPL-2.0-or-later
#include "catalog/topic.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace netwright;
using catalog::Topic;

TEST_CASE("topics are sorted, say what they mean and who says so, and what they name exists")
{
    const auto all = catalog::topics();
    REQUIRE(all.size() > 450);
    for (std::size_t i = 0; i < all.size(); ++i) {
        CAPTURE(all[i].name);
        if (i > 0) CHECK(all[i - 1].name < all[i].name);
        CHECK(all[i].means.ends_with('.'));
        CHECK_FALSE(all[i].source.empty());
        CHECK_FALSE(all[i].where.empty());
        CHECK_FALSE(catalog::find(all[i].name)); // a name means one thing
        for (const std::string_view name : all[i].related) {
            CAPTURE(name);
            CHECK((catalog::find(name) != nullptr || catalog::find_topic(name) != nullptr));
            CHECK(name != all[i].name);
        }
    }
}

TEST_CASE("a counter is found by its full name, its own name, and without regard to case")
{
    for (const char* name : {"TcpExtListenOverflows", "ListenOverflows", "listenoverflows", "TCPEXTLISTENOVERFLOWS"}) {
        CAPTURE(name);
        const auto found = catalog::topics_named(name);
        REQUIRE(found.size() == 1);
        CHECK(found[0]->name == "TcpExtListenOverflows");
        CHECK(found[0]->harm == catalog::Harm::Harmful);
    }
    CHECK(catalog::topics_named("RcvbufErrors").size() == 2); // IPv4 and IPv6
    CHECK(catalog::topics_named("softnet_stat.3").front()->name == "softnet.time_squeeze");
    CHECK(catalog::topics_named("").empty());
    CHECK(catalog::topics_named("NoSuchCounter").empty());
}

TEST_CASE("a drop reason is found with and without the kernel's prefix")
{
    for (const char* name : {"NO_SOCKET", "SKB_DROP_REASON_NO_SOCKET", "no_socket"}) {
        CAPTURE(name);
        const auto found = catalog::topics_named(name);
        REQUIRE(found.size() == 1);
        CHECK(found[0]->kind == catalog::TopicKind::DropReason);
    }
    CHECK(catalog::find_topic("TCP_CSUM")->layer == "tcp");
    CHECK(catalog::find_topic("OTHERHOST")->harm == catalog::Harm::Harmless);
}

TEST_CASE("the words of drivers are explained by what they count")
{
    struct Row {
        const char *word, *topic;
    };
    for (const Row& row : {Row{"rx_out_of_buffer", "driver.no-buffer"}, Row{"rx0_drops", "driver.dropped"},
                           Row{"bw_in_allowance_exceeded", "driver.allowance"}, Row{"rx_crc_errors_phy", "driver.wire"},
                           Row{"rx_discards_phy", "driver.no-buffer"}, Row{"tx_queue_stopped", "driver.transmit-stop"},
                           Row{"rx_queue_3_packets", "driver.queue"}, Row{"rx_alloc_fail", "driver.allocation"},
                           Row{"tx_timeout_count", "driver.timeout"}, Row{"rx_prio3_pause", "driver.pause"},
                           Row{"rx_xdp_drop", "driver.xdp"}, Row{"XfrmInNoStates", "xfrm"},
                           Row{"port.rx_oversize", "driver.wire"}, Row{"hw_rx_csum_errors", "driver.checksum"}}) {
        CAPTURE(row.word);
        const auto found = catalog::topics_named(row.word);
        REQUIRE(found.size() == 1);
        CHECK(found[0]->name == row.topic);
    }
}
