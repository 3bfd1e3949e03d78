// SPDX-License-Identifier: GPL-2.0-or-later
// Whose program an interface has, and moving it aside and back.
#include "dataplane/other_xdp.h"

#include "dataplane/loaded.h"
#include "dataplane/pins.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace netwright::dataplane {
namespace {

namespace fs = std::filesystem;

// How its pin begins says how it was attached.
constexpr std::array<std::string_view, 2> pin_words{"behind-native-", "behind-generic-"};

fs::path pin_of(const fs::path& directory, const OtherXdp& other)
{
    std::string file = std::string(pin_words.at(other.generic)) + other.interface;
    std::ranges::replace(file, '.', ':'); // bpffs keeps dots for itself, interfaces have no colons
    return directory / file;
}

Result<void> describe(OtherXdp& other)
{
    bpf_prog_info info{};
    __u32 size = sizeof info;
    if (bpf_obj_get_info_by_fd(other.program.get(), &info, &size) < 0)
        return std::unexpected(errno_error("look at an XDP program", errno));
    other.id = info.id;
    other.name = info.name;
    return {};
}

// The BPF link that holds that program on that interface; 0: netlink attached it.
std::uint32_t link_of(unsigned index, std::uint32_t program)
{
    for (std::uint32_t id = 0; bpf_link_get_next_id(id, &id) == 0;) {
        const Fd link(bpf_link_get_fd_by_id(id));
        bpf_link_info info{};
        __u32 size = sizeof info;
        if (!link || bpf_obj_get_info_by_fd(link.get(), &info, &size) < 0) continue;
        if (info.type == BPF_LINK_TYPE_XDP && info.xdp.ifindex == index && info.prog_id == program) return id;
    }
    return 0;
}

std::unexpected<Error> busy(const OtherXdp& other, std::string_view why)
{
    return fail(Error::Kind::Busy, fmt::format("{}: {} is attached, {}", other.interface, to_text(other), why), EBUSY);
}

__u32 mode_flag(const OtherXdp& other) { return other.generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE; }

} // namespace

std::string to_text(const OtherXdp& other)
{
    if (other.name == "xdp_dispatcher")
        return fmt::format("libxdp's dispatcher (XDP program 'xdp_dispatcher', id {}; xdp-loader status names what it "
                           "runs)",
                           other.id);
    return fmt::format("XDP program '{}' (id {})", other.name, other.id);
}

Result<std::optional<OtherXdp>> other_xdp(const std::string& interface)
{
    const unsigned index = ::if_nametoindex(interface.c_str());
    LIBBPF_OPTS(bpf_xdp_query_opts, query);
    if (index == 0 || bpf_xdp_query(static_cast<int>(index), 0, &query) < 0 || query.attach_mode == XDP_ATTACHED_NONE)
        return std::nullopt;
    OtherXdp other;
    other.interface = interface;
    other.generic = query.attach_mode == XDP_ATTACHED_SKB;
    other.id = std::max({query.prog_id, query.drv_prog_id, query.skb_prog_id});
    other.program.reset(bpf_prog_get_fd_by_id(other.id));
    if (!other.program) return std::unexpected(errno_error("open the XDP program of " + interface, errno));
    TRY_VOID(describe(other));
    if (query.attach_mode == XDP_ATTACHED_HW || query.attach_mode == XDP_ATTACHED_MULTI)
        return busy(other, "on the device itself, which cannot call it from ours: detach it there first");
    if (const std::uint32_t link = link_of(index, other.id))
        return busy(other, fmt::format("and BPF link {} holds it there: only its owner can let it go (stop whatever "
                                       "loaded it, or bpftool link detach id {})",
                                       link, link));
    return other;
}

Result<std::vector<OtherXdp>> displaced_xdp(const fs::path& directory)
{
    std::vector<OtherXdp> found;
    std::error_code unknown;
    for (fs::directory_iterator at(directory, unknown), end; !unknown && at != end; at.increment(unknown)) {
        std::string file = at->path().filename().string();
        const auto word = std::ranges::find_if(pin_words, [&](std::string_view w) { return file.starts_with(w); });
        if (word == pin_words.end()) continue;
        OtherXdp other;
        other.generic = word != pin_words.begin();
        other.interface = file.substr(word->size());
        std::ranges::replace(other.interface, ':', '.');
        other.program = TRY(pinned(at->path()));
        TRY_VOID(describe(other));
        found.push_back(std::move(other));
    }
    std::ranges::sort(found, {}, &OtherXdp::interface);
    return found;
}

Result<void> put_back(const fs::path& directory, const OtherXdp& other)
{
    const unsigned index = ::if_nametoindex(other.interface.c_str());
    const __u32 flags = mode_flag(other) | XDP_FLAGS_UPDATE_IF_NOEXIST;
    const LoadLog silent;
    const int code = index ? bpf_xdp_attach(static_cast<int>(index), other.program.get(), flags, nullptr) : 0;
    if (code < 0 && code != -EBUSY && code != -EEXIST)
        return std::unexpected(
            errno_error(fmt::format("attach {} to {} again", to_text(other), other.interface), -code));
    ::unlink(pin_of(directory, other).c_str());
    return {};
}

Result<void> put_back_others(const fs::path& directory, const std::vector<std::string>& now)
{
    for (const OtherXdp& other : TRY(displaced_xdp(directory)))
        if (std::ranges::find(now, other.interface) == now.end()) TRY_VOID(put_back(directory, other));
    return {};
}

Result<void> Displacement::add(OtherXdp other)
{
    TRY_VOID(pin(other.program.get(), pin_of(directory_, other)));
    const auto index = static_cast<int>(::if_nametoindex(other.interface.c_str()));
    LIBBPF_OPTS(bpf_xdp_attach_opts, options);
    options.old_prog_fd = other.program.get();
    const LoadLog silent;
    const int code = bpf_xdp_detach(index, mode_flag(other) | XDP_FLAGS_REPLACE, &options);
    if (code < 0) {
        ::unlink(pin_of(directory_, other).c_str());
        return std::unexpected(errno_error(fmt::format("{}: move {} aside", other.interface, to_text(other)), -code));
    }
    done_.push_back(std::move(other));
    return {};
}

Displacement::~Displacement()
{
    for (const OtherXdp& other : done_)
        (void)put_back(directory_, other);
}

Result<void> chain(int map, const std::vector<OtherXdp>& others)
{
    for (const OtherXdp& other : others) {
        const std::uint32_t index = ::if_nametoindex(other.interface.c_str());
        const int program = other.program.get();
        if (index == 0 || bpf_map_update_elem(map, &index, &program, BPF_ANY) == 0) continue;
        return fail(Error::Kind::Unsupported,
                    fmt::format("{}: the kernel does not let {} run behind the filter: {}", other.interface,
                                to_text(other),
                                errno == EBUSY ? "freplace programs extend it" : "it was loaded in another way"),
                    errno);
    }
    return {};
}

std::uint32_t chain_size(const std::vector<OtherXdp>& others)
{
    std::uint32_t size = 1;
    for (const OtherXdp& other : others)
        size = std::max(size, ::if_nametoindex(other.interface.c_str()) + 1);
    return size;
}

} // namespace netwright::dataplane
