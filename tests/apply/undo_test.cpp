// SPDX-License-Identifier: GPL-2.0-or-later
// Which values are put back, and which are left to whoever changed them.
#include "apply/undo.h"
#include "tunable/tree.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace netwright::apply;
using netwright::test::Tree;

namespace {

Step step(const char* tunable, const char* from, const char* to, StepState state)
{
    Step one;
    one.tunable = *parse_tunable(tunable);
    one.from = *parse_value(one.tunable, from);
    if (to) one.to = *parse_value(one.tunable, to);
    one.follower = to == nullptr;
    one.state = state;
    return one;
}

} // namespace

TEST_CASE("the last step marked as being written is put back whatever it holds; those before only if they are ours")
{
    Tree tree;
    kernel::Kernel kernel = tree.kernel();
    Record record;
    record.state = State::Applying;
    record.steps = {
        step("net.core.netdev_max_backlog", "500", "2000", StepState::Writing), // somebody made it 1000 since
        step("net.core.somaxconn", "128", "5000", StepState::Writing),          // the kernel made 4096 of it
        step("link/eth0/mtu", "1000", "9000", StepState::Waiting)};             // never reached
    const auto reports = put_back(kernel, record, Foreign::Leave);
    REQUIRE(reports.size() == 2);
    CHECK(reports[0].outcome == Outcome::Restored);
    CHECK(reports[1].outcome == Outcome::ChangedSince);
    CHECK(tree.text("proc/sys/net/core/somaxconn") == "128\n");
    CHECK(tree.text("proc/sys/net/core/netdev_max_backlog") == "1000\n");
    CHECK(tree.text("sys/class/net/eth0/mtu") == "1500\n");
}

TEST_CASE("a follower that somebody set since is kept, one that the kernel moved is put back")
{
    Tree tree;
    kernel::Kernel kernel = tree.kernel();
    tree.put("proc/sys/net/ipv4/conf/default/rp_filter", "1\n");
    tree.put("proc/sys/net/ipv4/conf/eth0/rp_filter", "1\n");     // moved by the kernel
    tree.put("proc/sys/net/ipv4/conf/eth0.100/rp_filter", "2\n"); // set by somebody
    Record record;
    record.state = State::Applied;
    record.steps = {step("net.ipv4.conf.default.rp_filter", "0", "1", StepState::Written),
                    step("net.ipv4.conf.eth0.rp_filter", "0", nullptr, StepState::Waiting),
                    step("net.ipv4.conf.eth0/100.rp_filter", "0", nullptr, StepState::Waiting)};
    record.steps[1].shown = record.steps[2].shown = Value{std::int64_t{1}};
    const auto reports = put_back(kernel, record, Foreign::Leave);
    REQUIRE(reports.size() == 3);
    CHECK(tree.text("proc/sys/net/ipv4/conf/default/rp_filter") == "0\n");
    CHECK(tree.text("proc/sys/net/ipv4/conf/eth0/rp_filter") == "0\n");
    CHECK(tree.text("proc/sys/net/ipv4/conf/eth0.100/rp_filter") == "2\n");
    CHECK(reports[2].outcome == Outcome::ChangedSince);
}

TEST_CASE("one step that cannot be put back does not keep the others from it")
{
    Tree tree;
    kernel::Kernel kernel = tree.kernel();
    Record record;
    record.state = State::Applied;
    record.steps = {step("net.core.somaxconn", "128", "4096", StepState::Written),
                    step("link/eth0/mtu", "1400", "1500", StepState::Written),
                    step("link/eth9/mtu", "1400", "1500", StepState::Written)};
    tree.remove("sys/class/net/eth0/mtu");
    tree.put("sys/class/net/eth0/mtu/directory", ""); // a place that can be neither read nor written
    const auto reports = put_back(kernel, record, Foreign::Leave);
    REQUIRE(reports.size() == 3);
    CHECK(reports[0].outcome == Outcome::Gone);
    CHECK(reports[1].outcome == Outcome::Failed);
    CHECK(reports[2].outcome == Outcome::Restored);
    CHECK(tree.text("proc/sys/net/core/somaxconn") == "128\n");
}

TEST_CASE("nothing written, nothing touched")
{
    Tree tree;
    kernel::Kernel kernel = tree.kernel();
    const auto before = tree.everything();
    Record record;
    record.steps = {step("net.core.somaxconn", "1", "4096", StepState::Waiting)};
    CHECK(put_back(kernel, record, Foreign::Overwrite).empty());
    CHECK(tree.everything() == before);
}
