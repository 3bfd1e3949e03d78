// SPDX-License-Identifier: GPL-2.0-or-later
// Pinning in bpffs, and taking it back.
#include "dataplane/pins.h"

#include "kernel/namespace.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

namespace netwright::dataplane {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t state_size = 128 * 1024;

// A text lives in the kernel as an array map of one element.
Result<Fd> make_state(std::string_view text)
{
    if (text.size() >= state_size) return fail(Error::Kind::Rejected, "there are too many names, or too long ones");
    Fd map(bpf_map_create(BPF_MAP_TYPE_ARRAY, "netwright_state", sizeof(std::uint32_t), state_size, 1, nullptr));
    if (!map) return std::unexpected(errno_error("make a BPF map", errno));
    std::string value(text);
    value.resize(state_size);
    const std::uint32_t key = 0;
    if (bpf_map_update_elem(map.get(), &key, value.data(), BPF_ANY) < 0)
        return std::unexpected(errno_error("fill a BPF map", errno));
    return map;
}

Result<std::string> read_state(int map)
{
    std::string value(state_size, '\0');
    const std::uint32_t key = 0;
    if (bpf_map_lookup_elem(map, &key, value.data()) < 0) return std::unexpected(errno_error("read a BPF map", errno));
    value.resize(value.find('\0'));
    return value;
}

Result<void> detach(const fs::path& link)
{
    if (const Fd held(bpf_obj_get(link.c_str())); held) (void)bpf_link_detach(held.get());
    if (::unlink(link.c_str()) < 0 && errno != ENOENT)
        return std::unexpected(errno_error("detach an XDP program: remove " + link.string(), errno));
    return {};
}

} // namespace

Result<fs::path> pin_directory(std::string_view name, const fs::path& bpffs)
{
    struct statfs found{};
    if (::statfs(bpffs.c_str(), &found) < 0 || found.f_type != BPF_FS_MAGIC)
        return fail(Error::Kind::Absent,
                    fmt::format("no BPF file system at {0}: mount -t bpf bpf {0}", bpffs.string()));
    const auto space = TRY(kernel::current_namespace());
    return bpffs / "netwright" / (space.initial ? std::string(name) : fmt::format("{}-{}", name, space.inode));
}

fs::path link_path(const fs::path& directory, const std::string& name)
{
    std::string file = "link-" + name;
    std::ranges::replace(file, '.', ':'); // as in eth0.5: bpffs keeps dots for itself, interfaces have no colons
    return directory / file;
}

