// SPDX-License-Identifier: GPL-2.0-or-later
// From a configuration to tables, and from one generation's tables to the next one's.
#include "dataplane/lb_image.h"

#include "dataplane/lb_nat.h"
#include "dataplane/lb_vip_lines.h"
#include "dataplane/maglev.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <tuple>

namespace netwright::dataplane {
namespace {

// A number for each of `wanted`: the one it had, or the lowest that nobody has or had just now, for what is still on
// its way may name that.
template <class Key>
Result<std::map<Key, std::uint16_t>> numbered(const std::set<Key>& wanted, const std::map<Key, std::uint16_t>& before,
                                              unsigned begin, unsigned end, std::string_view what)
{
    std::map<Key, std::uint16_t> numbers;
    std::set<unsigned> taken;
    for (const auto& [key, number] : before)
        taken.insert(number);
    unsigned next = begin;
    for (const Key& key : wanted) {
        if (const auto known = before.find(key); known != before.end()) {
            numbers.insert(*known);
            continue;
        }
        while (taken.contains(next))
            ++next;
        if (next >= end)
            return fail(Error::Kind::Rejected,
                        fmt::format("there are more {} than {}, those of the running configuration included", what,
                                    end - begin));
        numbers.emplace(key, static_cast<std::uint16_t>(next++));
    }
    return numbers;
}

std::uint32_t network_bits(unsigned host_bits)
{
    const std::uint32_t mask = host_bits >= 32 ? 0xffffffff : (1U << host_bits) - 1;
    return __builtin_bswap32(mask);
}

// SplitMix64's steps and finalizer over the one half of the key, and its finalizer again over that and the other half.
void fill_hash_factors(lb_settings& settings, const std::array<std::uint64_t, 2>& key)
{
    const auto mixed = [](std::uint64_t value) {
        value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
        value = (value ^ value >> 27) * 0x94d049bb133111eb;
        return value ^ value >> 31;
    };
    std::uint64_t step = key[0];
    for (__u64& factor : settings.hash)
        factor = mixed(mixed(step += 0x9e3779b97f4a7c15) ^ key[1]);
}

lb_settings settings_of(const LbConfig& config)
{
    lb_settings settings{};
    fill_hash_factors(settings, config.hash_key);
    settings.mtu = config.mtu;
    settings.quic_config = config.quic_config;
    settings.icmp_rate = config.icmp_rate;
    settings.gue_port = __builtin_bswap16(config.gue_port);
    if (config.source4) {
        std::memcpy(&settings.source4, config.source4->address.data(), sizeof settings.source4);
        settings.host_bits4 = network_bits(32 - config.source4->length);
    }
    if (config.source6) {
        std::memcpy(settings.source6, config.source6->address.data(), sizeof settings.source6);
        settings.host_bits6 = network_bits(std::min(128 - config.source6->length, 32U));
    }
    return settings;
}

static_assert(static_cast<int>(LbMode::Ipip) == LB_IPIP && static_cast<int>(LbMode::Gue) == LB_GUE &&
              static_cast<int>(LbMode::Layer2) == LB_LAYER2 && static_cast<int>(LbMode::Nat) == LB_NAT);

static_assert(static_cast<int>(LbVip::Affinity::Flow) == LB_BY_FLOW &&
              static_cast<int>(LbVip::Affinity::Source) == LB_BY_SOURCE &&
              static_cast<int>(LbVip::Affinity::Quic) == LB_BY_QUIC);

lb_backend backend_of(const LbBackend& wanted, LbMode mode)
{
    lb_backend backend{};
    std::memcpy(backend.address, wanted.address.address.data(), sizeof backend.address);
    backend.ipv6 = wanted.address.ipv6;
    backend.present = 1;
    backend.mode = static_cast<std::uint8_t>(mode);
    backend.port = wanted.port;
    backend.link_known = wanted.link.has_value();
    if (wanted.link) std::ranges::copy(*wanted.link, backend.link);
    return backend;
}

// What the image before says of one pool's slots.
struct Earlier {
    const LbImage* image = nullptr;
    std::uint32_t row = 0;
    bool open = false; // its own drain time is not over
};

Earlier earlier(const LbImage* before, const std::string& pool, const LbImage& image, std::uint64_t now)
{
    if (!before || !std::ranges::equal(before->settings.hash, image.settings.hash)) return {};
    const auto found = before->pools.find(pool);
    if (found == before->pools.end()) return {};
    return {before, found->second, now < before->settings.drain_until};
}

// Connections may be in the table under any backend while a drain time lasts, so a slot that was looked up there goes
// on to be, even when it is given back to the backend that it had at first.
std::uint32_t next_slot(std::uint32_t owner, const Earlier& was, std::uint32_t slot,
                        const std::set<std::uint16_t>& pool)
{
    if (!was.image) return LB_SLOT(owner, owner, 0U);
    const std::uint32_t old = slot_of(*was.image, was.row, slot);
    const bool unsettled = was.open && LB_CONSULT(old);
    std::uint32_t before = unsettled ? LB_BEFORE(old) : LB_OWNER(old);
    if (!pool.contains(static_cast<std::uint16_t>(before))) before = owner;
    return LB_SLOT(owner, before, unsettled || before != owner ? 1U : 0U);
}

bool add_pool(LbImage& image, const LbPool& pool, const Earlier& was)
{
    std::vector<MaglevBackend> placed;
    std::vector<std::uint16_t> numbers;
    std::set<std::uint16_t> members; // that may have connections
    for (const LbBackend& backend : pool.backends) {
        placed.push_back({maglev_identity(backend.address.address), backend.down ? 0 : backend.weight});
        numbers.push_back(image.numbers.at(backend.address));
        if (!backend.down) members.insert(numbers.back());
    }
    const auto table = maglev_table(placed);
    const std::size_t row = image.rows.size();
    image.pools.emplace(pool.name, static_cast<std::uint32_t>(row));
    image.rows.resize(row + LB_ROWS);
    for (std::size_t i = 0; i < numbers.size(); ++i)
        if (const auto id = pool.backends[i].quic_id; id && !pool.backends[i].down) {
            image.quic_keys.push_back({static_cast<std::uint32_t>(row), *id});
            image.quic.push_back(numbers[i]);
        }
    bool changed = false;
    for (std::uint32_t slot = 0; slot < LB_SLOTS; ++slot) {
        const std::uint32_t owner = table[slot] == no_backend ? +LB_NOBODY : numbers[table[slot]];
        const std::uint32_t next = next_slot(owner, was, slot, members);
        image.rows[row + slot / LB_ROW_SLOTS].slot[slot % LB_ROW_SLOTS] = next;
        changed |= LB_CONSULT(next) != 0;
    }
    return changed;
}

void add_key(LbImage& image, const LbVip& vip, std::uint16_t port, const lb_vip& value)
{
    if (vip.address.ipv6) {
        lb_vip_key6 key{{}, port, vip.protocol, {}};
        std::memcpy(key.address, vip.address.address.data(), sizeof key.address);
        image.keys6.push_back(key);
        image.vips6.push_back(value);
    } else {
        lb_vip_key4 key{0, port, vip.protocol, 0};
        std::memcpy(&key.address, vip.address.address.data(), sizeof key.address);
        image.keys4.push_back(key);
        image.vips4.push_back(value);
    }
}

// Fragments name no port: they can be balanced where all VIPs of the address and protocol agree on the pool, and where
// they go the same way as whole packets or no connection is lost when they do not.
bool fragments_fit(const LbConfig& config, const LbVip& of)
{
    return std::ranges::all_of(config.vips, [&](const LbVip& vip) {
        if (vip.address != of.address || vip.protocol != of.protocol) return true;
        return vip.pool == of.pool && (vip.protocol == 17 || vip.affinity == LbVip::Affinity::Source);
    });
}

unsigned traits_of(const LbConfig& config, const LbVip& vip)
{
    const bool translated = config.pools[vip.pool].mode == LbMode::Nat;
    return (translated ? +LB_TRANSLATED : 0U) | (translated || !fragments_fit(config, vip) ? +LB_DROP_FRAGMENTS : 0U);
}

void add_vips(LbImage& image, const LbConfig& config)
{
    std::set<std::tuple<Prefix, std::uint8_t>> fragments;
    for (const LbVip& vip : config.vips) {
        lb_vip value{};
        value.row = image.pools.at(config.pools[vip.pool].name);
        value.counter = image.counters.at(to_text(vip));
        value.affinity = static_cast<std::uint8_t>(vip.affinity);
        value.traits = static_cast<std::uint8_t>(traits_of(config, vip));
        add_key(image, vip, vip.port, value);
        if (fragments.emplace(vip.address, vip.protocol).second) add_key(image, vip, 0, value);
    }
}

Result<void> number(LbImage& image, const LbConfig& config, const LbImage& before)
{
    std::set<Prefix> addresses;
    std::set<std::string> names;
    for (const LbPool& pool : config.pools)
        for (const LbBackend& backend : pool.backends)
            addresses.insert(backend.address);
    for (const LbVip& vip : config.vips)
        names.insert(to_text(vip));
    image.numbers = TRY(numbered(addresses, before.numbers, 0, LB_NUMBERS, "backends"));
    image.counters = TRY(numbered(names, before.counters, LB_COUNT_VIPS, LB_COUNT_BACKENDS, "VIPs"));
    for (const LbPool& pool : config.pools)
        for (const LbBackend& backend : pool.backends) {
            const std::uint16_t number = image.numbers.at(backend.address);
            if (number >= image.backends.size()) image.backends.resize(number + 1U);
            if (!backend.down) image.backends[number] = backend_of(backend, pool.mode); // down in all its pools: nobody
        }
    return {};
}

} // namespace

std::uint32_t modes_of(const LbConfig& config)
{
    std::uint32_t modes = 0;
    for (const LbPool& pool : config.pools)
        modes |= 1U << static_cast<unsigned>(pool.mode);
    for (const LbVip& vip : config.vips)
        if (vip.affinity == LbVip::Affinity::Quic) modes |= 1U << LB_QUIC;
    return modes;
}

Result<LbImage> make_lb_image(const LbConfig& config, const LbImage* before, std::uint64_t now)
{
    LbImage image;
    image.settings = settings_of(config);
    if (config.nat) image.settings.nat = TRY(nat_settings(*config.nat, before ? &before->settings.nat : nullptr));
    TRY_VOID(number(image, config, before ? *before : LbImage{}));
    bool changed = false;
    for (const LbPool& pool : config.pools) // translated connections are known one by one
        changed |= add_pool(image, pool, pool.mode == LbMode::Nat ? Earlier{} : earlier(before, pool.name, image, now));
    if (changed) image.settings.drain_until = now + static_cast<std::uint64_t>(config.drain.count());
    add_vips(image, config);
    image.lines4 = make_vip_lines4(image.keys4, image.vips4, image.settings.vips4);
    image.lines6 = make_vip_lines6(image.keys6, image.vips6, image.settings.vips6);
    return image;
}

} // namespace netwright::dataplane
