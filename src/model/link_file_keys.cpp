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
    unsigned since = 0; // systemd's version that brought it; 0: older than any that meets a kernel from 5.10 on
    Form form = Form::Number;
};
constexpr std::array rows{
    Row{"link/mtu", "MTUBytes"},
    Row{"link/txqueuelen", "TransmitQueueLength", 248},
    Row{"link/gso_max_size", "GenericSegmentOffloadMaxBytes", 249},
    Row{"link/gso_max_segs", "GenericSegmentOffloadMaxSegments", 249},
    Row{"nic/ring/rx", "RxBufferSize", 244},
    Row{"nic/ring/rx-mini", "RxMiniBufferSize", 244},
    Row{"nic/ring/rx-jumbo", "RxJumboBufferSize", 244},
    Row{"nic/ring/tx", "TxBufferSize", 244},
    Row{"nic/queues/rx", "RxChannels"},
    Row{"nic/queues/tx", "TxChannels"},
    Row{"nic/queues/other", "OtherChannels"},
    Row{"nic/queues/combined", "CombinedChannels"},
    Row{"nic/pause/rx", "RxFlowControl", 246, Form::Switch},
    Row{"nic/pause/tx", "TxFlowControl", 246, Form::Switch},
    Row{"nic/pause/autoneg", "AutoNegotiationFlowControl", 246, Form::Switch},
    Row{"nic/offload/rx-checksum", "ReceiveChecksumOffload", 245, Form::Switch},
    Row{"nic/offload/tx-generic-segmentation", "GenericSegmentationOffload", 0, Form::Switch},
    Row{"nic/offload/tx-tcp-segmentation", "TCPSegmentationOffload", 0, Form::Switch},
    Row{"nic/offload/tx-tcp6-segmentation", "TCP6SegmentationOffload", 0, Form::Switch},
    Row{"nic/offload/rx-gro", "GenericReceiveOffload", 0, Form::Switch},
    Row{"nic/offload/rx-gro-hw", "GenericReceiveOffloadHardware", 250, Form::Switch},
    Row{"nic/offload/rx-lro", "LargeReceiveOffload", 0, Form::Switch},
    Row{"nic/offload/rx-vlan-hw-parse", "ReceiveVLANCTAGHardwareAcceleration", 250, Form::Switch},
    Row{"nic/offload/tx-vlan-hw-insert", "TransmitVLANCTAGHardwareAcceleration", 250, Form::Switch},
    Row{"nic/offload/rx-vlan-filter", "ReceiveVLANCTAGFilter", 250, Form::Switch},
    Row{"nic/offload/tx-vlan-stag-hw-insert", "TransmitVLANSTAGHardwareAcceleration", 250, Form::Switch},
    Row{"nic/offload/rx-ntuple-filter", "NTupleFilter", 250, Form::Switch},
    Row{"nic/coalesce/adaptive-rx", "UseAdaptiveRxCoalesce", 250, Form::Switch},
    Row{"nic/coalesce/adaptive-tx", "UseAdaptiveTxCoalesce", 250, Form::Switch},
    Row{"nic/coalesce/rx-usecs", "RxCoalesceSec", 250, Form::Microseconds},
    Row{"nic/coalesce/rx-usecs-irq", "RxCoalesceIrqSec", 250, Form::Microseconds},
    Row{"nic/coalesce/rx-usecs-low", "RxCoalesceLowSec", 250, Form::Microseconds},
    Row{"nic/coalesce/rx-usecs-high", "RxCoalesceHighSec", 250, Form::Microseconds},
    Row{"nic/coalesce/tx-usecs", "TxCoalesceSec", 250, Form::Microseconds},
    Row{"nic/coalesce/tx-usecs-irq", "TxCoalesceIrqSec", 250, Form::Microseconds},
    Row{"nic/coalesce/tx-usecs-low", "TxCoalesceLowSec", 250, Form::Microseconds},
    Row{"nic/coalesce/tx-usecs-high", "TxCoalesceHighSec", 250, Form::Microseconds},
    Row{"nic/coalesce/rx-frames", "RxMaxCoalescedFrames", 250},
    Row{"nic/coalesce/rx-frames-irq", "RxMaxCoalescedIrqFrames", 250},
    Row{"nic/coalesce/rx-frames-low", "RxMaxCoalescedLowFrames", 250},
    Row{"nic/coalesce/rx-frames-high", "RxMaxCoalescedHighFrames", 250},
    Row{"nic/coalesce/tx-frames", "TxMaxCoalescedFrames", 250},
    Row{"nic/coalesce/tx-frames-irq", "TxMaxCoalescedIrqFrames", 250},
    Row{"nic/coalesce/tx-frames-low", "TxMaxCoalescedLowFrames", 250},
    Row{"nic/coalesce/tx-frames-high", "TxMaxCoalescedHighFrames", 250},
    Row{"nic/coalesce/pkt-rate-low", "CoalescePacketRateLow", 250},
    Row{"nic/coalesce/pkt-rate-high", "CoalescePacketRateHigh", 250},
    Row{"nic/coalesce/stats-block-usecs", "StatisticsBlockCoalesceSec", 250, Form::Microseconds},
    Row{"nic/speed", "BitsPerSecond", 0, Form::Speed},
    Row{"nic/vfs", "SR-IOVVirtualFunctions", 251},
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

bool has_link_file_key(const Tunable& tunable, unsigned systemd)
{
    const Row* const row = row_of(tunable);
    return row && systemd >= row->since;
}

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
