// SPDX-License-Identifier: GPL-2.0-or-later
// The names drivers give their interrupts (request_irq in drivers/net), one row a form.
//
// Names are made when the interface comes up and keep the name it had then: "eth0-TxRx-3" may belong to ens5. Whose an
// interrupt is, sysfs tells (device/msi_irqs); here only the queue matters.
#include "advise/vector_name.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace netwright::advise {
namespace {

enum class Says { Receive, Transmit, Both, Halves }; // Halves: the first half of the vectors sends, the second receives

struct Form {
    std::string_view pattern; // * is the device, # the number
    Says says;
    std::string_view drivers; // "": the form is plain enough to be believed of any driver
};

constexpr std::array forms{
    Form{"*-input.#", Says::Receive, ""},      // virtio_net: virtio0-input.0
    Form{"*-output.#", Says::Transmit, ""},    // virtio_net
    Form{"*-virtqueues", Says::Both, ""},      // virtio_pci with too few vectors: one for all queues
    Form{"mlx5_comp#@*", Says::Both, ""},      // mlx5_core: mlx5_comp0@pci:0000:03:00.0
    Form{"mlx4-#@*", Says::Both, ""},          // mlx4_core, counted from 1
    Form{"mana_q#@*", Says::Both, ""},         // mana
    Form{"gve-ntfy-blk#@*", Says::Halves, ""}, // gve since 6.3
    Form{"*-ntfy-block.#", Says::Halves, ""},  // gve before
    Form{"*-Tx-Rx-#", Says::Both, ""},         // ena: ens5-Tx-Rx-0
    Form{"*-TxRx-#", Says::Both, ""},          // ixgbe, igb, igc, bnxt, hns3; ice-eth0-TxRx-0, i40e, iavf, idpf
    Form{"*-rxtx-#", Says::Both, ""},          // vmxnet3, nfp, octeontx2
    Form{"*-txrx-#", Says::Both, ""},          // tg3
    Form{"*-fp-#", Says::Both, ""},            // bnx2x, qede
    Form{"*-q#-rx", Says::Receive, ""},        // xen-netfront: eth0-q0-rx
    Form{"*-q#-tx", Says::Transmit, ""},       // xen-netfront
    Form{"*-q#", Says::Both, "be2net"},        // eth0-q0
    Form{"*-Rx#", Says::Receive, "cxgb4"},     // eth0-Rx0
    Form{"*-rx-#", Says::Receive, ""},         // e1000e, igb, ixgbe, vmxnet3, enic, sfc
    Form{"*-tx-#", Says::Transmit, ""},        // the same
    Form{"*:rx-#", Says::Receive, ""},         // stmmac: eth0:rx-0
    Form{"*:tx-#", Says::Transmit, ""},        // stmmac
    Form{"*-rx#", Says::Receive, ""},          // ionic
    Form{"*-tx#", Says::Transmit, ""},         // ionic
    Form{"*-#", Says::Both, "sfc bnx2 atlantic mlx4_core mlx4_en"},
};

// Parts of names that no form fits, of interrupts that carry no packets.
constexpr std::array control_words{
    std::string_view{"config"}, std::string_view{"control"}, std::string_view{"mgmnt"},  std::string_view{"mgmt"},
    std::string_view{"async"},  std::string_view{"aenq"},    std::string_view{"misc"},   std::string_view{"event"},
    std::string_view{"cmd"},    std::string_view{"pages"},   std::string_view{"fw"},     std::string_view{"ptp"},
    std::string_view{"mbx"},    std::string_view{"hwc"},     std::string_view{"fdir"},   std::string_view{"lsc"},
    std::string_view{"-exn"},   std::string_view{"-err"},    std::string_view{"notify"}, std::string_view{"link"},
    std::string_view{"adminq"}, std::string_view{":mac"},    std::string_view{":wol"},   std::string_view{":lpi"},
};

struct Match {
    std::string_view device;
    std::uint32_t number = 0;
};

// Takes the digits off the end of `text`.
std::optional<std::uint32_t> take_number(std::string_view& text)
{
    std::size_t start = text.size();
    while (start > 0 && is_digit(text[start - 1]))
        --start;
    const auto number = parse_unsigned(text.substr(start));
    if (!number || *number > 65535) return std::nullopt;
    text.remove_suffix(text.size() - start);
    return static_cast<std::uint32_t>(*number);
}

// "*…#…": the device comes first, the number last, with fixed text between and perhaps behind.
std::optional<Match> match_device_first(std::string_view between, std::string_view behind, std::string_view name)
{
    if (!name.ends_with(behind)) return std::nullopt;
    name.remove_suffix(behind.size());
    const auto number = take_number(name);
    if (!number || !name.ends_with(between) || name.size() == between.size()) return std::nullopt;
    return Match{name.substr(0, name.size() - between.size()), *number};
}

// "…#@*": the device comes last.
std::optional<Match> match_device_last(std::string_view before, std::string_view name)
{
    const std::size_t at = name.find('@');
    if (at == std::string_view::npos || at + 1 == name.size()) return std::nullopt;
    std::string_view numbered = name.substr(0, at);
    const auto number = take_number(numbered);
    if (!number || numbered != before) return std::nullopt;
    return Match{name.substr(at + 1), *number};
}

std::optional<Match> match(std::string_view pattern, std::string_view name)
{
    const std::size_t number = pattern.find('#');
    if (number == std::string_view::npos)
        return glob_match(pattern, name) ? std::optional(Match{name.substr(0, name.size() - pattern.size() + 1), 0})
                                         : std::nullopt;
    if (pattern.front() == '*')
        return match_device_first(pattern.substr(1, number - 1), pattern.substr(number + 1), name);
    return match_device_last(pattern.substr(0, number), name);
}

bool used_by(const Form& form, std::string_view driver)
{
    const auto drivers = split_words(form.drivers);
    return drivers.empty() || std::ranges::find(drivers, driver) != drivers.end();
}

struct Found {
    const Form* form = nullptr;
    Match match;
};

std::optional<Found> find_form(std::string_view driver, std::string_view name)
{
    for (const Form& form : forms)
        if (used_by(form, driver))
            if (const auto found = match(form.pattern, name)) return Found{&form, *found};
    return std::nullopt;
}

// "nvme0q3", "ahci[0000:00:1f.2]", "virtio1-req.0" (virtio_blk), "megasas0-msix3"
bool is_storage(std::string_view name)
{
    constexpr std::array disks{
        std::string_view{"nvme*q*"},   std::string_view{"ahci*"},    std::string_view{"*-req.*"},
        std::string_view{"megasas*"},  std::string_view{"mpt*sas*"}, std::string_view{"*-request"},
        std::string_view{"qla2xxx*"},  std::string_view{"lpfc*"},    std::string_view{"hpsa*"},
        std::string_view{"smartpqi*"}, std::string_view{"aacraid*"}};
    return std::ranges::any_of(disks, [&](std::string_view glob) { return glob_match(glob, name); });
}

bool is_control(std::string_view name)
{
    return std::ranges::any_of(control_words,
                               [&](std::string_view word) { return name.find(word) != std::string_view::npos; });
}

// "ice-eth0" → "eth0": Intel's newer drivers put their own name first.
std::string_view without_driver(std::string_view driver, std::string_view device)
{
    if (!driver.empty() && device.starts_with(driver) && device.substr(driver.size()).starts_with('-'))
        device.remove_prefix(driver.size() + 1);
    return device;
}

Traffic traffic_of(Says says)
{
    if (says == Says::Receive) return Traffic::Receive;
    return says == Says::Transmit ? Traffic::Transmit : Traffic::Both;
}

struct Numbered {
    unsigned irq = 0;
    std::uint32_t number = 0;
    Says says = Says::Both;
};

// The queue is the place among those that serve the same side.
std::vector<QueueVector> ranked(const std::vector<Numbered>& vectors)
{
    std::vector<QueueVector> queues;
    for (const Numbered& one : vectors) {
        const auto before = std::ranges::count_if(vectors, [&](const Numbered& other) {
            return other.says == one.says && std::tie(other.number, other.irq) < std::tie(one.number, one.irq);
        });
        queues.push_back({one.irq, static_cast<std::uint32_t>(before), traffic_of(one.says)});
    }
    std::ranges::sort(queues, {},
                      [](const QueueVector& each) { return std::tuple(each.queue, each.traffic, each.irq); });
    return queues;
}

// gve_tx_idx_to_ntfy(), gve_rx_idx_to_ntfy() in drivers/net/ethernet/google/gve/gve.h
void tell_halves_apart(std::vector<Numbered>& vectors)
{
    std::vector<Numbered*> halves;
    for (Numbered& one : vectors)
        if (one.says == Says::Halves) halves.push_back(&one);
    std::ranges::sort(halves, {}, [](const Numbered* one) { return one->number; });
    for (std::size_t i = 0; i < halves.size(); ++i)
        halves[i]->says = i < halves.size() / 2 ? Says::Transmit : Says::Receive;
}

// "eth0", "virtio0"
bool is_one_word(std::string_view action)
{
    const auto letter = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    return !action.empty() && is_digit(action.back()) && std::ranges::all_of(action, letter);
}

// A bare name is for everything if the device has no other interrupt, else for link changes (igb, ixgbe, e1000e).
void settle_bare_names(const Nic& nic, const std::vector<std::string>& devices,
                       std::vector<const NicInterrupt*>& unknown, std::vector<Numbered>& numbered)
{
    if (nic.interrupts->size() == 1 && unknown.size() == 1 && is_one_word(unknown.front()->action)) {
        numbered.push_back({unknown.front()->irq, 0, Says::Both});
        unknown.clear();
    }
    std::erase_if(unknown, [&](const NicInterrupt* each) {
        return each->action == nic.name || std::ranges::find(devices, each->action) != devices.end();
    });
}

// virtio and mlx5 keep the vectors of all the queues there may be, also while fewer are in use (ethtool -L): the first
// ones are. Where sysfs did not tell the queues, none is left out.
void leave_out_idle(const Nic& nic, std::vector<QueueVector>& vectors)
{
    if (!nic.queues) return;
    const auto in_use = [&](std::string_view side) {
        return static_cast<std::size_t>(
            std::ranges::count_if(*nic.queues, [&](const Queue& each) { return each.name.starts_with(side); }));
    };
    const std::size_t receiving = in_use("rx-"), sending = in_use("tx-");
    if (receiving == 0 || sending == 0) return;
    std::erase_if(vectors, [&](const QueueVector& vector) {
        return vector.queue >= (vector.traffic == Traffic::Receive    ? receiving
                                : vector.traffic == Traffic::Transmit ? sending
                                                                      : std::max(receiving, sending));
    });
}

} // namespace

