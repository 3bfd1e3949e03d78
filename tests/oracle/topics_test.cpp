// SPDX-License-Identifier: GPL-2.0-or-later
// The catalogue's counters against the running kernel: what it counts can be explained.
#include "catalog/topic.h"
#include "host/collect.h"
#include "kernel/kernel.h"
#include "trace/drop_reasons.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace netwright;

namespace {

// One counter for each ICMP type number, as they come: IcmpMsgInType3, Icmp6OutType135.
bool is_by_number(std::string_view name) { return name.find("Type") != std::string_view::npos; }

// Statistics of protocols that few hosts use are left to their own tools.
bool is_left_out(std::string_view name) { return name.starts_with("Tls") || name.starts_with("Sctp"); }

} // namespace

TEST_CASE("every protocol counter of this kernel can be explained")
{
    const kernel::Kernel live = kernel::Kernel::live();
    const auto counters = host::collect_protocols(live);
    REQUIRE(counters);
    REQUIRE(counters->all().size() > 100);
    for (const NamedCounter& one : counters->all()) {
        if (is_by_number(one.name) || is_left_out(one.name)) continue;
        CAPTURE(one.name);
        CHECK_FALSE(catalog::topics_named(one.name).empty());
    }
}

TEST_CASE("every statistic that all interfaces have can be explained")
{
    const kernel::Kernel live = kernel::Kernel::live();
    const auto names = live.files.list("sys/class/net/lo/statistics");
    REQUIRE(names);
    for (const std::string& name : *names) {
        CAPTURE(name);
        if (name.ends_with("compressed")) continue; // of CSLIP and PPP
        CHECK_FALSE(catalog::topics_named("link." + name).empty());
    }
}

TEST_CASE("every drop reason of this kernel can be explained")
{
    const auto drops = trace::running_kernel_drops();
    if (!drops) {
        MESSAGE("skipped: " << drops.error().what);
        return;
    }
    unsigned known = 0;
    for (std::uint32_t reason = 2; reason < 256; ++reason) { // 0 and 1 are no drops
        const std::string name = drops->reasons.name(reason);
        if (name.starts_with("reason#") || name == "MAX") continue;
        CAPTURE(name);
        CHECK(catalog::find_topic(name) != nullptr);
        ++known;
    }
    CHECK(known > 50);
}
