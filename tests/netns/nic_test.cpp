// SPDX-License-Identifier: GPL-2.0-or-later
// Settings of NICs and links, each set, compared with what ethtool and ip say, and rolled back, on devices that need no
// hardware: veth with four queues, and a tap.
#include "apply/restore.h"
#include "apply/transaction.h"
#include "host/nic_ethtool.h"
#include "tunable/tunable_kind.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>

#include "netns/private_namespace.h"
#include "support/by_ioctl.h"
#include "support/program.h"

using namespace netwright;
using namespace netwright::apply;
using namespace netwright::test;
using support::by_ioctl, support::nic_settings, support::told_by_both;
using support::must;

namespace {

// Two devices of a namespace, gone with this object.
struct Devices {
    Devices()
    {
        enter_private_namespace();
        must("ip link add nwa numtxqueues 4 numrxqueues 4 type veth peer name nwb numtxqueues 4 numrxqueues 4");
        must("ip tuntap add nwt mode tap");
    }
    Devices(const Devices&) = delete;
    Devices& operator=(const Devices&) = delete;
    ~Devices()
    {
        (void)support::run({"ip", "link", "del", "nwa"});
        (void)support::run({"ip", "link", "del", "nwt"});
    }
};

struct Case {
    const char *tunable, *value;
    const char* command; // that shows it
    const char* words;   // what it then says
};
const Case cases[] = {
    {"nic/nwa/offload/tso", "off", "ethtool -k nwa", "tx-tcp-segmentation: off"},
    {"nic/nwa/offload/rx-gro", "on", "ethtool -k nwa", "generic-receive-offload: on"},
    {"nic/nwa/offload/rx-checksum", "off", "ethtool -k nwa", "rx-checksumming: off"},
    {"nic/nwa/queues/rx", "3", "ethtool -l nwa", "Current hardware settings:\nRX:\t\t3"},
    {"nic/nwa/queues/tx", "2", "ethtool -l nwa", "TX:\t\t2"},
    {"nic/nwt/coalesce/rx-frames", "32", "ethtool -c nwt", "rx-frames: 32"},
    {"nic/nwt/speed", "1000/half", "ethtool nwt", "Speed: 1000Mb/s\n\tDuplex: Half"},
    {"link/nwa/mtu", "9000", "ip -d link show nwa", "mtu 9000 "},
    {"link/nwa/txqueuelen", "2000", "ip -d link show nwa", "qlen 2000"},
    {"link/nwa/gso_max_size", "32768", "ip -d link show nwa", "gso_max_size 32768 "},
    {"link/nwa/gso_max_segs", "100", "ip -d link show nwa", "gso_max_segs 100 "},
    {"link/nwa/gro_max_size", "131072", "ip -d link show nwa", "gro_max_size 131072 "},
};

const char* const silent_cases[][2] = {
    // no program of Debian 12 shows them
    {"link/nwa/gso_ipv4_max_size", "30000"},
    {"link/nwa/gro_ipv4_max_size", "131072"},
    {"link/nwa/gro_flush_timeout", "20000"},
    {"link/nwa/napi_defer_hard_irqs", "2"},
};

bool exists(kernel::Kernel& kernel, const char* tunable)
{
    const auto value = tunable::read(kernel, *parse_tunable(tunable));
    if (!value) MESSAGE("not on this kernel: " << value.error().what);
    return value.has_value();
}

Plan plan_of_all(kernel::Kernel& kernel)
{
    Plan plan;
    for (const Case& one : cases)
        if (exists(kernel, one.tunable)) plan.changes.push_back(change_to(kernel, one.tunable, one.value));
    for (const auto& [tunable, value] : silent_cases)
        if (exists(kernel, tunable)) plan.changes.push_back(change_to(kernel, tunable, value));
    return plan;
}

void set_all_and_roll_back(kernel::Kernel kernel)
{
    const TemporaryDirectory directory;
    const auto before = everything(kernel);
    const std::string ethtool_before = must("ethtool -k nwa") + must("ethtool -l nwa") + must("ethtool -c nwt");
    auto journal = Journal::open(directory.path() / "state", Access::Write);
    REQUIRE(journal);
    {
        auto transaction = Transaction::begin(kernel, *journal, plan_of_all(kernel), {.guard = Guard::None});
        REQUIRE_MESSAGE(transaction, (transaction ? "" : transaction.error().what));
        const auto applied = transaction->apply();
        REQUIRE_MESSAGE(applied, (applied ? "" : applied.error().what));
        for (const Case& one : cases) {
            CAPTURE(std::string(one.tunable));
            CHECK(must(one.command).find(one.words) != std::string::npos);
        }
        for (const auto& [tunable, value] : silent_cases)
            if (exists(kernel, tunable)) CHECK(shown(kernel, tunable) == value);
    } // not confirmed: rolled back
    CHECK(everything(kernel) == before);
    CHECK(must("ethtool -k nwa") + must("ethtool -l nwa") + must("ethtool -c nwt") == ethtool_before);
}

} // namespace

