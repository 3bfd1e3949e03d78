// SPDX-License-Identifier: GPL-2.0-or-later
// Installing, reconfiguring and removing the load balancer.
#include "dataplane/lb_control.h"

#include "dataplane/pins.h"
#include "dataplane/socket_address.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <fstream>
#include <set>

namespace netwright::dataplane {
namespace {

namespace fs = std::filesystem;

std::uint64_t monotonic()
{
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

// A command that was killed between the configuration and its names left them in the state that it had prepared.
Result<InstalledLb> names_of(const fs::path& directory, std::uint64_t generation)
{
    for (const std::string_view name : {std::string_view("state"), prepared_state}) {
        const auto text = TRY(pinned_state(directory, name));
        if (!text) continue;
        auto installed = TRY(parse_installed_lb(*text));
        if (installed.generation == generation) return installed;
    }
    return fail(Error::Kind::Unsupported, "the balancer that runs here was changed by something else than netwright: "
                                          "netwright lb off, then apply again");
}

struct Running {
    LbProgram program;
    InstalledLb installed;
};

Result<std::optional<Running>> running(const fs::path& directory)
{
    const auto state = TRY(pinned_state(directory));
    if (!state) return std::nullopt;
    auto program = TRY(LbProgram::open(directory));
    auto installed = TRY(names_of(directory, program.generation()));
    return Running{std::move(program), std::move(installed)};
}

Result<LbImage> image_of(const Running& before)
{
    auto image = TRY(before.program.running_image());
    image.numbers = before.installed.numbers;
    image.counters = before.installed.counters;
    image.pools = before.installed.pools;
    return image;
}

// A mode is chosen when a link is made: another one needs a moment without any balancer.
Result<void> fits(const LbConfig& config, const std::optional<Running>& before)
{
    if (config.interfaces.empty())
        return fail(Error::Kind::Rejected, "the configuration names no interface: add 'interfaces: [eth0]'");
    if (before && before->installed.generic != config.generic)
        return fail(Error::Kind::Rejected,
                    "the running balancer has another XDP mode (native or generic), and "
                    "changing it interrupts all connections: netwright lb off, then apply again");
    return {};
}

// The kernel answers where a backend is only on interfaces that forward (bpf_ipv4_fib_lookup, net/core/filter.c).
Result<void> forwards(const std::string& interface, bool ipv6, LbMode mode)
{
    const std::string setting = fmt::format("net/ipv{}/conf/{}/forwarding", ipv6 ? 6 : 4, interface);
    std::ifstream file("/proc/sys/" + setting);
    if (file.get() != '0') return {};
    return fail(Error::Kind::Rejected,
                fmt::format("{0} does not forward IPv{1}, and then the kernel does not tell where "
                            "backends of modes layer2 and nat are: {2}sysctl -w {3}=1",
                            interface, ipv6 ? 6 : 4, mode == LbMode::Layer2 ? "give them a 'mac', or " : "", setting));
}

Result<void> finds_backends(const LbConfig& config)
{
    for (const LbPool& pool : config.pools)
        for (const LbBackend& backend : pool.backends)
            for (const std::string& interface : config.interfaces)
                if (!encapsulates(pool.mode) && !backend.link)
                    TRY_VOID(forwards(interface, backend.address.ipv6, pool.mode));
    return {};
}

// A number that another VIP or backend had before begins at zero.
Result<void> clear_new_counters(const LbProgram& program, const LbImage& image, const InstalledLb& before)
{
    std::set<std::uint32_t> fresh;
    for (const auto& [name, counter] : image.counters)
        if (!before.counters.contains(name)) fresh.insert(counter);
    for (const auto& [address, number] : image.numbers)
        if (!before.numbers.contains(address)) fresh.insert(LB_COUNT_BACKENDS + number);
    return program.clear_counts(std::vector(fresh.begin(), fresh.end()));
}

InstalledLb described(const LbConfig& config, const std::string& name, const LbImage& image, std::uint32_t modes)
{
    return {name, config.generic, modes, 0, config.interfaces, image.numbers, image.counters, image.pools};
}

// The last thing that can fail comes before the configuration that packets see. `program` is pinned, or takes the place
// of one whose tables it has: it can do all that the one before did.
Result<void> reconfigure(const fs::path& directory, LbProgram& program, const LbConfig& config, const LbImage& image,
                         InstalledLb now, bool instead)
{
    PinnedLinks links(directory);
    for (const std::string& interface : config.interfaces)
        TRY_VOID(links.add(interface, program.program(), config.generic));
    now.generation = program.generation() + 1;
    TRY_VOID(prepare_state(directory, to_text(now)));
    TRY_VOID(links.pin_new());
    if (instead) TRY_VOID(program.pin_instead(directory));
    TRY_VOID(program.configure(image));
    links.keep();
    return commit_state(directory);
}

Result<void> start(const fs::path& directory, const LbConfig& config, const std::string& name)
{
    const auto image = TRY(make_lb_image(config, nullptr, monotonic()));
    auto program = TRY(LbProgram::load(modes_of(config)));
    TRY_VOID(program.pin(directory));
    return reconfigure(directory, program, config, image, described(config, name, image, modes_of(config)), false);
}

Result<void> change(const fs::path& directory, Running& before, const LbConfig& config, const std::string& name)
{
    const auto old = TRY(image_of(before));
    const auto image = TRY(make_lb_image(config, &old, monotonic()));
    TRY_VOID(clear_new_counters(before.program, image, before.installed));
    const std::uint32_t modes = before.installed.modes | modes_of(config);
    const bool instead = modes != before.installed.modes;
    LbProgram program = instead ? TRY(before.program.with_modes(modes)) : std::move(before.program);
    TRY_VOID(reconfigure(directory, program, config, image, described(config, name, image, modes), instead));
    return unpin_others(directory, before.installed.interfaces, config.interfaces);
}

// Slots of one pool by backend, as parts of all.
void add_shares(LbView& view, const LbImage& image, const std::string& pool, std::uint32_t row)
{
    constexpr double one_slot = 1.0 / +LB_SLOTS;
    std::map<std::uint32_t, LbShare> shares;
    for (std::uint32_t slot = 0; slot < LB_SLOTS; ++slot) {
        const std::uint32_t word = slot_of(image, row, slot);
        shares[LB_OWNER(word)].owns += one_slot;
        if (LB_CONSULT(word) && LB_BEFORE(word) != LB_OWNER(word)) shares[LB_BEFORE(word)].keeps += one_slot;
    }
    for (const auto& [address, number] : view.installed.numbers)
        if (const auto found = shares.find(number); found != shares.end()) {
            found->second.pool = pool;
            found->second.backend = to_text(address);
            view.shares.push_back(found->second);
        }
}

Result<void> add_nat(LbView& view, const LbProgram& program, const lb_nat_settings& settings, std::uint64_t now)
{
    for (std::uint32_t place = 0; place < 2 * LB_NAT_PLACES; ++place)
        if (nat_address(settings, place))
            view.nat.push_back(count_nat(TRY(program.nat_entries(place)), settings, place, now));
    return {};
}

constexpr std::array<const char*, 9> drop_words{"malformed", "fragment", "too-big",  "no-backend", "no-room",
                                                "ttl",       "no-way",   "nat-full", "nat-headers"};
static_assert(drop_words.size() == LB_DROP_NAT_HEADERS + 1);
constexpr std::array<const char*, 3> nat_words{"answers", "begun", "pushed-out"}; // from LB_COUNT_NAT_BACK on
static_assert(LB_COUNT_NAT_BACK + nat_words.size() == LB_COUNT_NAT_PUSHED + 1);

// XDP gives no cause to ask for a link address, and a backend that only answers never speaks first: a datagram to the
// discard service (RFC 863) has the kernel ask. What it is told it forgets only where more than 128 neighbours are
// known (net.ipv4.neigh.default.gc_thresh1); checks of lb run ask again.
void ask_for_neighbours(const LbConfig& config)
{
    constexpr std::uint16_t discard = 9;
    for (const LbPool& pool : config.pools)
        for (const LbBackend& backend : pool.backends) {
            if (encapsulates(pool.mode) || backend.link) continue;
            const Fd socket(
                ::socket(backend.address.ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
            const SocketAddress to = socket_address(backend.address, discard);
            (void)::sendto(socket.get(), "", 0, 0, to.raw(), to.size);
        }
}

} // namespace

Result<void> install_lb(const fs::path& directory, const LbConfig& config, const std::string& name)
{
    TRY_VOID(finds_backends(config));
    const Fd claim = TRY(claim_pins(directory));
    auto before = running(directory);
    if (!before) return std::unexpected(before.error());
    if (*before) {
        TRY_VOID(fits(config, *before));
        TRY_VOID(change(directory, **before, config, name));
        ask_for_neighbours(config);
        return {};
    }
    auto started = fits(config, *before);
    if (started) (void)clear_pins(directory); // what a command left that was killed before it had begun
    if (started) started = start(directory, config, name);
    if (!started) (void)remove_pins(directory);
    if (started) ask_for_neighbours(config);
    return started;
}

Result<void> remove_lb(const fs::path& directory)
{
    const Fd claim = TRY(claim_pins(directory));
    return remove_pins(directory);
}

Result<std::optional<LbView>> view_lb(const fs::path& directory)
{
    const auto now = TRY(running(directory));
    if (!now) return std::nullopt;
    const auto image = TRY(now->program.running_image());
    LbView view{now->installed, {}, {}, {}};
    const std::uint64_t time = monotonic();
    if (image.settings.drain_until > time) view.draining = Nanoseconds(image.settings.drain_until - time);
    for (const auto& [pool, row] : now->installed.pools)
        add_shares(view, image, pool, row);
    if (view.draining.count() == 0)
        for (LbShare& share : view.shares)
            share.keeps = 0;
    TRY_VOID(add_nat(view, now->program, image.settings.nat, time));
    return view;
}

Result<std::vector<LbCounted>> lb_stats(const fs::path& directory)
{
    const auto found = TRY(running(directory));
    if (!found) return fail(Error::Kind::Absent, "no balancer runs here (see: netwright lb apply)");
    const auto& [program, installed] = *found;
    std::vector<LbCounted> counted;
    for (const auto& [name, counter] : installed.counters)
        counted.push_back({LbCounted::Of::Vip, name, TRY(program.read_count(counter))});
    for (const auto& [address, number] : installed.numbers)
        counted.push_back(
            {LbCounted::Of::Backend, to_text(address), TRY(program.read_count(LB_COUNT_BACKENDS + number))});
    for (std::uint32_t i = 0; i < drop_words.size(); ++i)
        counted.push_back({LbCounted::Of::Dropped, drop_words[i], TRY(program.read_count(i))});
    for (std::uint32_t i = 0; i < nat_words.size() && (installed.modes & 1U << LB_NAT); ++i)
        counted.push_back({LbCounted::Of::Nat, nat_words[i], TRY(program.read_count(LB_COUNT_NAT_BACK + i))});
    return counted;
}

} // namespace netwright::dataplane
