// SPDX-License-Identifier: GPL-2.0-or-later
// The table of systemd.link(5), and how each of its values is written.
#include "model/link_file_keys.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace netwright {
namespace {

enum class Form { Number, Switch, Microseconds, Speed };

struct Row {
    std::string_view setting; // behind the interface's name, with its prefix: "nic/ring/rx"
    std::string_view key;
    Form form = Form::Number;
};
constexpr std::array rows{
    Row{"link/mtu", "MTUBytes"},
    Row{"link/txqueuelen", "TransmitQueueLength"},
    Row{"link/gso_max_size", "GenericSegmentOffloadMaxBytes"},
    Row{"link/gso_max_segs", "GenericSegmentOffloadMaxSegments"},
    Row{"nic/ring/rx", "RxBufferSize"},
    Row{"nic/ring/rx-mini", "RxMiniBufferSize"},
    Row{"nic/ring/rx-jumbo", "RxJumboBufferSize"},
    Row{"nic/ring/tx", "TxBufferSize"},
    Row{"nic/queues/rx", "RxChannels"},
    Row{"nic/queues/tx", "TxChannels"},
    Row{"nic/queues/other", "OtherChannels"},
    Row{"nic/queues/combined", "CombinedChannels"},
    Row{"nic/pause/rx", "RxFlowControl", Form::Switch},
    Row{"nic/pause/tx", "TxFlowControl", Form::Switch},
    Row{"nic/pause/autoneg", "AutoNegotiationFlowControl", Form::Switch},
    Row{"nic/offload/rx-checksum", "ReceiveChecksumOffload", Form::Switch},
    Row{"nic/offload/tx-generic-segmentation", "GenericSegmentationOffload", Form::Switch},
    Row{"nic/offload/tx-tcp-segmentation", "TCPSegmentationOffload", Form::Switch},
    Row{"nic/offload/tx-tcp6-segmentation", "TCP6SegmentationOffload", Form::Switch},
    Row{"nic/offload/rx-gro", "GenericReceiveOffload", Form::Switch},
    Row{"nic/offload/rx-gro-hw", "GenericReceiveOffloadHardware", Form::Switch},
    Row{"nic/offload/rx-lro", "LargeReceiveOffload", Form::Switch},
    Row{"nic/offload/rx-vlan-hw-parse", "ReceiveVLANCTAGHardwareAcceleration", Form::Switch},
    Row{"nic/offload/tx-vlan-hw-insert", "TransmitVLANCTAGHardwareAcceleration", Form::Switch},
    Row{"nic/offload/rx-vlan-filter", "ReceiveVLANCTAGFilter", Form::Switch},
    Row{"nic/offload/tx-vlan-stag-hw-insert", "TransmitVLANSTAGHardwareAcceleration", Form::Switch},
    Row{"nic/offload/rx-ntuple-filter", "NTupleFilter", Form::Switch},
    Row{"nic/coalesce/adaptive-rx", "UseAdaptiveRxCoalesce", Form::Switch},
    Row{"nic/coalesce/adaptive-tx", "UseAdaptiveTxCoalesce", Form::Switch},
    Row{"nic/coalesce/rx-usecs", "RxCoalesceSec", Form::Microseconds},
    Row{"nic/coalesce/rx-usecs-irq", "RxCoalesceIrqSec", Form::Microseconds},
    Row{"nic/coalesce/rx-usecs-low", "RxCoalesceLowSec", Form::Microseconds},
    Row{"nic/coalesce/rx-usecs-high", "RxCoalesceHighSec", Form::Microseconds},
    Row{"nic/coalesce/tx-usecs", "TxCoalesceSec", Form::Microseconds},
    Row{"nic/coalesce/tx-usecs-irq", "TxCoalesceIrqSec", Form::Microseconds},
    Row{"nic/coalesce/tx-usecs-low", "TxCoalesceLowSec", Form::Microseconds},
    Row{"nic/coalesce/tx-usecs-high", "TxCoalesceHighSec", Form::Microseconds},
    Row{"nic/coalesce/rx-frames", "RxMaxCoalescedFrames"},
    Row{"nic/coalesce/rx-frames-irq", "RxMaxCoalescedIrqFrames"},
    Row{"nic/coalesce/rx-frames-low", "RxMaxCoalescedLowFrames"},
    Row{"nic/coalesce/rx-frames-high", "RxMaxCoalescedHighFrames"},
    Row{"nic/coalesce/tx-frames", "TxMaxCoalescedFrames"},
    Row{"nic/coalesce/tx-frames-irq", "TxMaxCoalescedIrqFrames"},
    Row{"nic/coalesce/tx-frames-low", "TxMaxCoalescedLowFrames"},
    Row{"nic/coalesce/tx-frames-high", "TxMaxCoalescedHighFrames"},
    Row{"nic/coalesce/pkt-rate-low", "CoalescePacketRateLow"},
    Row{"nic/coalesce/pkt-rate-high", "CoalescePacketRateHigh"},
    Row{"nic/coalesce/stats-block-usecs", "StatisticsBlockCoalesceSec", Form::Microseconds},
    Row{"nic/speed", "BitsPerSecond", Form::Speed},
    Row{"nic/vfs", "SR-IOVVirtualFunctions"},
};

// "nic/eth0/ring/rx" without its interface.
std::string setting_of(const Tunable& tunable)
{
    std::string text = to_text(tunable);
    const std::string_view nic = interface_of(tunable);
    const std::size_t first = text.find('/');
    if (!nic.empty() && first != std::string::npos) text.erase(first, nic.size() + 1);
    return text;
}

const Row* row_of(const Tunable& tunable)
{
    const auto row = std::ranges::find(rows, setting_of(tunable), &Row::setting);
    return row == rows.end() ? nullptr : &*row;
}

std::vector<std::string> speed_lines(std::string_view speed)
{
    const std::size_t slash = speed.find('/');
    if (slash == std::string_view::npos) return {"AutoNegotiation=yes"};
    return {"AutoNegotiation=no", fmt::format("BitsPerSecond={}M", speed.substr(0, slash)),
            fmt::format("Duplex={}", speed.substr(slash + 1))};
}

} // namespace

bool has_link_file_key(const Tunable& tunable) { return row_of(tunable) != nullptr; }

std::vector<std::string> link_file_lines(const Tunable& tunable, const Value& value)
{
    const Row* const row = row_of(tunable);
    if (!row) return {};
    const std::string text = to_text(value);
    switch (row->form) {
    case Form::Number:
        return {fmt::format("{}={}", row->key, text)};
    case Form::Switch:
        return {fmt::format("{}={}", row->key, text == "on" ? "yes" : "no")};
    case Form::Microseconds:
        return {fmt::format("{}={}us", row->key, text)};
    case Form::Speed:
        return speed_lines(text);
    }
    return {};
}

} // namespace netwright
