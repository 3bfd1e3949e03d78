// SPDX-License-Identifier: GPL-2.0-or-later
// The catalogue against the running kernel, reads only: does it know every key, and are its defaults this kernel's?
#include "base/text.h"
#include "catalog/catalog.h"

#include <doctest/doctest.h>
#include <sched.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <thread>

using namespace netwright;

namespace {

using Values = std::map<std::string, std::string>; // key, value with single blanks

std::string text_of(const std::filesystem::path& path)
{
    std::ifstream in(path);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

std::string with_single_blanks(std::string_view text)
{
    std::string result;
    for (const std::string_view word : split_words(text))
        result.append(result.empty() ? "" : " ").append(word);
    return result;
}

// "net/ipv4/conf/eth0.1/rp_filter" is net.ipv4.conf.eth0/1.rp_filter, as sysctl(8) writes it.
std::string key_of(const std::filesystem::path& below_sys)
{
    std::string key;
    for (const auto& part : below_sys) {
        std::string name = part.string();
        std::ranges::replace(name, '.', '/');
        key.append(key.empty() ? "" : ".").append(name);
    }
    return key;
}

// Every key of the calling thread's namespace: /proc/sys/net is a view of the namespace of whoever opens it.
Values read_all()
{
    Values values;
    const std::filesystem::path top = "/proc/sys";
    for (const auto& file : std::filesystem::recursive_directory_iterator(
             top / "net", std::filesystem::directory_options::skip_permission_denied))
        if (file.is_regular_file())
            values[key_of(file.path().lexically_relative(top))] = with_single_blanks(text_of(file.path()));
    return values;
}

// A thread that enters a new namespace ends there. Nothing: this user may not make one.
std::optional<Values> fresh_namespace()
{
    std::optional<Values> values;
    std::thread([&] {
        if (::unshare(CLONE_NEWNET) == 0) values = read_all();
    }).join();
    return values;
}

// The keys that root of a new namespace may write there.
std::vector<std::string> writable_in_fresh_namespace()
{
    std::vector<std::string> keys;
    std::thread([&] {
        if (::unshare(CLONE_NEWNET) != 0) return;
        const std::filesystem::path top = "/proc/sys";
        for (const auto& file : std::filesystem::recursive_directory_iterator(top / "net"))
            if (file.is_regular_file() &&
                (file.status().permissions() & std::filesystem::perms::owner_write) != std::filesystem::perms::none)
                keys.push_back(key_of(file.path().lexically_relative(top)));
    }).join();
    return keys;
}

std::vector<std::string> globs(const std::string& file)
{
    std::ifstream in(std::string(NETWRIGHT_SOURCE_DIR) + '/' + file);
    REQUIRE(in);
    std::vector<std::string> result;
    for (std::string line; std::getline(in, line);) {
        if (line.empty() || line[0] == '#') continue;
        const auto words = split_words(line);
        CAPTURE(line);
        REQUIRE(words.size() > 1); // the reason is part of the row
        result.emplace_back(words[0]);
    }
    return result;
}

bool matches_any(const std::vector<std::string>& patterns, const std::string& key)
{
    return std::ranges::any_of(patterns, [&](const std::string& glob) { return glob_match(glob, key); });
}

KernelVersion running_kernel()
{
    utsname name{};
    REQUIRE(::uname(&name) == 0);
    const auto version = KernelVersion::parse(name.release);
    REQUIRE(version);
    return *version;
}

// Single interfaces differ by their kind (loopback has no rp_filter to speak of); `default` is what the kernel gives.
constexpr std::array<std::string_view, 4> of_interfaces{"net.ipv4.conf.", "net.ipv6.conf.", "net.ipv4.neigh.",
                                                        "net.ipv6.neigh."};
bool of_an_interface(const std::string& key)
{
    return std::ranges::any_of(of_interfaces, [&](std::string_view directory) { return key.starts_with(directory); });
}
bool of_one_interface(const std::string& key)
{
    for (const std::string_view directory : of_interfaces)
        if (key.starts_with(directory)) return !key.substr(directory.size()).starts_with("default.");
    return false;
}

} // namespace

TEST_CASE("the catalogue knows every key below /proc/sys/net, or says why not")
{
    const auto left_out = globs("catalog/unknown-on-purpose.txt");
    const Values host = read_all();
    REQUIRE(host.size() > 200);
    for (const auto& [key, value] : host) {
        CAPTURE(key);
        CHECK((catalog::find(key) || matches_any(left_out, key)));
    }
    for (const catalog::Parameter& parameter : catalog::all()) {
        CAPTURE(parameter.key);
        CHECK_FALSE(matches_any(left_out, std::string(parameter.key))); // known and left out cannot both be true
    }
}

TEST_CASE("literal defaults are what a fresh namespace shows")
{
    const auto fresh = fresh_namespace();
    if (!fresh) {
        MESSAGE("not checked: this user may not make a network namespace");
        return;
    }
    const KernelVersion kernel = running_kernel();
    const auto may_differ = globs("tests/oracle/defaults-differ.txt");
    const Values host = read_all();
    std::size_t judged = 0;
    for (const auto& [key, value] : *fresh) {
        const auto* parameter = catalog::find(key);
        if (!parameter || of_one_interface(key)) continue;
        const auto expected = catalog::default_for(*parameter, kernel);
        if (!expected) continue;
        // What a namespace takes over, and what the whole host shares, is the kernel's default only on an untouched
        // host.
        const auto on_host = host.find(key);
        const bool taken_over = on_host != host.end() && on_host->second == value && value != *expected;
        if (taken_over && (parameter->scope == catalog::Scope::Host || matches_any(may_differ, key))) continue;
        CAPTURE(key);
        CHECK(value == *expected);
        ++judged;
    }
    MESSAGE(judged, " defaults judged");
    CHECK(judged > 150);
}

TEST_CASE("what a fresh namespace does not have is the whole host's, and what it may set is its own")
{
    const auto fresh = fresh_namespace();
    if (!fresh) {
        MESSAGE("not checked: this user may not make a network namespace");
        return;
    }
    const KernelVersion kernel = running_kernel();
    std::size_t hosts = 0;
    for (const auto& [key, value] : read_all()) {
        const auto* parameter = catalog::find(key);
        if (!parameter || of_an_interface(key) || fresh->contains(key)) continue;
        CAPTURE(key);
        CHECK(catalog::scope_for(*parameter, kernel) == catalog::Scope::Host);
        ++hosts;
    }
    CHECK(hosts > 30);
    for (const std::string& key : writable_in_fresh_namespace()) {
        const auto* parameter = catalog::find(key);
        if (!parameter || key == "net.netfilter.nf_hooks_lwtunnel") continue; // any namespace throws the host's switch
        CAPTURE(key);
        CHECK(catalog::scope_for(*parameter, kernel) != catalog::Scope::Host);
    }
}

TEST_CASE("the values of a fresh namespace pass the catalogue's own checks")
{
    const auto fresh = fresh_namespace();
    if (!fresh) {
        MESSAGE("not checked: this user may not make a network namespace");
        return;
    }
    for (const auto& [key, value] : *fresh) {
        const auto* parameter = catalog::find(key);
        if (!parameter || parameter->policy == catalog::Policy::ReadOnly || value.empty()) continue;
        std::vector<std::int64_t> numbers;
        for (const std::string_view word : split_words(value))
            if (const auto number = parse_int(word)) numbers.push_back(*number);
        const std::size_t words = split_words(value).size();
        const Value typed = numbers.size() != words ? Value(value) : words == 1 ? Value(numbers[0]) : Value(numbers);
        const auto result = catalog::check(SysctlKey{key}, typed);
        CAPTURE(key);
        CAPTURE(value);
        CHECK_MESSAGE(result, (result ? "" : result.error().what));
    }
}

TEST_CASE("host-wide defaults are this host's, as far as nobody changed them")
{
    const KernelVersion kernel = running_kernel();
    for (const auto& [key, value] : read_all()) {
        const auto* parameter = catalog::find(key);
        if (!parameter || parameter->scope != catalog::Scope::Host) continue;
        if (const auto expected = catalog::default_for(*parameter, kernel)) {
            CAPTURE(key);
            WARN(value == *expected); // a tuned host is no fault of the catalogue
        }
    }
}