std::string_view to_text(Traffic traffic)
{
    constexpr std::array<std::string_view, 3> names{"rx", "tx", "rx and tx"};
    return names.at(static_cast<std::size_t>(traffic));
}

VectorName parse_vector_name(std::string_view driver, std::string_view action)
{
    const std::string_view name = trim(action);
    VectorName answer;
    const auto found = find_form(driver, name);
    if (is_storage(name)) {
        answer.duty = Duty::Storage;
    } else if (found && !found->match.device.ends_with("fdir")) { // i40e's flow director has a queue pair of its own
        answer.duty = Duty::Packets;
        answer.traffic = traffic_of(found->form->says);
        answer.number = found->match.number;
        answer.device = without_driver(driver, found->match.device);
    } else if (found || is_control(name)) {
        answer.duty = Duty::Control;
    }
    return answer;
}

NicVectors vectors_of(const Nic& nic)
{
    NicVectors vectors;
    if (!nic.interrupts) return vectors;
    const std::string driver = nic.driver.value_or("");
    std::vector<Numbered> numbered;
    std::vector<std::string> devices;
    for (const NicInterrupt& interrupt : *nic.interrupts) {
        const VectorName name = parse_vector_name(driver, interrupt.action);
        if (name.duty == Duty::Packets) {
            numbered.push_back({interrupt.irq, name.number, find_form(driver, trim(interrupt.action))->form->says});
            devices.push_back(name.device);
        } else if (name.duty == Duty::Unknown && !interrupt.action.empty()) {
            vectors.unknown.push_back(&interrupt);
        }
    }
    settle_bare_names(nic, devices, vectors.unknown, numbered);
    tell_halves_apart(numbered);
    vectors.queues = ranked(numbered);
    leave_out_idle(nic, vectors.queues);
    return vectors;
}

} // namespace netwright::advise
