// SPDX-License-Identifier: GPL-2.0-or-later
// Boots the kernel that NETWRIGHT_VM_KERNEL names and judges what the scenarios inside report.
#include <doctest/doctest.h>

#include <regex>

#include "vm/machine.h"

namespace {

void all_pass(const std::string& suite)
{
    const vm::Report report = vm::run({suite, std::nullopt, std::chrono::seconds(300)});
    INFO(report.text);
    REQUIRE_MESSAGE(report.end, "no end line; the kernel said:\n" << report.console);
    CHECK(*report.end == 0);
    CHECK_MESSAGE(std::regex_search(report.text, std::regex(R"(test cases: +[1-9])")), "the suite has no scenario");
}

} // namespace

TEST_CASE("netwright looks, changes and puts back on a kernel of Debian's" * doctest::test_suite("short"))
{
    all_pass("short");
}
