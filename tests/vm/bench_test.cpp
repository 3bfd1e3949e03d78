// SPDX-License-Identifier: GPL-2.0-or-later
// Boots the kernel that NETWRIGHT_VM_KERNEL names and judges what the scenarios inside report.
#include <doctest/doctest.h>

#include <regex>

#include "vm/machine.h"

namespace {

void all_pass(const std::string& suite, const std::optional<std::filesystem::path>& disk = {})
{
    const vm::Report report = vm::run({suite, disk});
    INFO(report.console);
    INFO(report.text);
    REQUIRE_MESSAGE(report.end, "no end line: the machine died or ran out of time");
    CHECK(*report.end == 0);
    CHECK_MESSAGE(std::regex_search(report.text, std::regex(R"(test cases: +[1-9])")), "the suite has no scenario");
}

// A disk that outlives the machine, gone with the object.
class Disk {
public:
    ~Disk() { std::filesystem::remove_all(directory_); }
    Disk() = default;
    Disk(const Disk&) = delete;
    Disk& operator=(const Disk&) = delete;
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path directory_ = vm::new_directory();
    std::filesystem::path path_ = vm::new_disk(directory_);
};

// The machine dies when the first suite asks for it; the second runs in the next boot.
void dies_and_comes_back(const std::string& first, const std::string& second)
{
    const Disk disk;
    const vm::Report before = vm::run({first, disk.path()});
    REQUIRE_MESSAGE(before.killed, before.text << before.console);
    all_pass(second, disk.path());
}

} // namespace

TEST_SUITE("short")
{
    TEST_CASE("netwright looks, changes and puts back on a kernel of Debian's") { all_pass("short"); }
}

TEST_SUITE("long")
{
    TEST_CASE("every kind of tunable, one by one") { all_pass("long"); }

    TEST_CASE("udevd, networkd and NetworkManager's dispatcher keep what was made to last") { all_pass("lasting"); }

    TEST_CASE("an interface is unplugged mid-transaction") { all_pass("unplug"); }

    TEST_CASE("the plug is pulled between the writes and the confirmation")
    {
        dies_and_comes_back("die-unconfirmed", "after-unconfirmed");
    }

    TEST_CASE("the plug is pulled right after the confirmation")
    {
        dies_and_comes_back("die-confirmed", "after-confirmed");
    }

    TEST_CASE("a machine that panics is no success")
    {
        const vm::Report report = vm::run({"panic", std::nullopt});
        CHECK_FALSE(report.end);
        CHECK_MESSAGE(report.console.find("Kernel panic") != std::string::npos, report.console);
    }
}
