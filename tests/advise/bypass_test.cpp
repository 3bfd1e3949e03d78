// SPDX-License-Identifier: GPL-2.0-or-later
// Readiness for kernel bypass: parsers, judgement and words.
#include "advise/bypass.h"
#include "report/bypass_text.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace netwright;
using namespace netwright::advise;
using State = BypassCheck::State;

namespace {

BypassFacts ready_host()
{
    BypassFacts facts;
    facts.huge_pages = std::vector<HugePagePool>{{Bytes{2 << 20}, 512, 500}, {Bytes{1 << 30}, 4, 4}};
    facts.hugetlbfs = std::vector<std::string>{"/dev/hugepages"};
    facts.iommu_groups = 30;
    facts.vfio_pci = true;
    facts.af_xdp = true;
    facts.command_line = "quiet intel_iommu=on";
    XdpSupport xdp{true, true, true, true, true, 8};
    facts.nics = {{"ens1f0", "ice", false, "", xdp, 17}};
    return facts;
}

const BypassCheck& find(const std::vector<BypassCheck>& checks, std::string_view what)
{
    const auto found = std::ranges::find(checks, what, &BypassCheck::what);
    REQUIRE(found != checks.end());
    return *found;
}

} // namespace

TEST_CASE("a host that has everything is ready in every point")
{
    const BypassReport report = judge_bypass(ready_host());
    for (const BypassCheck& check : report.host) {
        CAPTURE(check.what);
        CHECK(check.state == State::Ready);
        CHECK(check.remedy.empty());
        CHECK_FALSE(check.seen.empty());
    }
    REQUIRE(report.nics.size() == 1);
    for (const BypassCheck& check : report.nics[0].checks)
        CHECK(check.state == State::Ready);
    CHECK(find(report.nics[0].checks, "DPDK poll-mode driver").seen == "net_ice, by vfio-pci instead of ice");
}

TEST_CASE("what is missing is named, with the way to get it")
{
    BypassFacts facts = ready_host();
    facts.huge_pages = std::vector<HugePagePool>{{Bytes{2 << 20}, 0, 0}};
    facts.hugetlbfs = std::vector<std::string>{};
    facts.iommu_groups = 0;
    facts.vfio_pci = false;
    facts.af_xdp = false;
    facts.nics[0].iommu_group = fail(Error::Kind::Absent, "none");
    const BypassReport report = judge_bypass(facts);
    for (const BypassCheck& check : report.host) {
        CAPTURE(check.what);
        CHECK(check.state == State::Missing);
        CHECK_FALSE(check.remedy.empty());
    }
    const BypassCheck& driver = find(report.nics[0].checks, "DPDK poll-mode driver");
    CHECK(driver.state == State::Partly);
    CHECK(driver.remedy == "it still needs huge pages, vfio-pci, an IOMMU group");
    CHECK(find(report.host, "IOMMU").remedy.contains("firmware")); // the command line asks already
    facts.command_line = "quiet";
    CHECK(find(judge_bypass(facts).host, "IOMMU").remedy.contains("intel_iommu=on"));
}

TEST_CASE("pages that are all in use, and VFIO without an IOMMU, are told for what they are")
{
    BypassFacts facts = ready_host();
    facts.huge_pages = std::vector<HugePagePool>{{Bytes{2 << 20}, 512, 0}};
    CHECK(find(judge_bypass(facts).host, "huge pages").state == State::Partly);
    facts.iommu_groups = 0;
    CHECK(find(judge_bypass(facts).host, "VFIO").state == State::Missing);
    facts.vfio_no_iommu = true;
    CHECK(find(judge_bypass(facts).host, "VFIO").state == State::Partly);
    CHECK(find(judge_bypass(facts).host, "VFIO").seen.contains("all of memory"));
}

TEST_CASE("what could not be seen is unknown, not missing")
{
    BypassFacts facts;
    facts.nics = {{"eth0", "virtio_net", true, "default route", unseen(), unseen()}};
    const BypassReport report = judge_bypass(facts);
    for (const char* what : {"huge pages", "hugetlbfs", "IOMMU", "AF_XDP sockets"})
        CHECK(find(report.host, what).state == State::Unknown);
    CHECK(find(report.nics[0].checks, "XDP in the driver").state == State::Unknown);
    CHECK(find(report.nics[0].checks, "AF_XDP zero copy").state == State::Unknown);
}

TEST_CASE("drivers with native XDP but no zero copy still take AF_XDP by copy")
{
    BypassFacts facts = ready_host();
    facts.nics[0].xdp->zero_copy = false;
    CHECK(find(judge_bypass(facts).nics[0].checks, "AF_XDP zero copy").seen.contains("copies each frame"));
    facts.nics[0].xdp = XdpSupport{};
    CHECK(find(judge_bypass(facts).nics[0].checks, "XDP in the driver").state == State::Missing);
    CHECK(find(judge_bypass(facts).nics[0].checks, "AF_XDP zero copy").state == State::Missing);
}

TEST_CASE("what would be lost depends on whether the kernel keeps the device")
{
    BypassFacts facts = ready_host();
    facts.nics = {{"eth0", "virtio_net", true, "default route", XdpSupport{}, 3},
                  {"eth1", "mlx5_core", false, "", XdpSupport{}, 4},
                  {"eth2", "homemade", false, "", XdpSupport{}, 5}};
    const BypassReport report = judge_bypass(facts);
    CHECK(report.nics[0].lost.front() == "eth0 carries the default route: what goes over it ends");
    CHECK(report.nics[0].lost.size() > 4);
    CHECK(report.nics[1].lost.size() == 1);
    CHECK(report.nics[1].lost.front().contains("the interface itself stays"));
    CHECK(find(report.nics[1].checks, "DPDK poll-mode driver").seen.contains("beside mlx5_core"));
    CHECK(find(report.nics[2].checks, "DPDK poll-mode driver").state == State::Missing);
    CHECK(poll_mode_driver("r8169") == nullptr);
}

TEST_CASE("the report is text for people and JSON for machines, and no name can repaint a terminal")
{
    BypassFacts facts = ready_host();
    facts.nics[0].driver = "ice\x1b[2J";
    const BypassReport report = judge_bypass(facts);
    const std::string text = report::bypass_text(report, {false, 80});
    CHECK(text.contains("✓ huge pages"));
    CHECK(text.contains("ens1f0"));
    CHECK_FALSE(text.contains('\x1b'));
    const std::string json = report::bypass_json(report);
    CHECK(json.starts_with("{\n  \"host\": ["));
    CHECK(json.contains("\"state\": \"ready\""));
    CHECK_FALSE(json.contains('\x1b'));
    CHECK(report::bypass_text({}, {false, 80}).contains("No interface"));
}