TEST_CASE("a transaction over every kind of NIC setting shows in ethtool and ip, and its rollback leaves no trace")
{
    const Devices devices;
    SUBCASE("over netlink") { set_all_and_roll_back(private_kernel()); }
    SUBCASE("over the ioctl") { set_all_and_roll_back(by_ioctl(private_kernel())); }
}

TEST_CASE("a kernel without ethtool netlink tells the same by ioctl")
{
    const Devices devices;
    must("ethtool -K nwa tso off");
    must("ethtool -L nwa rx 3");
    must("ethtool -s nwt speed 1000 duplex half");
    kernel::Kernel netlink = private_kernel(), ioctl = by_ioctl(private_kernel());
    const auto settings = nic_settings(netlink);
    CHECK(settings.size() > 40);
    CHECK(settings.at("nic/nwa/queues/rx") == "3");
    CHECK(settings.at("nic/nwa/offload/tx-tcp-segmentation") == "off");
    CHECK(settings.at("nic/nwt/speed") == "1000/half");
    CHECK(told_by_both(settings, nic_settings(ioctl)) == settings);

    std::vector<Nic> one(3), other(3);
    const char* const names[] = {"nwa", "nwt", "lo"};
    for (std::size_t i = 0; i < 3; ++i) {
        one[i].name = other[i].name = names[i];
        one[i].index = other[i].index = ::if_nametoindex(names[i]);
    }
    host::read_ethtool(*netlink.netlink, one);
    host::read_ethtool(*ioctl.netlink, other);
    for (std::size_t i = 0; i < 3; ++i) {
        CAPTURE(one[i].name);
        CHECK(one[i].features == other[i].features);
        CHECK(one[i].channels == other[i].channels);
        CHECK(one[i].rx_ring == other[i].rx_ring);
        CHECK(one[i].speed_mbit == other[i].speed_mbit);
        CHECK(one[i].duplex == other[i].duplex);
        CHECK(one[i].coalescing.has_value() == other[i].coalescing.has_value());
    }
}

