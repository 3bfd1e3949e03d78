// SPDX-License-Identifier: GPL-2.0-or-later
// Steering and hashing against the real kernel: a tap with four queues in a namespace of its own. Interrupts, CPUs and
// services are the whole host's and are only looked at.
#include "apply/transaction.h"
#include "base/text.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "netns/private_namespace.h"

using namespace netwright;
using namespace netwright::apply;
using namespace netwright::test;

namespace {

// Each open file is a queue (Documentation/networking/tuntap.rst).
class Tap {
public:
    Tap(const char* name, unsigned queues)
    {
        for (unsigned i = 0; i < queues; ++i) {
            Fd queue(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
            REQUIRE_MESSAGE(queue, "this test needs /dev/net/tun");
            ifreq request{};
            std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
            request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_MULTI_QUEUE;
            REQUIRE(::ioctl(queue.get(), TUNSETIFF, &request) == 0);
            queues_.push_back(std::move(queue));
        }
    }

private:
    std::vector<Fd> queues_;
};

std::string sysfs(kernel::Kernel& kernel, const std::string& path)
{
    return kernel.files.read_line("sys/class/net/" + path).value_or("unreadable");
}

// The kernel pads masks with zeros to the number of CPUs it was built for.
std::string mask(kernel::Kernel& kernel, const std::string& path)
{
    const auto set = CpuSet::parse_mask(sysfs(kernel, path));
    return set ? set->list() : "no mask";
}

Plan plan_of(std::vector<Change> changes)
{
    Plan plan;
    plan.changes = std::move(changes);
    return plan;
}

} // namespace

TEST_CASE("RPS, RFS and XPS of every queue are set in one transaction and come back as they were")
{
    enter_private_namespace();
    const Tap tap("nwt0", 4);
    kernel::Kernel kernel = private_kernel();
    const auto before = everything(kernel);
    CHECK(before.contains("queue/nwt0/tx-3/xps_cpus"));
    CHECK(before.contains("queue/nwt0/tx-3/xps_rxqs"));

    TemporaryDirectory directory;
    auto journal = Journal::open(directory.path() / "state", Access::Write);
    REQUIRE(journal);
    const Plan plan = plan_of({change_to(kernel, "queue/nwt0/rx-0/rps_cpus", "mask:1"),
                               change_to(kernel, "queue/nwt0/rx-3/rps_flow_cnt", "4096"),
                               change_to(kernel, "queue/nwt0/tx-0/xps_cpus", "list:0"),
                               change_to(kernel, "queue/nwt0/tx-2/xps_rxqs", "list:1-2")});
    auto transaction =
        Transaction::begin(kernel, *journal, plan, {.etc_dir = directory.path() / "etc", .guard = Guard::None});
    REQUIRE_MESSAGE(transaction, transaction.error().what);
    const auto applied = transaction->apply();
    REQUIRE_MESSAGE(applied, applied.error().what);
    CHECK(mask(kernel, "nwt0/queues/rx-0/rps_cpus") == "0");
    CHECK(sysfs(kernel, "nwt0/queues/rx-3/rps_flow_cnt") == "4096");
    CHECK(mask(kernel, "nwt0/queues/tx-0/xps_cpus") == "0");
    CHECK(mask(kernel, "nwt0/queues/tx-2/xps_rxqs") == "1-2");
    REQUIRE(transaction->undo());
    CHECK(everything(kernel) == before);
}

TEST_CASE("queues and CPUs that are not there are refused before anything is written")
{
    enter_private_namespace();
    const Tap tap("nwt1", 2);
    kernel::Kernel kernel = private_kernel();
    const Tunable rxqs = *parse_tunable("queue/nwt1/tx-0/xps_rxqs");
    const auto refused = tunable::check(kernel, rxqs, *parse_value(rxqs, "list:0-2"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().what.contains("no receive queue rx-2"));
    const Tunable cpus = *parse_tunable("queue/nwt1/tx-0/xps_cpus");
    CHECK(tunable::check(kernel, cpus, *parse_value(cpus, "list:4000")).error().kind == Error::Kind::Rejected);
    CHECK(tunable::read(kernel, *parse_tunable("queue/nwt1/tx-2/xps_cpus")).error().kind == Error::Kind::Absent);
}

TEST_CASE("a device without hardware queues says that it has no hash, table or flow rules")
{
    enter_private_namespace();
    const Tap tap("nwt2", 2);
    kernel::Kernel kernel = private_kernel();
    for (const char* address :
         {"nic/nwt2/rss/indirection", "nic/nwt2/rss/key", "nic/nwt2/rss/fields-tcp4", "nic/nwt2/ntuple/0"}) {
        CAPTURE(address);
        const auto value = tunable::read(kernel, *parse_tunable(address));
        REQUIRE_FALSE(value);
        CHECK(value.error().kind == Error::Kind::Unsupported);
        CHECK(value.error().what.starts_with(address));
    }
    const auto gone = tunable::read(kernel, *parse_tunable("nic/nwt9/rss/key"));
    REQUIRE_FALSE(gone);
    CHECK(gone.error().kind == Error::Kind::Absent);
    const Tunable rule = *parse_tunable("nic/nwt2/ntuple/0");
    CHECK_FALSE(tunable::check(kernel, rule, Value(std::string("flow-type tcp4 dst-port 80 action 1"))));
}

TEST_CASE("what is the whole host's is looked at, but neither listed nor set from another namespace")
{
    enter_private_namespace();
    kernel::Kernel kernel = private_kernel();
    for (const auto& [address, value] : everything(kernel))
        CHECK_FALSE((address.starts_with("irq/") || address.starts_with("cpu/") || address.starts_with("service/")));
    const auto numbers = kernel.files.list("proc/irq");
    REQUIRE(numbers);
    const auto number = std::ranges::find_if(*numbers, [](const std::string& name) { return is_digit(name.front()); });
    REQUIRE(number != numbers->end());
    const Tunable interrupt = *parse_tunable("irq/" + *number + "/affinity");
    const auto affinity = tunable::read(kernel, interrupt);
    REQUIRE(affinity);
    REQUIRE(*affinity);
    // Even what it holds already is not written.
    for (const auto& refused :
         {tunable::check(kernel, interrupt, **affinity), tunable::write(kernel, interrupt, **affinity)}) {
        REQUIRE_FALSE(refused);
        CHECK(refused.error().kind == Error::Kind::Unsupported);
        CHECK(refused.error().what.contains("whole host"));
    }
}
