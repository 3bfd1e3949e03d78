// SPDX-License-Identifier: GPL-2.0-or-later
// Interrupts, CPUs and services over a tree that stands in for /proc, /sys and /etc.
#include "model/drop_in.h"
#include "tunable/tree.h"
#include "tunable/tunable_kind.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace netwright;
using netwright::test::Tree;

namespace {

Tunable at(std::string_view text) { return parse_tunable(text).value(); }

std::string shown(kernel::Kernel& kernel, std::string_view text)
{
    const auto value = tunable::read(kernel, at(text));
    if (!value) return std::string(to_text(value.error().kind));
    return *value ? to_text(**value) : "nothing";
}

Result<void> set(kernel::Kernel& kernel, std::string_view tunable, std::string_view value)
{
    const Tunable where = at(tunable);
    const Value to = TRY(parse_value(where, value));
    TRY_VOID(tunable::check(kernel, where, to));
    return tunable::write(kernel, where, to);
}

Error refusal(kernel::Kernel& kernel, std::string_view tunable, std::string_view value)
{
    const auto result = set(kernel, tunable, value);
    REQUIRE_FALSE(result);
    return result.error();
}

bool says(const Error& error, std::string_view words) { return error.what.find(words) != std::string::npos; }

class Machine : public Tree {
public:
    Machine()
    {
        for (const char* irq : {"38", "39", "40"})
            put(std::string("proc/irq/") + irq + "/smp_affinity_list", "0-3\n");
        put("proc/irq/default_smp_affinity", "f\n");
        put("sys/kernel/irq/38/actions", "eth0-TxRx-0\n");
        put("sys/kernel/irq/39/actions", "mlx5_comp0@pci:0000:03:00.0\n");
        put("sys/kernel/irq/40/actions", "eth0-TxRx-1\n");
        put("sys/kernel/irq/41/actions", "eth0-TxRx-1\n"); // a second of the name
        put("sys/kernel/irq/9/actions", "\n");
        for (const std::string cpu : {"0", "1"}) {
            const std::string room = "sys/devices/system/cpu/cpu" + cpu;
            put(room + "/cpufreq/scaling_governor", "powersave\n");
            put(room + "/cpufreq/scaling_available_governors", "performance powersave\n");
            put(room + "/cpufreq/affected_cpus", "0 1\n");
            put(room + "/cpuidle/state0/disable", "0\n");
            put(room + "/cpuidle/state1/disable", "1\n");
        }
        put("sys/devices/system/node/online", "0-1\n");
        put("proc/sys/fs/nr_open", "1048576\n");
        put("usr/lib/systemd/system/nginx.service", "[Service]\nExecStart=/usr/sbin/nginx\n");
        put("usr/lib/systemd/system/getty@.service", "[Service]\nExecStart=/sbin/agetty\n");
        put("usr/lib/systemd/system/irqbalance.service",
            "[Service]\nEnvironmentFile=-/etc/default/irqbalance\n"
            "ExecStart=/usr/sbin/irqbalance --foreground $IRQBALANCE_ARGS\n");
    }
};

constexpr const char* nginx_file = "etc/systemd/system/nginx.service.d/50-netwright.conf";

} // namespace

TEST_CASE("an interrupt's affinity is a list, by number or by name")
{
    Machine tree;
    kernel::Kernel kernel = tree.kernel();
    CHECK(shown(kernel, "irq/38/affinity") == "list:0-3");
    REQUIRE(set(kernel, "irq/38/affinity", "3"));
    CHECK(tree.text("proc/irq/38/smp_affinity_list") == "3\n");
    REQUIRE(set(kernel, "irq/eth0-TxRx-0/affinity", "mask:3"));
    CHECK(tree.text("proc/irq/38/smp_affinity_list") == "0-1\n");
    REQUIRE(set(kernel, "irq/mlx5_comp0@pci:0000:03:00.0/affinity", "1,3"));
    CHECK(shown(kernel, "irq/39/affinity") == "list:1,3");
}

TEST_CASE("interrupts that are absent, and names that are not unique, are refused")
{
    Machine tree;
    kernel::Kernel kernel = tree.kernel();
    CHECK(shown(kernel, "irq/99/affinity") == "absent");
    CHECK(shown(kernel, "irq/eth0-TxRx-7/affinity") == "absent");
    const Error twice = refusal(kernel, "irq/eth0-TxRx-1/affinity", "0");
    CHECK(twice.kind == Error::Kind::Rejected);
    CHECK(says(twice, "40 and 41"));
    CHECK(says(refusal(kernel, "irq/38/affinity", ""), "set of CPUs"));
    const Error offline = refusal(kernel, "irq/38/affinity", "2-5");
    CHECK(offline.kind == Error::Kind::Rejected);
    CHECK(says(offline, "CPU 4-5 is not online"));
}

