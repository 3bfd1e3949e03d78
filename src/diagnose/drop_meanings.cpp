// SPDX-License-Identifier: GPL-2.0-or-later
// The catalogue's topics as layers and natures.
#include "diagnose/drop_meanings.h"

#include "catalog/topic.h"

#include <algorithm>
#include <array>

namespace netwright::diagnose {
namespace {

struct LayerWord {
    std::string_view word;
    Layer layer;
};

constexpr std::array layer_words{
    LayerWord{"nic", Layer::Nic},
    LayerWord{"virtual", Layer::Driver},
    LayerWord{"bridge", Layer::Driver},
    LayerWord{"tunnel", Layer::Ip},
    LayerWord{"xdp", Layer::Xdp},
    LayerWord{"softnet", Layer::Softirq},
    LayerWord{"qdisc", Layer::Qdisc},
    LayerWord{"netfilter", Layer::Netfilter},
    LayerWord{"ipsec", Layer::Netfilter},
    LayerWord{"ip", Layer::Ip},
    LayerWord{"route", Layer::Ip},
    LayerWord{"icmp", Layer::Ip},
    LayerWord{"neighbour", Layer::Neighbour},
    LayerWord{"tcp", Layer::Transport},
    LayerWord{"udp", Layer::Socket},
    LayerWord{"socket", Layer::Socket},
    LayerWord{"application", Layer::Application},
};

} // namespace

std::optional<Layer> layer_called(std::string_view word)
{
    const auto found = std::ranges::find(layer_words, word, &LayerWord::word);
    return found == layer_words.end() ? std::nullopt : std::optional(found->layer);
}

std::optional<DropMeaning> meaning_of(std::string_view reason)
{
    const catalog::Topic* const topic = catalog::find_topic(reason);
    if (!topic || topic->kind != catalog::TopicKind::DropReason) return std::nullopt;
    // Where it depends, the drop alone accuses nobody.
    const Nature nature = topic->harm == catalog::Harm::Harmful  ? Nature::Harmful
                          : topic->harm == catalog::Harm::Policy ? Nature::Policy
                                                                 : Nature::Harmless;
    return DropMeaning{topic->name, layer_called(topic->layer).value_or(Layer::Ip), nature, topic->means, topic->look};
}

} // namespace netwright::diagnose
