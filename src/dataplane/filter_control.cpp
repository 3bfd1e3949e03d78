// SPDX-License-Identifier: GPL-2.0-or-later
// Installing, replacing and removing the filter.
#include "dataplane/filter_control.h"

#include "base/text.h"
#include "dataplane/filter_state.h"
#include "dataplane/xdp_link.h"
#include "kernel/libbpf_silence.h"
#include "kernel/namespace.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace netwright::dataplane {
namespace {

namespace fs = std::filesystem;

std::string link_name(const std::string& interface) { return "link-" + interface; }

Result<void> pin(int descriptor, const fs::path& path)
{
    if (bpf_obj_pin(descriptor, path.c_str()) < 0) return std::unexpected(errno_error("pin " + path.string(), errno));
    return {};
}

// Pinned under another name, to be renamed when all else is done: a reader finds the old state or the new one.
Result<void> prepare_state(const fs::path& directory, const InstalledFilter& installed)
{
    const Fd map = TRY(make_state_map(to_text(installed)));
    const fs::path fresh = directory / "state-new";
    ::unlink(fresh.c_str());
    return pin(map.get(), fresh);
}

Result<void> commit_state(const fs::path& directory)
{
    if (::rename((directory / "state-new").c_str(), (directory / "state").c_str()) < 0)
        return std::unexpected(errno_error("replace " + (directory / "state").string(), errno));
    return {};
}

Result<void> zero(int map, std::uint32_t counter)
{
    const int cpus = libbpf_num_possible_cpus();
    const std::vector<filter_count> rows(static_cast<std::size_t>(std::max(cpus, 1)));
    if (bpf_map_update_elem(map, &counter, rows.data(), BPF_ANY) < 0)
        return std::unexpected(errno_error("clear a counter of the filter", errno));
    return {};
}

// A number that another list or rule had before begins at zero.
Result<void> clear_new_counters(int map, const CounterNames& before, const CounterNames& now)
{
    for (const auto& [name, counter] : now)
        if (!before.contains(name)) TRY_VOID(zero(map, counter));
    return {};
}

// Detached before its pin goes: the kernel lets go of a forgotten link at leisure, and the interface would be busy
// until then.
Result<void> detach(const fs::path& link)
{
    if (const Fd held(bpf_obj_get(link.c_str())); held) (void)bpf_link_detach(held.get());
    if (::unlink(link.c_str()) < 0 && errno != ENOENT)
        return std::unexpected(errno_error("detach the filter: remove " + link.string(), errno));
    return {};
}

struct Switched {
    std::string interface;
    std::optional<XdpLink> fresh; // made now; dropping it detaches
    Fd link, before;              // one that was there, and the program it ran
};

// All interfaces or none: what has been switched is switched back unless kept.
class Switch {
public:
    explicit Switch(fs::path directory) : directory_(std::move(directory)) {}
    Result<void> add(const std::string& interface, int program, FilterPolicy::Mode mode);
    Result<void> pin_new();
    void keep() { kept_ = true; }
    ~Switch();
    Switch(const Switch&) = delete;
    Switch& operator=(const Switch&) = delete;

private:
    fs::path directory_;
    std::vector<Switched> done_;
    bool kept_ = false;
};

Result<void> Switch::add(const std::string& interface, int program, FilterPolicy::Mode mode)
{
    Switched& step = done_.emplace_back();
    step.interface = interface;
    step.link = Fd(bpf_obj_get((directory_ / link_name(interface)).c_str()));
    if (!step.link) {
        step.fresh = TRY(XdpLink::attach(interface, program, mode == FilterPolicy::Mode::Generic));
        return {};
    }
    step.before = TRY(program_of(step.link.get()));
    if (bpf_link_update(step.link.get(), program, nullptr) < 0)
        return std::unexpected(errno_error("switch the filter on " + interface, errno));
    return {};
}

Result<void> Switch::pin_new()
{
    for (Switched& step : done_)
        if (step.fresh) TRY_VOID(pin(step.fresh->get(), directory_ / link_name(step.interface)));
    return {};
}

Switch::~Switch()
{
    if (kept_) return;
    for (const Switched& step : done_) {
        if (step.fresh) (void)detach(directory_ / link_name(step.interface));
        if (step.before) (void)bpf_link_update(step.link.get(), step.before.get(), nullptr);
    }
}

// A mode is chosen when a link is made: another one needs a moment without any filter, which is for the owner to
// choose.
Result<void> same_mode(const InstalledFilter& before, const FilterPolicy& policy)
{
    if (before.mode == policy.mode) return {};
    return fail(Error::Kind::Rejected,
                "the running filter has another mode (native or generic), and changing it leaves "
                "the interfaces open for a moment: netwright filter off, then apply again");
}

} // namespace