TEST_CASE("governors are those the kernel has; idle states are on or off")
{
    Machine tree;
    kernel::Kernel kernel = tree.kernel();
    CHECK(shown(kernel, "cpu/0/governor") == "powersave");
    REQUIRE(set(kernel, "cpu/0/governor", "performance"));
    CHECK(tree.text("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") == "performance\n");
    CHECK(says(refusal(kernel, "cpu/0/governor", "turbo"), "performance powersave"));
    CHECK(tunable::also_changed_by(kernel, at("cpu/0/governor")) == std::vector<Tunable>{at("cpu/1/governor")});
    CHECK(tunable::also_changed_by(kernel, at("cpu/0/idle-state-1")).empty());

    CHECK(shown(kernel, "cpu/1/idle-state-0") == "on");
    CHECK(shown(kernel, "cpu/1/idle-state-1") == "off");
    REQUIRE(set(kernel, "cpu/1/idle-state-1", "on"));
    CHECK(tree.text("sys/devices/system/cpu/cpu1/cpuidle/state1/disable") == "0\n");
    CHECK(shown(kernel, "cpu/1/idle-state-2") == "absent");
    CHECK(shown(kernel, "cpu/7/governor") == "absent");
    CHECK(refusal(kernel, "cpu/7/idle-state-0", "off").kind == Error::Kind::Absent);
}

TEST_CASE("a service's settings live in a drop-in of our own that is gone when it is empty")
{
    Machine tree;
    const auto before = tree.everything();
    kernel::Kernel kernel = tree.kernel();
    CHECK(shown(kernel, "service/nginx.service/LimitNOFILE") == "nothing");
    REQUIRE(set(kernel, "service/nginx.service/LimitNOFILE", "65536"));
    REQUIRE(set(kernel, "service/nginx.service/CPUAffinity", "0-2"));
    REQUIRE(set(kernel, "service/nginx.service/NUMAPolicy", "bind"));
    REQUIRE(set(kernel, "service/nginx.service/NUMAMask", "1"));
    const std::string text = tree.text(nginx_file);
    CHECK(text.ends_with("[Service]\nCPUAffinity=0-2\nLimitNOFILE=65536\nNUMAMask=1\nNUMAPolicy=bind\n"));
    CHECK(shown(kernel, "service/nginx.service/CPUAffinity") == "list:0-2");
    CHECK(shown(kernel, "service/nginx.service/NUMAMask") == "list:1");

    REQUIRE(tunable::clear(kernel, at("service/nginx.service/LimitNOFILE")));
    CHECK(shown(kernel, "service/nginx.service/LimitNOFILE") == "nothing");
    for (const char* rest : {"CPUAffinity", "NUMAPolicy", "NUMAMask"})
        REQUIRE(tunable::clear(kernel, at(std::string("service/nginx.service/") + rest)));
    CHECK(tree.everything() == before);
    CHECK_FALSE(kernel.files.exists("etc/systemd/system/nginx.service.d"));
}

TEST_CASE("drop-ins of others stay where they are")
{
    Machine tree;
    tree.put("etc/systemd/system/nginx.service.d/override.conf", "[Service]\nLimitNOFILE=10\n");
    kernel::Kernel kernel = tree.kernel();
    CHECK(shown(kernel, "service/nginx.service/LimitNOFILE") == "nothing");
    REQUIRE(set(kernel, "service/nginx.service/LimitNOFILE", "1024:infinity"));
    CHECK(shown(kernel, "service/nginx.service/LimitNOFILE") == "1024:infinity");
    REQUIRE(tunable::clear(kernel, at("service/nginx.service/LimitNOFILE")));
    CHECK(tree.text("etc/systemd/system/nginx.service.d/override.conf") == "[Service]\nLimitNOFILE=10\n");
}

TEST_CASE("what would keep a service from starting is refused")
{
    Machine tree;
    kernel::Kernel kernel = tree.kernel();
    CHECK(says(refusal(kernel, "service/nginx.service/LimitNOFILE", "2000000"), "fs.nr_open, 1048576"));
    CHECK(says(refusal(kernel, "service/nginx.service/LimitNOFILE", "1024:2000000"), "fs.nr_open"));
    CHECK(says(refusal(kernel, "service/nginx.service/CPUAffinity", "0-9"), "CPU 4-9 is not online"));
    CHECK(says(refusal(kernel, "service/nginx.service/NUMAMask", "0-2"), "node 2 is not online"));
    for (const char* bad : {"many", "-1", "0", "1:2:3", "2048:1024", "12 34"})
        CHECK(refusal(kernel, "service/nginx.service/LimitNOFILE", bad).kind == Error::Kind::Malformed);
    CHECK(refusal(kernel, "service/nginx.service/NUMAPolicy", "best").kind == Error::Kind::Malformed);
    CHECK(refusal(kernel, "service/apache2.service/LimitNOFILE", "65536").kind == Error::Kind::Absent);
    REQUIRE(set(kernel, "service/getty@tty1.service/LimitNOFILE", "2048")); // from a template
    CHECK_FALSE(kernel.files.exists(nginx_file));
}

