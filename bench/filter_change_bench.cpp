// SPDX-License-Identifier: GPL-2.0-or-later
// What changing the filter's lists costs while it runs: a million prefixes at once, a hundred thousand changes to
// them, one more, and a whole policy with a hundred thousand prefixes in the place of another; beside a bare LPM_TRIE
// filled in batches and nft's sets. In a network namespace of its own; nothing is sent. Run as root.
#include "dataplane/filter_control.h"
#include "dataplane/filter_live_control.h"
#include "dataplane/pins.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <random>

using namespace netwright;
using namespace netwright::dataplane;

namespace {

constexpr std::size_t million = 1'000'000, changes = 100'000;
constexpr int rounds = 5;

template <class T>
T need(Result<T> result)
{
    if (result) return *std::move(result);
    fmt::print(stderr, "{}\n", result.error().what);
    std::exit(1);
}

void need(const Result<void>& result)
{
    if (!result) fmt::print(stderr, "{}\n", result.error().what), std::exit(1);
}

void shell(const std::string& line)
{
    if (std::system(line.c_str()) != 0) fmt::print(stderr, "failed: {}\n", line), std::exit(1);
}

// Median seconds of `work`, with `before` done ahead of each.
double time_of(int times, const std::function<void(int)>& work, const std::function<void(int)>& before = [](int) {})
{
    std::vector<double> seconds;
    for (int i = 0; i < times; ++i) {
        before(i);
        const auto begin = std::chrono::steady_clock::now();
        work(i);
        seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    }
    std::ranges::sort(seconds);
    return seconds[seconds.size() / 2];
}

void say(const std::string& what, double seconds, std::size_t count)
{
    fmt::print("{:58} {:9.1f} ms {:>12.0f} /s\n", what, seconds * 1e3, static_cast<double>(count) / seconds);
}

// Different addresses, anywhere, in no order.
std::vector<std::uint32_t> addresses(std::size_t count, std::uint32_t seed)
{
    std::mt19937 random(seed);
    std::vector<std::uint32_t> found;
    while (found.size() < count) {
        while (found.size() < count)
            found.push_back(static_cast<std::uint32_t>(0x0b000000 + random() % 0xd0000000));
        std::ranges::sort(found);
        found.erase(std::unique(found.begin(), found.end()), found.end());
    }
    std::ranges::shuffle(found, random);
    return found;
}

Prefix single(std::uint32_t a)
{
    Prefix prefix{false, 32, {}};
    for (unsigned i = 0; i < 4; ++i)
        prefix.address.at(i) = static_cast<std::uint8_t>(a >> (24 - 8 * i));
    return prefix;
}

std::string text_of(const std::vector<std::uint32_t>& found)
{
    std::string text;
    for (const std::uint32_t address : found)
        text += to_text(single(address)) + "\n";
    return text;
}

LiveChange block(const std::string& text)
{
    LiveChange change;
    for (const Prefix& prefix : need(parse_prefix_lines(text, "list")))
        change.given.push_back({prefix, false, LIVE_FOREVER, ""});
    return change;
}

LiveChange unblock(const std::string& text)
{
    LiveChange change;
    change.taken = need(parse_prefix_lines(text, "list"));
    return change;
}

FilterPolicy policy_of(const std::string& list)
{
    return need(
        parse_filter_policy("{interfaces: [v0], drop_odd: all, lists: {bad: {verdict: drop, file: list}}, rules: "
                            "[{name: dns, protocol: udp, to_port: 53, verdict: count}]}",
                            "policy", [&](const std::string&) -> Result<std::string> { return list; }));
}

void measure_live(const std::filesystem::path& directory, const std::string& many, const std::string& few)
{
    const auto add_many = [&](int) { need(change_live(directory, block(many))); };
    const auto add_few = [&](int) { need(change_live(directory, block(few))); };
    const auto take_few = [&](int) { need(change_live(directory, unblock(few))); };
    const auto take_many = [&](int) { need(change_live(directory, unblock(many))); };
    say("filter: 1,000,000 addresses blocked, text to packets", time_of(rounds, add_many, take_many), million);
    say("filter: 100,000 more beside them, in one step", time_of(rounds, add_few, take_few), changes);
    say("filter: 100,000 of 1,100,000 forgotten, in one step", time_of(rounds, take_few, add_few), changes);
    say("filter: one address more beside a million",
        time_of(rounds, [&](int i) { need(change_live(directory, block(fmt::format("203.0.113.{}", i)))); }), 1);
}

void measure_swap(const std::filesystem::path& directory, const std::string& list)
{
    FilterPolicy policy;
    const auto whole = [&](int) {
        policy = policy_of(list);
        need(install_filter(directory, policy, "bench"));
    };
    say("filter: a whole policy with 100,000 prefixes, text to packets", time_of(rounds, whole), 1);
    say("   of that, from the policy to the running program",
        time_of(rounds, [&](int) { need(install_filter(directory, policy, "bench")); }), 1);
}

// What a bare map would cost; its batches are seen half done.
void measure_trie(const std::vector<std::uint32_t>& many, const std::vector<std::uint32_t>& few)
{
    struct Key {
        std::uint32_t length, address;
    };
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_NO_PREALLOC);
    const Fd map(bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, "peer", sizeof(Key), 4, 2'000'000, &options));
    if (!map) std::perror("make an LPM trie"), std::exit(1);
    const auto put = [&](const std::vector<std::uint32_t>& found) {
        std::vector<Key> keys;
        for (const std::uint32_t address : found)
            keys.push_back({32, __builtin_bswap32(address)});
        const std::vector<std::uint32_t> values(keys.size(), 1);
        auto count = static_cast<__u32>(keys.size());
        if (bpf_map_update_batch(map.get(), keys.data(), values.data(), &count, nullptr) < 0)
            std::perror("fill an LPM trie"), std::exit(1);
    };
    say("bare LPM_TRIE: 1,000,000 addresses in one batch", time_of(1, [&](int) { put(many); }), million);
    say("bare LPM_TRIE: 100,000 more", time_of(1, [&](int) { put(few); }), changes);
}