Result<fs::path> filter_directory(const fs::path& bpffs)
{
    struct statfs found{};
    if (::statfs(bpffs.c_str(), &found) < 0 || found.f_type != BPF_FS_MAGIC)
        return fail(Error::Kind::Absent,
                    fmt::format("no BPF file system at {0}: mount -t bpf bpf {0}", bpffs.string()));
    const auto space = TRY(kernel::current_namespace());
    const std::string name = space.initial ? "filter" : fmt::format("filter-{}", space.inode);
    return bpffs / "netwright" / name;
}

Result<std::optional<InstalledFilter>> installed_filter(const fs::path& directory)
{
    const Fd map(bpf_obj_get((directory / "state").c_str()));
    if (!map && errno == ENOENT) return std::nullopt;
    if (!map) return std::unexpected(errno_error("read " + (directory / "state").string(), errno));
    const std::string text = TRY(read_state_map(map.get()));
    return TRY(parse_installed(text));
}

Result<void> install_filter(const fs::path& directory, const FilterPolicy& policy, const std::string& name)
{
    const auto found = TRY(installed_filter(directory));
    const InstalledFilter before = found.value_or(InstalledFilter{});
    if (found) TRY_VOID(same_mode(before, policy));
    std::error_code unknown;
    fs::create_directories(directory, unknown);
    if (unknown) return std::unexpected(errno_error("make " + directory.string(), unknown.value()));
    InstalledFilter now{name, policy.mode, policy.dry_run, policy.interfaces,
                        TRY(name_counters(policy, before.counters))};
    const auto image = TRY(make_image(policy, now.counters));

    const Fd counts(bpf_obj_get((directory / "counts").c_str())), samples(bpf_obj_get((directory / "samples").c_str()));
    const bool jumbo = std::ranges::any_of(policy.interfaces, needs_jumbo);
    const auto program = TRY(FilterProgram::load(policy, image, {counts.get(), samples.get(), jumbo}));
    TRY_VOID(clear_new_counters(program.counts(), before.counters, now.counters));
    Switch links(directory);
    for (const std::string& interface : policy.interfaces)
        TRY_VOID(links.add(interface, program.program(), policy.mode));
    if (!counts) TRY_VOID(pin(program.counts(), directory / "counts"));
    if (!samples) TRY_VOID(pin(program.samples(), directory / "samples"));
    TRY_VOID(prepare_state(directory, now));
    TRY_VOID(links.pin_new());
    TRY_VOID(commit_state(directory));
    links.keep();
    for (const std::string& interface : before.interfaces)
        if (std::ranges::find(now.interfaces, interface) == now.interfaces.end())
            TRY_VOID(detach(directory / link_name(interface)));
    return {};
}

Result<void> remove_filter(const fs::path& directory)
{
    std::error_code unknown;
    std::vector<fs::path> pinned;
    for (fs::directory_iterator at(directory, unknown), end; !unknown && at != end; at.increment(unknown))
        pinned.push_back(at->path());
    const auto is_link = [](const fs::path& path) { return path.filename().string().starts_with("link-"); };
    std::ranges::stable_partition(pinned, is_link); // whatever goes wrong later, packets pass
    for (const fs::path& path : pinned) {
        if (is_link(path)) TRY_VOID(detach(path));
        if (::unlink(path.c_str()) < 0 && errno != ENOENT)
            return std::unexpected(errno_error("remove " + path.string(), errno));
    }
    if (::rmdir(directory.c_str()) < 0 && errno != ENOENT)
        return std::unexpected(errno_error("remove " + directory.string(), errno));
    ::rmdir(directory.parent_path().c_str()); // another namespace's filter may still be in it
    return {};
}

Result<std::vector<NamedCount>> filter_stats(const fs::path& directory)
{
    const auto installed = TRY(installed_filter(directory));
    if (!installed) return fail(Error::Kind::Absent, "no filter runs here (see: netwright filter apply)");
    const Fd map(bpf_obj_get((directory / "counts").c_str()));
    if (!map) return std::unexpected(errno_error("read " + (directory / "counts").string(), errno));
    const auto sums = TRY(read_filter_counts(map.get()));
    std::vector<NamedCount> named;
    for (unsigned counter = 0; counter < COUNT_MOST; ++counter) {
        const std::string name = counter_name(counter, installed->counters);
        if (sums[counter].packets || installed->counters.contains(name)) named.push_back({name, sums[counter]});
    }
    return named;
}

} // namespace netwright::dataplane
