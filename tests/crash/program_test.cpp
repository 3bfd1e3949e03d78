// SPDX-License-Identifier: GPL-2.0-or-later
// kill -9 of the netwright program itself, with its watchdog, before every state-changing call of an apply that
// confirms. Then `netwright recover`, as a person would type it: all as before, or all confirmed, and nothing between.
#include "apply/fingerprint.h"
#include "apply/persistence.h"
#include "model/plan_yaml.h"

#include <doctest/doctest.h>

#include "crash/ptrace_killer.h"
#include "netns/private_namespace.h"
#include "support/program.h"

using namespace netwright;
using namespace netwright::test;

namespace {

struct Place {
    TemporaryDirectory directory;
    std::filesystem::path plan = directory.path() / "plan.yaml", etc = directory.path() / "etc";
    std::vector<std::string> netwright{NETWRIGHT_BINARY, "--state-dir", (directory.path() / "state").string()};

    explicit Place(const std::string& plan_text) { std::ofstream(plan) << plan_text; }
    std::vector<std::string> command(const std::vector<std::string>& words) const
    {
        auto all = netwright;
        all.insert(all.end(), words.begin(), words.end());
        return all;
    }
    support::Output run(const std::vector<std::string>& words) const { return support::run(command(words)); }
    bool persisted() const { return std::filesystem::exists(etc / "sysctl.d" / apply::sysctl_file_name); }
};

std::string plan_text(kernel::Kernel& kernel)
{
    Plan plan;
    const auto here = apply::fingerprint(kernel);
    REQUIRE(here);
    plan.made_for = *here;
    plan.changes = {change_to(kernel, "net.core.somaxconn", "8192"),
                    change_to(kernel, "net.ipv4.tcp_rmem", "4096 131072 16777216"),
                    change_to(kernel, "link/lo/mtu", "16384")};
    return to_yaml(plan);
}

[[noreturn]] void become(const std::vector<std::string>& words)
{
    std::vector<char*> argv;
    for (const std::string& word : words)
        argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    const int nothing = ::open("/dev/null", O_RDWR);
    ::dup2(nothing, STDOUT_FILENO);
    ::dup2(nothing, STDERR_FILENO);
    ::execv(argv[0], argv.data());
    ::_exit(127);
}

} // namespace

TEST_CASE("the program, killed at any step of applying and confirming, leaves all of a plan or nothing of it")
{
    enter_private_namespace();
    kernel::Kernel kernel = private_kernel();
    const auto before = everything(kernel);
    const std::string text = plan_text(kernel);
    int n = 1, kept = 0, undone = 0;
    for (End end = End::Killed; end == End::Killed; ++n) {
        CAPTURE(n);
        const Place place(text);
        const auto apply =
            place.command({"apply", place.plan.string(), "--yes", "--keep", "--etc-dir", place.etc.string()});
        end = kill_at(n, [&] { become(apply); });
        const auto recovered = place.run({"recover"});
        REQUIRE_MESSAGE(recovered.status == 0, recovered.out);
        const std::string status = place.run({"status"}).out;
        CAPTURE(status);
        REQUIRE(status.starts_with("No transaction is open."));
        const bool confirmed = status.find("Confirmed and in force: 1.") != std::string::npos;
        ++(confirmed ? kept : undone);
        CHECK(place.persisted() == confirmed);
        if (confirmed) {
            CHECK(shown(kernel, "net.core.somaxconn") == "8192");
            CHECK(shown(kernel, "link/lo/mtu") == "16384");
            const auto back = place.run({"rollback"});
            REQUIRE_MESSAGE(back.status == 0, back.out);
        }
        CHECK_FALSE(place.persisted());
        CHECK(everything(kernel) == before);
    }
    MESSAGE("killed at " << n - 2 << " steps: " << undone << " undone, " << kept << " kept");
    CHECK(undone > 60); // it must have been a real run
    CHECK(kept > 3);
}
