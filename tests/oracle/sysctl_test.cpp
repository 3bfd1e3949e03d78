// SPDX-License-Identifier: GPL-2.0-or-later
// Every key and value that sysctl(8) prints is what collect_sysctls sees, in a network namespace that stands still.
#include "host/collect.h"

#include <doctest/doctest.h>

#include <map>

#include "oracle/program.h"

using namespace netwright;

namespace {

// `sysctl -a` prints "key = value", a line for each line of the value.
std::map<std::string, std::string> parse_listing(std::string_view text)
{
    std::map<std::string, std::string> values;
    for (std::string_view line; next_line(text, line);) {
        const std::size_t equals = line.find(" = ");
        const bool empty = line.ends_with(" =");
        if (equals == std::string_view::npos && !empty) continue;
        const std::string key(line.substr(0, empty ? line.size() - 2 : equals));
        const std::string_view value = empty ? "" : line.substr(equals + 3);
        auto [place, is_new] = values.emplace(key, value);
        if (!is_new) place->second.append("\n").append(value);
    }
    return values;
}

// These move by themselves between two looks.
bool moves(std::string_view key)
{
    return key == "fs.file-nr" || key.starts_with("kernel.random.") || key == "net.netfilter.nf_conntrack_count";
}

// sysctl(8) leaves out what cannot be read, and by default what is deprecated (base_reachable_time, retrans_time).
bool is_deprecated(std::string_view key)
{
    return key.ends_with(".base_reachable_time") || key.ends_with(".retrans_time");
}

} // namespace

TEST_CASE("sysctl -a and collect_sysctls agree on every key")
{
    enter_fresh_namespace();
    const auto listing = output_of("sysctl -a");
    if (!listing) {
        MESSAGE("sysctl(8) is not installed: nothing to compare with");
        return;
    }
    const auto theirs = parse_listing(*listing);
    const SysctlTable ours = host::collect_sysctls(kernel::Kernel::live());
    REQUIRE(theirs.size() > 100);

    std::size_t compared = 0;
    for (const auto& [key, value] : theirs) {
        if (!key.starts_with("net.") && !ours.find(key)) continue; // we take only some of fs, vm and kernel
        CAPTURE(key);
        const auto text = ours.text(key);
        REQUIRE(text);
        if (!moves(key)) CHECK(trim(*text) == trim(value));
        ++compared;
    }
    CHECK(compared > 100);
    for (const SysctlValue& value : ours.all()) {
        CAPTURE(value.key);
        if (value.value && !is_deprecated(value.key)) CHECK(theirs.contains(value.key));
    }
}