Result<Fd> claim_pins(const fs::path& directory, std::chrono::milliseconds patience)
{
    std::error_code unknown;
    fs::create_directories(directory, unknown);
    if (unknown) return std::unexpected(errno_error("make " + directory.string(), unknown.value()));
    Fd held(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!held) return std::unexpected(errno_error("open " + directory.string(), errno));
    const auto end = std::chrono::steady_clock::now() + patience;
    while (::flock(held.get(), LOCK_EX | LOCK_NB) < 0) {
        if (std::chrono::steady_clock::now() >= end)
            return fail(Error::Kind::Busy, "another netwright is changing it right now: try again when that is done");
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return held;
}

Result<void> pin(int descriptor, const fs::path& path)
{
    if (bpf_obj_pin(descriptor, path.c_str()) < 0) return std::unexpected(errno_error("pin " + path.string(), errno));
    return {};
}

Result<Fd> pinned(const fs::path& path)
{
    Fd found(bpf_obj_get(path.c_str()));
    if (!found) return std::unexpected(errno_error("open " + path.string(), errno));
    return found;
}

Result<void> prepare_state(const fs::path& directory, std::string_view text)
{
    const Fd map = TRY(make_state(text));
    const fs::path fresh = directory / prepared_state;
    ::unlink(fresh.c_str());
    return pin(map.get(), fresh);
}

Result<void> commit_state(const fs::path& directory)
{
    if (::rename((directory / prepared_state).c_str(), (directory / "state").c_str()) < 0)
        return std::unexpected(errno_error("replace " + (directory / "state").string(), errno));
    return {};
}

Result<void> discard_state(const fs::path& directory)
{
    const fs::path path = directory / prepared_state;
    if (::unlink(path.c_str()) < 0 && errno != ENOENT)
        return std::unexpected(errno_error("remove " + path.string(), errno));
    return {};
}

Result<std::optional<std::string>> pinned_state(const fs::path& directory, std::string_view name)
{
    const fs::path path = directory / name;
    const Fd map(bpf_obj_get(path.c_str()));
    if (!map && errno == ENOENT) return std::nullopt;
    if (!map) return std::unexpected(errno_error("read " + path.string(), errno));
    return TRY(read_state(map.get()));
}

Result<void> unpin_link(const fs::path& directory, const std::string& interface)
{
    return detach(link_path(directory, interface));
}

Result<void> unpin_others(const fs::path& directory, const std::vector<std::string>& before,
                          const std::vector<std::string>& now)
{
    for (const std::string& interface : before)
        if (std::ranges::find(now, interface) == now.end()) TRY_VOID(unpin_link(directory, interface));
    return {};
}

Result<void> clear_pins(const fs::path& directory)
{
    std::error_code unknown;
    std::vector<fs::path> paths;
    for (fs::directory_iterator at(directory, unknown), end; !unknown && at != end; at.increment(unknown))
        paths.push_back(at->path());
    const auto is_link = [](const fs::path& path) { return path.filename().string().starts_with("link-"); };
    std::ranges::stable_partition(paths, is_link);
    for (const fs::path& path : paths) {
        if (is_link(path)) TRY_VOID(detach(path));
        if (::unlink(path.c_str()) < 0 && errno != ENOENT)
            return std::unexpected(errno_error("remove " + path.string(), errno));
    }
    return {};
}

Result<void> remove_pins(const fs::path& directory)
{
    TRY_VOID(clear_pins(directory));
    if (::rmdir(directory.c_str()) < 0 && errno != ENOENT)
        return std::unexpected(errno_error("remove " + directory.string(), errno));
    ::rmdir(directory.parent_path().c_str()); // another namespace's or another program's may still be in it
    return {};
}

Result<void> PinnedLinks::add(const std::string& interface, int program, bool generic)
{
    Step& step = done_.emplace_back();
    step.interface = interface;
    step.link = Fd(bpf_obj_get(link_path(directory_, interface).c_str()));
    const LinkFacts now = step.link ? TRY(facts_of(step.link.get())) : LinkFacts{};
    if (now.there) return switch_over(step, now.program, program);
    if (step.link) TRY_VOID(unpin_link(directory_, interface)); // of an interface that was deleted; this is another
    step.fresh = TRY(XdpLink::attach(interface, program, generic));
    return {};
}

// Installing the same program again would still reset the rings of some devices.
Result<void> PinnedLinks::switch_over(Step& step, std::uint32_t before, int program)
{
    const std::uint32_t wanted = TRY(program_id(program));
    if (before == wanted) return {};
    step.before = Fd(bpf_prog_get_fd_by_id(before));
    if (!step.before) return std::unexpected(errno_error("open a BPF link's program", errno));
    if (bpf_link_update(step.link.get(), program, nullptr) < 0)
        return std::unexpected(errno_error("switch the XDP program on " + step.interface, errno));
    return {};
}

Result<void> PinnedLinks::pin_new()
{
    for (Step& step : done_)
        if (step.fresh) TRY_VOID(pin(step.fresh->get(), link_path(directory_, step.interface)));
    return {};
}

PinnedLinks::~PinnedLinks()
{
    if (kept_) return;
    for (const Step& step : done_) {
        if (step.fresh) (void)unpin_link(directory_, step.interface);
        if (step.before) (void)bpf_link_update(step.link.get(), step.before.get(), nullptr);
    }
}

} // namespace netwright::dataplane
