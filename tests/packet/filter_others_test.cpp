// SPDX-License-Identifier: GPL-2.0-or-later
// The filter beside XDP programs of others: refused by name, or run behind it and given back their place.
#include "base/fd.h"
#include "dataplane/other_xdp.h"
#include "tunable/tunable_kind.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>

#include "crash/ptrace_killer.h"
#include "filter_desk.h"

using namespace netwright;
using namespace netwright::test;
using dataplane::OtherXdp;

namespace {

// A program of somebody's that gives every packet the same verdict, loaded as libbpf does it or as others do.
Fd always(int verdict, bool typed, std::uint32_t flags = 0)
{
    const std::array<bpf_insn, 2> code{bpf_insn{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, verdict},
                                       bpf_insn{BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
    LIBBPF_OPTS(bpf_prog_load_opts, options);
    options.prog_flags = flags;
    if (typed) options.expected_attach_type = BPF_XDP;
    Fd program(bpf_prog_load(BPF_PROG_TYPE_XDP, "somebody", "GPL", code.data(), code.size(), &options));
    REQUIRE(program);
    return program;
}

void attach(const char* interface, const Fd& program, std::uint32_t flags)
{
    REQUIRE(bpf_xdp_attach(static_cast<int>(::if_nametoindex(interface)), program.get(), flags, nullptr) == 0);
}

void detach(const char* interface)
{
    for (const std::uint32_t mode : {XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE})
        (void)bpf_xdp_detach(static_cast<int>(::if_nametoindex(interface)), mode, nullptr);
}

// "somebody (generic)", "filter (native)", ""
std::string runs_on(const char* interface)
{
    LIBBPF_OPTS(bpf_xdp_query_opts, query);
    REQUIRE(bpf_xdp_query(static_cast<int>(::if_nametoindex(interface)), 0, &query) == 0);
    const Fd program(bpf_prog_get_fd_by_id(query.prog_id));
    bpf_prog_info info{};
    __u32 size = sizeof info;
    if (!program || bpf_obj_get_info_by_fd(program.get(), &info, &size) < 0) return "";
    return std::string(info.name) + (query.attach_mode == XDP_ATTACHED_SKB ? " (generic)" : " (native)");
}

constexpr const char* kept = "{interfaces: [nwa], keep_others: true, rules: [{name: ping, protocol: icmp, verdict: "
                             "count}]}";

} // namespace

TEST_CASE("another XDP program is named and left alone, and the way to keep it is offered")
{
    const Desk desk;
    attach("nwa", always(XDP_PASS, true), XDP_FLAGS_DRV_MODE);
    desk.write("p.yaml", no_ping);
    const auto refused = desk.run("filter apply p.yaml");
    CHECK(refused.status == 1);
    CHECK(refused.out.find("nwa: XDP program 'somebody' (id ") != std::string::npos);
    CHECK(refused.out.find("keep_others: true") != std::string::npos);
    CHECK(desk.pings());
    CHECK(runs_on("nwa") == "somebody (native)");
    detach("nwa");
}

TEST_CASE("another program runs behind the filter however it was loaded, and gets its place back as it was")
{
    const Desk desk;
    desk.write("p.yaml", kept);
    desk.write("q.yaml", "{interfaces: [nwa, nwc], keep_others: true, rules: [{name: ping, protocol: icmp, verdict: "
                         "count}]}");
    desk.write("no.yaml", "{interfaces: [nwa]}");
    for (const bool typed : {true, false})
        for (const std::uint32_t mode : {XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE}) {
            CAPTURE(typed);
            CAPTURE(mode);
            const std::string as_it_was = mode == XDP_FLAGS_DRV_MODE ? "somebody (native)" : "somebody (generic)";
            attach("nwa", always(XDP_DROP, typed, typed && mode == XDP_FLAGS_DRV_MODE ? 0 : BPF_F_XDP_HAS_FRAGS), mode);
            CHECK_FALSE(desk.pings());
            const auto applied = desk.run("filter apply p.yaml");
            REQUIRE_MESSAGE(applied.status == 0, applied.out);
            CHECK(runs_on("nwa") == "filter (native)");
            CHECK_FALSE(desk.pings());                                // somebody drops still,
            CHECK(desk.counted("not-ip") + desk.counted("ping") > 0); // behind the filter
            REQUIRE(desk.run("filter apply q.yaml").status == 0);
            CHECK_FALSE(desk.pings());
            CHECK(desk.run("filter show").out.find("behind      nwa: XDP program 'somebody' (id ") !=
                  std::string::npos);
            const auto refused = desk.run("filter apply no.yaml");
            CHECK(refused.out.find("'somebody'") != std::string::npos);
            CHECK(refused.out.find("filter off") != std::string::npos);
            CHECK_FALSE(desk.pings());
            REQUIRE(desk.run("filter off").status == 0);
            CHECK(runs_on("nwa") == as_it_was);
            CHECK_FALSE(desk.pings());
            CHECK_FALSE(fs::exists("/sys/fs/bpf/netwright"));
            detach("nwa");
            CHECK(desk.pings());
        }
}

TEST_CASE("the script that undoes without us gives the other program its place back, too")
{
    const Desk desk;
    desk.write("p.yaml", kept);
    const std::string undo =
        netwright::tunable::undo_command(netwright::PacketPath{netwright::PacketPath::What::Filter}, std::nullopt);
    for (const std::uint32_t mode : {XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE}) {
        attach("nwa", always(XDP_DROP, true), mode);
        REQUIRE(desk.run("filter apply p.yaml").status == 0);
        REQUIRE(runs_on("nwa") == "filter (native)");
        const auto undone = desk.shell(undo);
        CHECK_MESSAGE(undone.status == 0, undone.out);
        CHECK(runs_on("nwa") == (mode == XDP_FLAGS_DRV_MODE ? "somebody (native)" : "somebody (generic)"));
        CHECK_FALSE(fs::exists("/sys/fs/bpf/netwright/filter"));
        detach("nwa");
    }
}

TEST_CASE("what is given up for another reason also gives the other program its place back")
{
    const Desk desk;
    attach("nwa", always(XDP_DROP, true), XDP_FLAGS_DRV_MODE);
    desk.write("absent.yaml", "{interfaces: [nwa, nwx], keep_others: true}");
    CHECK(desk.run("filter apply absent.yaml").status == 1);
    CHECK(runs_on("nwa") == "somebody (native)");
    desk.write("p.yaml", kept);
    desk.write("elsewhere.yaml", "{interfaces: [nwc], keep_others: true}");
    REQUIRE(desk.run("filter apply p.yaml").status == 0);
    REQUIRE(desk.run("filter apply elsewhere.yaml").status == 0); // an interface that it leaves
    CHECK(runs_on("nwa") == "somebody (native)");
    REQUIRE(desk.run("rollback").status == 0);
    CHECK(runs_on("nwa") == "filter (native)");
    CHECK_FALSE(desk.pings());
    REQUIRE(desk.run("rollback").status == 0);
    CHECK(runs_on("nwa") == "somebody (native)");
    detach("nwa");
}

TEST_CASE("whoever is killed while places change loses nobody's program")
{
    const Desk desk;
    desk.write("p.yaml", kept);
    int behind = 0, n = 1;
    for (End end = End::Killed; end == End::Killed; ++n) {
        CAPTURE(n);
        attach("nwa", always(XDP_DROP, true), XDP_FLAGS_DRV_MODE);
        end = kill_at(n, [&] { become(desk, "filter apply p.yaml"); }, changes_packets);
        const auto recovered = desk.run("recover");
        REQUIRE_MESSAGE(recovered.status == 0, recovered.out);
        CAPTURE(recovered.out);
        const bool filtered = runs_on("nwa") == "filter (native)";
        behind += filtered;
        CHECK((filtered || runs_on("nwa") == "somebody (native)"));
        CHECK_FALSE(desk.pings());
        REQUIRE(desk.run("filter off").status == 0);
        CHECK(runs_on("nwa") == "somebody (native)");
        detach("nwa");
    }
    CHECK(n - 2 - behind >= 8);
    CHECK(behind >= 1);
    CHECK_FALSE(fs::exists("/sys/fs/bpf/netwright"));
}

TEST_CASE("a program that its owner's BPF link holds is named with the link, and stays")
{
    const Desk desk;
    const Fd program = always(XDP_PASS, true);
    LIBBPF_OPTS(bpf_link_create_opts, options);
    options.flags = XDP_FLAGS_DRV_MODE;
    const Fd link(bpf_link_create(program.get(), static_cast<int>(::if_nametoindex("nwa")), BPF_XDP, &options));
    REQUIRE(link);
    bpf_link_info info{};
    __u32 size = sizeof info;
    REQUIRE(bpf_obj_get_info_by_fd(link.get(), &info, &size) == 0);
    desk.write("p.yaml", kept);
    const auto refused = desk.run("filter apply p.yaml");
    CHECK(refused.status == 1);
    CHECK_MESSAGE(refused.out.find("BPF link " + std::to_string(info.id) + " holds it") != std::string::npos,
                  refused.out);
    CHECK(runs_on("nwa") == "somebody (native)");
    CHECK(desk.pings());
    desk.write("lb.yaml", "{interfaces: [nwa], source: 10.200.0.0/16, pools: {web: {backends: [{address: 10.9.0.2}]}}, "
                          "vips: [{address: 192.0.2.1, port: 80, protocol: tcp, pool: web}]}");
    const auto balancer = desk.run("lb apply lb.yaml");
    CHECK(balancer.out.find("nwa: XDP program 'somebody' (id ") != std::string::npos); // says the same
    CHECK(balancer.out.find("BPF link " + std::to_string(info.id)) != std::string::npos);
}

TEST_CASE("libxdp's dispatcher is known by its name")
{
    OtherXdp other;
    other.interface = "eth0";
    other.name = "xdp_dispatcher";
    other.id = 7;
    CHECK(to_text(other).find("libxdp's dispatcher (XDP program 'xdp_dispatcher', id 7;") == 0);
}

TEST_CASE("Debian's xdp-filter runs behind the filter, and goes on at its own place")
{
    const Desk desk;
    if (support::run({"sh", "-c", "command -v xdp-filter"}).status != 0) {
        MESSAGE("skipped: there is no xdp-filter here (package xdp-tools)");
        return;
    }
    const auto loaded = desk.shell("xdp-filter load nwa -m native -p allow -f ipv4 && xdp-filter ip 10.9.0.2 -m src");
    if (loaded.status != 0) {
        MESSAGE("skipped: xdp-filter does not load here: " << loaded.out);
        (void)desk.shell("xdp-filter unload nwa");
        return;
    }
    const std::string before = runs_on("nwa");
    CAPTURE(before);
    REQUIRE_FALSE(desk.pings());
    desk.write("p.yaml", kept);
    const auto applied = desk.run("filter apply p.yaml");
    if (before.starts_with("xdp_dispatcher") && applied.status != 0) {
        CHECK(applied.out.find("libxdp's dispatcher") != std::string::npos); // extended by freplace: the kernel refuses
    } else {
        REQUIRE_MESSAGE(applied.status == 0, applied.out);
        CHECK(runs_on("nwa") == "filter (native)");
        CHECK_FALSE(desk.pings());
        REQUIRE(desk.run("filter off").status == 0);
    }
    CHECK(runs_on("nwa") == before);
    CHECK_FALSE(desk.pings());
    CHECK_MESSAGE(desk.shell("xdp-filter unload nwa").status == 0, "after its place was given back");
    CHECK(desk.pings());
}
