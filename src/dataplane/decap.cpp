// SPDX-License-Identifier: GPL-2.0-or-later
// Loading, installing and removing the decapsulating program.
#include "dataplane/decap.h"

#include "base/text.h"
#include "dataplane/loaded.h"
#include "dataplane/pins.h"
#include "kernel/libbpf_silence.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "decap.skel.h"

namespace netwright::dataplane {
namespace {

namespace fs = std::filesystem;

decap_source source_of(const Prefix& prefix)
{
    decap_source source{};
    std::array<std::uint8_t, 16> mask{};
    for (unsigned bit = 0; bit < prefix.length; ++bit)
        mask[bit / 8] = static_cast<std::uint8_t>(mask[bit / 8] | 0x80U >> bit % 8);
    std::memcpy(source.address, prefix.address.data(), sizeof source.address);
    std::memcpy(source.mask, mask.data(), sizeof source.mask);
    source.ipv6 = prefix.ipv6;
    return source;
}

std::string to_text(const Decap& decap)
{
    std::string text = fmt::format("xdp {}\ngue-port {}\n", decap.generic ? "generic" : "native", decap.gue_port);
    for (const std::string& interface : decap.interfaces)
        text += fmt::format("interface {}\n", interface);
    for (const Prefix& source : decap.sources)
        text += fmt::format("source {}\n", to_text(source));
    return text;
}

Result<Decap> parse_decap(std::string_view text)
{
    Decap decap;
    std::string_view line;
    while (next_line(text, line)) {
        std::string_view word, rest = line;
        next_word(rest, word);
        rest = trim(rest);
        if (word == "xdp")
            decap.generic = rest == "generic";
        else if (word == "gue-port")
            decap.gue_port = static_cast<std::uint16_t>(TRY(parse_unsigned(rest)));
        else if (word == "interface")
            decap.interfaces.emplace_back(rest);
        else if (word == "source")
            decap.sources.push_back(TRY(parse_prefix(rest)));
        else
            return fail(Error::Kind::Malformed,
                        fmt::format("the installed decapsulation's state has a line '{}'", line));
    }
    return decap;
}

Result<std::optional<Decap>> state_of(const fs::path& directory)
{
    const auto text = TRY(pinned_state(directory));
    if (!text) return std::nullopt;
    return TRY(parse_decap(*text));
}

Result<void> replace(const fs::path& directory, const Decap& decap, const Decap& before)
{
    const auto program = TRY(DecapProgram::load(decap.sources, decap.gue_port));
    PinnedLinks links(directory);
    for (const std::string& interface : decap.interfaces)
        TRY_VOID(links.add(interface, program.program(), decap.generic));
    TRY_VOID(prepare_state(directory, to_text(decap)));
    const fs::path counts = directory / "counts";
    ::unlink(counts.c_str()); // another program counts from zero
    TRY_VOID(pin(program.counts(), counts));
    TRY_VOID(links.pin_new());
    TRY_VOID(commit_state(directory));
    links.keep();
    return unpin_others(directory, before.interfaces, decap.interfaces);
}

} // namespace

Result<DecapProgram> DecapProgram::load(std::span<const Prefix> sources, std::uint16_t gue_port)
{
    if (sources.empty() || sources.size() > DECAP_SOURCES)
        return fail(Error::Kind::Rejected,
                    fmt::format("name 1 to {} prefixes that balancers send from", +DECAP_SOURCES));
    const kernel::LibbpfSilence silence;
    const std::unique_ptr<decap_bpf, decltype(&decap_bpf__destroy)> skeleton(decap_bpf__open(), decap_bpf__destroy);
    if (!skeleton) return not_loaded("decapsulating program", errno);
    skeleton->rodata->source_count = static_cast<__u32>(sources.size());
    skeleton->rodata->gue_port = __builtin_bswap16(gue_port);
    std::ranges::transform(sources, skeleton->rodata->sources, source_of);
    if (const int code = decap_bpf__load(skeleton.get()); code < 0) return not_loaded("decapsulating program", -code);
    Fd program = TRY(second_hold(bpf_program__fd(skeleton->progs.decap)));
    Fd counts = TRY(second_hold(bpf_map__fd(skeleton->maps.decap_counts)));
    return DecapProgram(std::move(program), std::move(counts));
}

Result<void> install_decap(const fs::path& directory, const Decap& decap)
{
    const Fd claim = TRY(claim_pins(directory));
    const auto before = TRY(state_of(directory));
    if (before && before->generic != decap.generic)
        return fail(Error::Kind::Rejected, "the running decapsulation has another XDP mode (native or generic), and "
                                           "changing it interrupts connections: netwright lb decap --off first");
    if (!before) TRY_VOID(clear_pins(directory));
    auto replaced = replace(directory, decap, before.value_or(Decap{}));
    if (!replaced && !before) (void)remove_pins(directory);
    return replaced;
}

Result<void> remove_decap(const fs::path& directory)
{
    const Fd claim = TRY(claim_pins(directory));
    return remove_pins(directory);
}

Result<std::optional<InstalledDecap>> installed_decap(const fs::path& directory)
{
    auto state = TRY(state_of(directory));
    if (!state) return std::nullopt;
    const Fd counts = TRY(pinned(directory / "counts"));
    auto sums = TRY(sum_counts<decap_count>(counts.get(), DECAP_COUNT_MOST));
    return InstalledDecap{*std::move(state), std::move(sums)};
}

} // namespace netwright::dataplane