void measure_nft(const std::vector<std::uint32_t>& many, const std::vector<std::uint32_t>& few, std::string_view kind)
{
    const auto file = [](const std::vector<std::uint32_t>& found, const std::string& path) {
        std::ofstream out(path);
        out << "add element ip bench bad {\n";
        for (const std::uint32_t address : found)
            out << to_text(single(address)) << ",\n";
        out << "}\n";
    };
    const auto folder = std::filesystem::temp_directory_path() / fmt::format("netwright-bench-{}", ::getpid());
    std::filesystem::create_directories(folder);
    file(many, folder / "many");
    file(few, folder / "few");
    shell(fmt::format("nft 'add table ip bench; add set ip bench bad {{ type ipv4_addr; {} }}'", kind));
    const std::string name = fmt::format("nft, {}", kind.empty() ? "hash set" : "interval set");
    say(name + fmt::format(": {} addresses, nft -f", many.size()),
        time_of(1, [&](int) { shell("nft -f " + (folder / "many").string()); }), many.size());
    say(name + fmt::format(": {} more, nft -f", few.size()),
        time_of(1, [&](int) { shell("nft -f " + (folder / "few").string()); }), few.size());
    shell("nft delete table ip bench");
    std::filesystem::remove_all(folder);
}

} // namespace

int main()
{
    if (::unshare(CLONE_NEWNET | CLONE_NEWNS) < 0) std::perror("make namespaces (run as root)"), std::exit(1);
    (void)::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    if (::mount("bpf", "/sys/fs/bpf", "bpf", 0, nullptr) < 0) std::perror("mount bpffs"), std::exit(1);
    shell("ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up");
    const auto both = addresses(million + changes, 1);
    const std::vector<std::uint32_t> many(both.begin(), both.begin() + million),
        few(both.begin() + million, both.end());
    const std::string many_text = text_of(many), few_text = text_of(few);
    const auto directory = need(pin_directory("filter"));
    FilterPolicy policy;
    policy.interfaces = {"v0"};
    need(install_filter(directory, policy, "bench"));
    measure_live(directory, many_text, few_text);
    measure_swap(directory, few_text);
    measure_trie(many, few);
    if (std::system("nft --version >/dev/null 2>&1") == 0) {
        measure_nft(many, few, "");
        const std::vector<std::uint32_t> fewer(many.begin(), many.begin() + 10'000); // 100,000 take it a minute
        measure_nft(few, fewer, "flags interval;");
    }
    double load[3]{};
    if (::getloadavg(load, 3) == 3) fmt::print("load of the machine: {:.1f} over the last minute\n", load[0]);
    need(remove_filter(directory));
}