TEST_CASE("interrupts are banned from irqbalance beside its own arguments")
{
    Machine tree;
    kernel::Kernel kernel = tree.kernel();
    REQUIRE(set(kernel, "service/irqbalance.service/BannedInterrupts", "40 38 40"));
    const std::string text = tree.text("etc/systemd/system/irqbalance.service.d/50-netwright.conf");
    CHECK(text.ends_with("[Service]\n# BannedInterrupts=38 40\nExecStart=\n"
                         "ExecStart=/usr/sbin/irqbalance --foreground $IRQBALANCE_ARGS --banirq=38 --banirq=40\n"));
    CHECK(shown(kernel, "service/irqbalance.service/BannedInterrupts") == "38 40");
    REQUIRE(set(kernel, "service/irqbalance.service/CPUAffinity", "0"));
    CHECK(shown(kernel, "service/irqbalance.service/BannedInterrupts") == "38 40");
    REQUIRE(tunable::clear(kernel, at("service/irqbalance.service/BannedInterrupts")));
    CHECK(shown(kernel, "service/irqbalance.service/CPUAffinity") == "list:0");
    CHECK_FALSE(parse_tunable("service/nginx.service/BannedInterrupts"));

    tree.put("usr/lib/systemd/system/irqbalance.service", "[Service]\nType=oneshot\n");
    CHECK(refusal(kernel, "service/irqbalance.service/BannedInterrupts", "38").kind == Error::Kind::Unsupported);
}

TEST_CASE("interrupts, CPUs and our drop-ins are listed with their values")
{
    Machine tree;
    kernel::Kernel kernel = tree.kernel();
    REQUIRE(set(kernel, "service/nginx.service/LimitNOFILE", "65536"));
    tree.put("etc/systemd/system/nginx.service.d/override.conf", "[Service]\nLimitCORE=0\n");
    const auto all = tunable::list(kernel);
    REQUIRE(all);
    for (const char* expected : {"irq/38/affinity", "irq/40/affinity", "cpu/0/governor", "cpu/1/idle-state-1",
                                 "service/nginx.service/LimitNOFILE"}) {
        CAPTURE(expected);
        CHECK(std::ranges::find(*all, at(expected)) != all->end());
    }
    CHECK(std::ranges::none_of(*all,
                               [](const Tunable& one) { return to_text(one).find("LimitCORE") != std::string::npos; }));
}

TEST_CASE("the way back is a line of shell that a person can run")
{
    const Value cpus = CpuSet::parse_list("0-1").value();
    CHECK(tunable::undo_command(at("irq/38/affinity"), cpus) == "echo '0-1' > /proc/irq/38/smp_affinity_list");
    CHECK(tunable::undo_command(at("cpu/0/idle-state-2"), Value(std::string("on"))) ==
          "echo '0' > /sys/devices/system/cpu/cpu0/cpuidle/state2/disable");
    CHECK(tunable::undo_command(at("service/nginx.service/LimitNOFILE"), std::nullopt) ==
          "sed -i '/^LimitNOFILE=/d' '/etc/systemd/system/nginx.service.d/50-netwright.conf'");
    CHECK(tunable::undo_command(at("nic/eth0/rss/fields-udp4"), Value(std::string("sd"))) ==
          "ethtool -N 'eth0' rx-flow-hash udp4 sd");
    CHECK(tunable::undo_command(at("nic/eth0/rss/indirection"), Value(std::string("equal 4"))) ==
          "ethtool -X 'eth0' equal 4");
    CHECK(tunable::undo_command(at("nic/eth0/ntuple/3"), std::nullopt) == "ethtool -N 'eth0' delete 3");
}

TEST_CASE("addresses of these kinds name nothing outside their kind")
{
    for (const char* text : {"irq//affinity",
                             "irq/../affinity",
                             "irq/38/../affinity",
                             "irq/038/affinity",
                             "irq/38",
                             "irq/38/smp_affinity",
                             "cpu/x/governor",
                             "cpu/01/governor",
                             "cpu/0/../governor",
                             "cpu/0/idle-state-",
                             "cpu/0/idle-state-12",
                             "cpu/9999/governor",
                             "service/nginx/LimitNOFILE",
                             "service/../x.service/LimitNOFILE",
                             "service/a b.service/LimitNOFILE",
                             "service/nginx.service/ExecStart",
                             "service/.service/LimitNOFILE",
                             "service/..service/LimitNOFILE",
                             "nic/eth0/ntuple/x",
                             "nic/eth0/ntuple/01",
                             "nic/eth0/ntuple/-1",
                             "nic/eth0/rss/table",
                             "nic/eth0/rss/fields-arp"}) {
        CAPTURE(text);
        const auto tunable = parse_tunable(text);
        REQUIRE_FALSE(tunable);
        CHECK(tunable.error().kind == Error::Kind::Rejected);
    }
}

TEST_CASE("our drop-in reads back, comments of people are not settings")
{
    CHECK(parse_drop_in("[Service]\nLimitNOFILE=5\n# LimitCPU=3\n# BannedInterrupts=1 2\nExecStart=\nExecStart=/x\n") ==
          DropInSettings{{"LimitNOFILE", "5"}, {"BannedInterrupts", "1 2"}});
    CHECK(parse_drop_in("").empty());
}