TEST_CASE("what a device does not take is refused before anything is written, with its limit")
{
    const Devices devices;
    kernel::Kernel kernel = private_kernel();
    SUBCASE("over netlink") {}
    SUBCASE("over the ioctl") { kernel = by_ioctl(private_kernel()); }
    const auto refusal = [&](const char* text, const char* value) -> std::string {
        const Tunable tunable = *parse_tunable(text);
        const auto checked = tunable::check(kernel, tunable, *parse_value(tunable, value));
        return checked ? "taken" : checked.error().what;
    };
    CHECK(refusal("nic/nwa/queues/rx", "9") == "nic/nwa/queues/rx 9: this device takes at most 4");
    CHECK(refusal("nic/nwa/queues/rx", "0").find("no queue would be left") != std::string::npos);
    CHECK(refusal("nic/nwa/offload/loopback", "on").find("it is fixed, and") != std::string::npos);
    CHECK(refusal("nic/nwa/offload/no-such", "on").find("no feature of that name") != std::string::npos);
    CHECK(refusal("nic/nwa/ring/rx", "512").find("the driver of nwa has no") != std::string::npos);
    CHECK(refusal("nic/nwa/private-flag/x", "on").find("no private flags") != std::string::npos);
    CHECK(refusal("nic/nwa/vfs", "2").find("no SR-IOV device") != std::string::npos);
    CHECK(refusal("nic/nwa/vf-0/trust", "on").find("has no virtual functions") != std::string::npos);
    CHECK(refusal("nic/nwa/eee/enabled", "on").find("has no") != std::string::npos);
    CHECK(refusal("nic/nowhere/ring/rx", "512") == "there is no interface nowhere here (see: ip link)");
    CHECK(refusal("link/nwa/gso_max_size", "9999999").find("524280") != std::string::npos);
    CHECK(refusal("link/nwa/gro_max_size", "9999999").find("524280") != std::string::npos);
    CHECK(refusal("link/nwa/mtu", "1").find("68") != std::string::npos);
}

TEST_CASE("features that follow another are known before it is written, and come back with it")
{
    const Devices devices;
    kernel::Kernel kernel = private_kernel();
    const Tunable checksum = *parse_tunable("nic/nwa/offload/tx-checksum-ip-generic");
    const auto followers = tunable::also_changed_by(kernel, checksum);
    const Tunable segmentation = *parse_tunable("nic/nwa/offload/tso");
    CHECK(std::ranges::find(followers, segmentation) != followers.end());
    CHECK(std::ranges::find(followers, checksum) == followers.end());
    REQUIRE(shown(kernel, segmentation) == "on");
    REQUIRE(tunable::write(kernel, checksum, Value{std::string("off")}));
    CHECK(shown(kernel, segmentation) == "off");
    REQUIRE(tunable::write(kernel, checksum, Value{std::string("on")}));
    CHECK(shown(kernel, segmentation) == "on");
}

TEST_CASE("fewer queues: the steering of those that go is saved, and restored with them")
{
    const Devices devices;
    const TemporaryDirectory directory;
    kernel::Kernel kernel = private_kernel();
    must("ethtool -L nwa rx 4 tx 4");
    const Tunable last = *parse_tunable("queue/nwa/rx-3/rps_cpus");
    REQUIRE(tunable::write(kernel, last, *CpuSet::parse_list("0")));
    const auto before = everything(kernel);
    Plan plan;
    plan.changes = {change_to(kernel, "nic/nwa/queues/rx", "2")};
    auto journal = Journal::open(directory.path() / "state", Access::Write);
    REQUIRE(journal);
    {
        auto transaction = Transaction::begin(kernel, *journal, plan, {.guard = Guard::None});
        REQUIRE(transaction);
        REQUIRE(transaction->apply());
        CHECK(shown(kernel, last) == "absent");
    }
    CHECK(shown(kernel, last) == "list:0");
    CHECK(everything(kernel) == before);
}

TEST_CASE("the list holds each NIC setting once, with the value that reading it gives")
{
    const Devices devices;
    kernel::Kernel kernel = private_kernel();
    const auto all = tunable::list_values(kernel);
    REQUIRE(all);
    std::size_t compared = 0;
    for (const auto& [tunable, value] : *all) {
        if (interface_of(tunable).empty()) continue;
        CAPTURE(to_text(tunable));
        const auto alone = tunable::read(kernel, tunable);
        REQUIRE(alone);
        REQUIRE(value);
        CHECK(*alone == *value);
        CHECK((parse_tunable(to_text(tunable)) == Result<Tunable>(tunable)));
        ++compared;
    }
    CHECK(compared > 100);
}

