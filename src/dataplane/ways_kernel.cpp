// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's own two ways: its stack, with an nftables rule or a route, and XDP.
#include "base/text.h"
#include "dataplane/ways_run.h"
#include "dataplane/xdp_link.h"
#include "kernel/nftables.h"

#include <fmt/format.h>

namespace netwright::dataplane {
namespace {

// Before connection tracking: as cheap as the stack can drop by a rule.
constexpr const char* drop_rule = "add table ip ways\n"
                                  "add counter ip ways dropped\n"
                                  "add chain ip ways before { type filter hook prerouting priority raw; }\n"
                                  "add rule ip ways before ip daddr 198.18.1.2 counter name dropped drop\n";

class DroppingStack : public RunningWay {
public:
    explicit DroppingStack(kernel::Nftables nft) : nft_(std::move(nft)) {}
    Result<std::optional<std::uint64_t>> so_far() override { return TRY(stop()); }
    Result<std::uint64_t> stop() override { return parse_nft_counter(TRY(nft_.run("list counter ip ways dropped"))); }

private:
    kernel::Nftables nft_;
};

// What the far end sees is what was sent on.
class ForwardingStack : public RunningWay {
public:
    explicit ForwardingStack(const WaysProgram& program) : program_(program) {}
    Result<std::optional<std::uint64_t>> so_far() override { return TRY(stop()); }
    Result<std::uint64_t> stop() override { return program_.arrived(); }

private:
    const WaysProgram& program_;
};

class XdpWay : public RunningWay {
public:
    XdpWay(XdpLink link, const WayScene& scene) : link_(std::move(link)), program_(scene.program), task_(scene.task) {}
    Result<std::optional<std::uint64_t>> so_far() override { return TRY(stop()); }
    Result<std::uint64_t> stop() override { return task_ == WayTask::Drop ? program_.handled() : program_.arrived(); }

private:
    XdpLink link_;
    const WaysProgram& program_;
    WayTask task_;
};

} // namespace

Result<std::uint64_t> parse_nft_counter(std::string_view text)
{
    std::string_view word;
    while (next_word(text, word))
        if (word == "packets" && next_word(text, word)) return parse_unsigned(word);
    return fail(Error::Kind::Malformed, "nftables did not tell its counter");
}

Result<std::unique_ptr<RunningWay>> start_stack(const WayScene& scene)
{
    if (scene.task == WayTask::Forward) {
        TRY_VOID(scene.network.route());
        return std::make_unique<ForwardingStack>(scene.program);
    }
    auto nft = TRY(kernel::Nftables::open());
    TRY_VOID(nft.run(drop_rule));
    return std::make_unique<DroppingStack>(std::move(nft));
}

Result<std::unique_ptr<RunningWay>> start_xdp(const WayScene& scene)
{
    const bool drops = scene.task == WayTask::Drop;
    auto link =
        TRY(XdpLink::attach(scene.network.in().name, drops ? scene.program.drop() : scene.program.forward(), false));
    return std::make_unique<XdpWay>(std::move(link), scene);
}

} // namespace netwright::dataplane
