// SPDX-License-Identifier: GPL-2.0-or-later
// Checks one by one; what each NIC's poll-mode driver takes over is a row.
#include "advise/bypass.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

namespace netwright::advise {
namespace {

using State = BypassCheck::State;
using Way = PollModeDriver::Way;

// doc/guides/nics of DPDK 24.11, by the kernel driver's name.
constexpr std::array poll_mode_drivers{
    PollModeDriver{"ice", "net_ice", Way::Vfio},
    PollModeDriver{"i40e", "net_i40e", Way::Vfio},
    PollModeDriver{"iavf", "net_iavf", Way::Vfio},
    PollModeDriver{"idpf", "net_idpf", Way::Vfio},
    PollModeDriver{"ixgbe", "net_ixgbe", Way::Vfio},
    PollModeDriver{"ixgbevf", "net_ixgbe_vf", Way::Vfio},
    PollModeDriver{"igb", "net_e1000_igb", Way::Vfio},
    PollModeDriver{"igc", "net_igc", Way::Vfio},
    PollModeDriver{"e1000e", "net_e1000_em", Way::Vfio},
    PollModeDriver{"e1000", "net_e1000_em", Way::Vfio},
    PollModeDriver{"ena", "net_ena", Way::Vfio},
    PollModeDriver{"gve", "net_gve", Way::Vfio},
    PollModeDriver{"bnxt_en", "net_bnxt", Way::Vfio},
    PollModeDriver{"bnx2x", "net_bnx2x", Way::Vfio},
    PollModeDriver{"virtio_net", "net_virtio", Way::Vfio},
    PollModeDriver{"vmxnet3", "net_vmxnet3", Way::Vfio},
    PollModeDriver{"cxgb4", "net_cxgbe", Way::Vfio},
    PollModeDriver{"nfp", "net_nfp", Way::Vfio},
    PollModeDriver{"qede", "net_qede", Way::Vfio},
    PollModeDriver{"enic", "net_enic", Way::Vfio},
    PollModeDriver{"sfc", "net_sfc_efx", Way::Vfio},
    PollModeDriver{"hns3", "net_hns3", Way::Vfio},
    PollModeDriver{"ionic", "net_ionic", Way::Vfio},
    PollModeDriver{"atlantic", "net_atlantic", Way::Vfio},
    PollModeDriver{"mlx5_core", "mlx5_pci", Way::Bifurcated},
    PollModeDriver{"mlx4_core", "net_mlx4", Way::Bifurcated},
    PollModeDriver{"mlx4_en", "net_mlx4", Way::Bifurcated},
    PollModeDriver{"mana", "net_mana", Way::Bifurcated},
    PollModeDriver{"hv_netvsc", "net_netvsc", Way::Vmbus},
};

std::string reason(const Error& error) { return error.what; }

// ---- the host ----

constexpr std::string_view page_remedy =
    "reserve them, at boot best, before memory is in pieces: default_hugepagesz=1G hugepagesz=1G hugepages=4 on the "
    "kernel's command line, or vm.nr_hugepages for 2 MiB pages";

BypassCheck check_huge_pages(const BypassFacts& facts)
{
    BypassCheck check{"huge pages", State::Unknown, "", ""};
    if (!facts.huge_pages) {
        check.seen = reason(facts.huge_pages.error());
        return check;
    }
    std::vector<std::string> words;
    std::uint64_t total = 0, free = 0;
    for (const HugePagePool& pool : *facts.huge_pages) {
        words.push_back(fmt::format("{} of {} KiB ({} free)", pool.total, pool.page_size.count / 1024, pool.free));
        total += pool.total;
        free += pool.free;
    }
    check.seen = words.empty() ? "this kernel has none" : fmt::format("{}", fmt::join(words, ", "));
    check.state = free != 0 ? State::Ready : total != 0 ? State::Partly : State::Missing;
    if (check.state != State::Ready) check.remedy = page_remedy;
    return check;
}

BypassCheck check_hugetlbfs(const BypassFacts& facts)
{
    BypassCheck check{"hugetlbfs", State::Unknown, "", ""};
    if (!facts.hugetlbfs) {
        check.seen = reason(facts.hugetlbfs.error());
        return check;
    }
    check.state = facts.hugetlbfs->empty() ? State::Missing : State::Ready;
    check.seen = facts.hugetlbfs->empty() ? "not mounted" : fmt::format("{}", fmt::join(*facts.hugetlbfs, ", "));
    if (facts.hugetlbfs->empty()) check.remedy = "mount -t hugetlbfs none /dev/hugepages (systemd does so by itself)";
    return check;
}

bool asks_for_iommu(const BypassFacts& facts)
{
    return facts.command_line &&
           (facts.command_line->contains("intel_iommu=on") || facts.command_line->contains("iommu=pt"));
}

BypassCheck check_iommu(const BypassFacts& facts)
{
    BypassCheck check{"IOMMU", State::Unknown, "", ""};
    if (!facts.iommu_groups) {
        check.seen = reason(facts.iommu_groups.error());
        return check;
    }
    check.seen = fmt::format("{} groups", *facts.iommu_groups);
    check.state = *facts.iommu_groups != 0 ? State::Ready : State::Missing;
    if (check.state == State::Missing)
        check.remedy = asks_for_iommu(facts)
                           ? "the kernel was told to use one and found none: switch on VT-d, AMD-Vi or SMMU in the "
                             "firmware (in a guest: a virtual IOMMU in the hypervisor)"
                           : "switch it on in the firmware and boot with intel_iommu=on iommu=pt (AMD: iommu=pt)";
    return check;
}

BypassCheck check_vfio(const BypassFacts& facts)
{
    BypassCheck check{"VFIO", facts.vfio_pci ? State::Ready : State::Missing,
                      facts.vfio_pci ? "vfio-pci is there" : "no vfio-pci", facts.vfio_pci ? "" : "modprobe vfio-pci"};
    const bool no_iommu = facts.iommu_groups && *facts.iommu_groups == 0;
    if (facts.vfio_pci && no_iommu) {
        check.state = facts.vfio_no_iommu ? State::Partly : State::Missing;
        check.seen += facts.vfio_no_iommu ? ", without an IOMMU: the program can write to all of memory"
                                          : ", but without an IOMMU it takes no device";
    }
    return check;
}

BypassCheck check_af_xdp(const BypassFacts& facts)
{
    if (!facts.af_xdp) return {"AF_XDP sockets", State::Unknown, reason(facts.af_xdp.error()), ""};
    if (*facts.af_xdp) return {"AF_XDP sockets", State::Ready, "CONFIG_XDP_SOCKETS=y", ""};
    return {"AF_XDP sockets", State::Missing, "this kernel is built without them",
            "a kernel with CONFIG_XDP_SOCKETS=y"};
}

// ---- a NIC ----

std::string xdp_words(const XdpSupport& xdp)
{
    std::vector<std::string_view> words;
    for (const auto& [has, word] : {std::pair{xdp.native, "native"}, std::pair{xdp.redirect, "redirect"},
                                    std::pair{xdp.transmit, "transmit"}, std::pair{xdp.multi_buffer, "multi-buffer"}})
        if (has) words.emplace_back(word);
    return words.empty() ? "generic mode only" : fmt::format("{}", fmt::join(words, ", "));
}

BypassCheck check_xdp(const BypassNic& nic)
{
    if (!nic.xdp)
        return {"XDP in the driver", State::Unknown, reason(nic.xdp.error()), "ask again on Linux 6.3 or later"};
    const State state = !nic.xdp->native ? State::Missing : nic.xdp->redirect ? State::Ready : State::Partly;
    return {"XDP in the driver", state, xdp_words(*nic.xdp),
            state == State::Missing ? "the driver has no XDP, or an offload it cannot combine (LRO, a large MTU) is on"
                                    : ""};
}

BypassCheck check_zero_copy(const BypassNic& nic)
{
    if (!nic.xdp)
        return {"AF_XDP zero copy", State::Unknown, reason(nic.xdp.error()), "ask again on Linux 6.3 or later"};
    if (nic.xdp->zero_copy)
        return {"AF_XDP zero copy", State::Ready,
                nic.xdp->segments > 1 ? fmt::format("frames of up to {} segments", nic.xdp->segments) : "yes", ""};
    return {"AF_XDP zero copy", nic.xdp->native ? State::Partly : State::Missing,
            nic.xdp->native ? "copy mode: the kernel copies each frame"
                            : "generic mode: after the socket buffer is made",
            ""};
}

std::string way_words(const PollModeDriver& driver)
{
    switch (driver.way) {
    case Way::Vfio:
        return fmt::format("{}, by vfio-pci instead of {}", driver.name, driver.kernel_driver);
    case Way::Bifurcated:
        return fmt::format("{}, beside {}, which stays", driver.name, driver.kernel_driver);
    case Way::Vmbus:
        return fmt::format("{}, by uio_hv_generic, or on its virtual function", driver.name);
    }
    return std::string(driver.name);
}

// What keeps the poll-mode driver from starting.
std::vector<std::string> lacking(const BypassFacts& facts, const BypassNic& nic, const PollModeDriver& driver)
{
    std::vector<std::string> missing;
    if (check_huge_pages(facts).state != State::Ready) missing.emplace_back("huge pages");
    if (driver.way != Way::Vfio) return missing;
    if (!facts.vfio_pci) missing.emplace_back("vfio-pci");
    if (!nic.iommu_group && !facts.vfio_no_iommu) missing.emplace_back("an IOMMU group");
    return missing;
}

BypassCheck check_poll_mode(const BypassFacts& facts, const BypassNic& nic)
{
    BypassCheck check{"DPDK poll-mode driver", State::Missing, "none is known for " + nic.driver,
                      "net_af_xdp works over any driver with XDP"};
    const PollModeDriver* driver = poll_mode_driver(nic.driver);
    if (driver == nullptr) return check;
    const auto missing = lacking(facts, nic, *driver);
    check.state = missing.empty() ? State::Ready : State::Partly;
    check.seen = way_words(*driver);
    check.remedy = missing.empty() ? "" : fmt::format("it still needs {}", fmt::join(missing, ", "));
    return check;
}

std::vector<std::string> losses(const BypassNic& nic)
{
    std::vector<std::string> lost;
    if (nic.busy) lost.push_back(fmt::format("{} carries the {}: what goes over it ends", nic.name, nic.used_for));
    const PollModeDriver* driver = poll_mode_driver(nic.driver);
    if (driver != nullptr && driver->way == Way::Bifurcated) {
        lost.emplace_back("flows that the program takes: firewall, connection tracking, tcpdump and statistics of the "
                          "kernel do not see them; the interface itself stays");
        return lost;
    }
    lost.push_back(fmt::format("{} as an interface: its addresses, routes, qdiscs, bond or bridge, and ip, ethtool, "
                               "tcpdump on it",
                               nic.name));
    lost.emplace_back("the kernel's TCP and UDP, firewall and connection tracking for its traffic: the program brings "
                      "its own or does without");
    lost.emplace_back("every setting netwright made on it, and its counters");
    lost.emplace_back("one CPU or more, busy all the time, also without traffic");
    return lost;
}

} // namespace

const PollModeDriver* poll_mode_driver(std::string_view kernel_driver)
{
    const auto* const found = std::ranges::find(poll_mode_drivers, kernel_driver, &PollModeDriver::kernel_driver);
    return found == poll_mode_drivers.end() ? nullptr : found;
}

BypassReport judge_bypass(const BypassFacts& facts)
{
    BypassReport report;
    report.host = {check_huge_pages(facts), check_hugetlbfs(facts), check_iommu(facts), check_vfio(facts),
                   check_af_xdp(facts)};
    for (const BypassNic& nic : facts.nics)
        report.nics.push_back(
            {nic.name, nic.driver, {check_xdp(nic), check_zero_copy(nic), check_poll_mode(facts, nic)}, losses(nic)});
    return report;
}

} // namespace netwright::advise