TEST_CASE("the way back by hand is what sh, ip and ethtool take")
{
    const Devices devices;
    kernel::Kernel kernel = private_kernel();
    for (const Case& one : cases) {
        if (!exists(kernel, one.tunable)) continue;
        CAPTURE(std::string(one.tunable));
        const Tunable tunable = *parse_tunable(one.tunable);
        const auto from = tunable::read(kernel, tunable);
        REQUIRE(from);
        const std::string command = tunable::undo_command(tunable, *from);
        CAPTURE(command);
        REQUIRE(tunable::write(kernel, tunable, *parse_value(tunable, one.value)));
        CHECK(support::run({"sh", "-c", command}).status == 0);
        CHECK(tunable::same(tunable, tunable::read(kernel, tunable).value_or(std::nullopt), *from));
    }
}

TEST_CASE("what the boot finds lost, restore writes again; a device that has gone does not keep it from the rest")
{
    const Devices devices;
    const TemporaryDirectory directory;
    kernel::Kernel kernel = private_kernel();
    const auto state = directory.path() / "state", etc = directory.path() / "etc";
    auto journal = Journal::open(state, Access::Write);
    REQUIRE(journal);
    Plan plan;
    plan.changes = {change_to(kernel, "nic/nwa/queues/rx", "3"), change_to(kernel, "nic/nwt/coalesce/rx-frames", "16"),
                    change_to(kernel, "link/nwa/mtu", "4000")};
    auto transaction = Transaction::begin(kernel, *journal, plan, {.etc_dir = etc, .guard = Guard::None});
    REQUIRE(transaction);
    REQUIRE(transaction->apply());
    REQUIRE(transaction->keep());
    must("ethtool -L nwa rx 1"); // as after a reboot
    must("ip link set nwa mtu 1500");
    must("ip link del nwt");
    const auto restored = restore(kernel, state, etc);
    REQUIRE(restored);
    REQUIRE(restored->size() == 3);
    CHECK(shown(kernel, "nic/nwa/queues/rx") == "3");
    CHECK(shown(kernel, "link/nwa/mtu") == "4000");
    for (const StepReport& report : *restored) {
        const bool gone = interface_of(report.tunable) == "nwt";
        CHECK(report.outcome == (gone ? Outcome::Failed : Outcome::Restored));
        CHECK((report.note.find("no interface nwt") != std::string::npos) == gone);
    }
    const auto again = restore(kernel, state, etc);
    REQUIRE(again);
    for (const StepReport& report : *again)
        if (interface_of(report.tunable) == "nwa") CHECK(report.outcome == Outcome::AlreadyBack);
}

TEST_CASE("an interface that came up again gets its own values back, but not what an open transaction has set")
{
    const Devices devices;
    const TemporaryDirectory directory;
    kernel::Kernel kernel = private_kernel();
    const auto state = directory.path() / "state", etc = directory.path() / "etc";
    auto journal = Journal::open(state, Access::Write);
    REQUIRE(journal);
    const auto begin = [&](std::vector<Change> changes) {
        Plan plan;
        plan.changes = std::move(changes);
        auto transaction = Transaction::begin(kernel, *journal, plan, {.etc_dir = etc, .guard = Guard::None});
        REQUIRE(transaction);
        REQUIRE(transaction->apply());
        return *std::move(transaction);
    };
    auto kept = begin({change_to(kernel, "link/nwa/mtu", "4000"), change_to(kernel, "link/nwa/txqueuelen", "2000"),
                       change_to(kernel, "link/nwt/txqueuelen", "700")});
    REQUIRE(kept.keep());
    const auto open = begin({change_to(kernel, "link/nwa/mtu", "3000")});
    must("ip link set nwa txqueuelen 1000"); // as when a connection was taken down and up
    must("ip link set nwt txqueuelen 500");
    const auto restored = restore(kernel, state, etc, "nwa");
    REQUIRE(restored);
    REQUIRE(restored->size() == 1);
    CHECK(to_text(restored->front().tunable) == "link/nwa/txqueuelen");
    CHECK(shown(kernel, "link/nwa/txqueuelen") == "2000");
    CHECK(shown(kernel, "link/nwt/txqueuelen") == "500");
    CHECK(shown(kernel, "link/nwa/mtu") == "3000");
}
