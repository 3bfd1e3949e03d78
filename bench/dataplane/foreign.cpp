// SPDX-License-Identifier: GPL-2.0-or-later
#include "dataplane/foreign.h"

#include "dataplane/loaded.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "peers/program.h"

namespace netwright::dataplane_bench {
namespace {

constexpr auto patience = std::chrono::minutes(2);

std::unexpected<Error> cannot(const std::string& what) { return std::unexpected(errno_error(what, errno)); }

} // namespace

void Foreign::Close::operator()(bpf_object* object) const { bpf_object__close(object); }
Foreign::Foreign(std::unique_ptr<bpf_object, Close> object) : object_(std::move(object)) {}
Foreign::Foreign(Foreign&&) noexcept = default;
Foreign::~Foreign() = default;

int Foreign::program() const { return bpf_program__fd(bpf_object__next_program(object_.get(), nullptr)); }

// `map`, if any, gets so many entries. Nothing is pinned.
Result<Foreign> Foreign::load(const std::string& file, const char* map, std::uint32_t entries)
{
    dataplane::LoadLog log;
    std::unique_ptr<bpf_object, Close> object(bpf_object__open_file(file.c_str(), nullptr));
    if (!object) return cannot(fmt::format("open {}", file));
    bpf_map* each = nullptr;
    bpf_object__for_each_map(each, object.get()) bpf_map__set_pin_path(each, nullptr);
    bpf_program* program = bpf_object__next_program(object.get(), nullptr);
    if (!program) return fail(Error::Kind::Malformed, fmt::format("{} holds no program", file));
    bpf_program__set_type(program, BPF_PROG_TYPE_XDP);
    bpf_program__set_expected_attach_type(program, BPF_XDP);
    while (bpf_program* other = bpf_object__next_program(object.get(), program))
        program = other, bpf_program__set_autoload(other, false);
    if (map) bpf_map__set_max_entries(bpf_object__find_map_by_name(object.get(), map), entries);
    if (const int code = bpf_object__load(object.get()); code < 0)
        return dataplane::not_loaded(file, -code, log.reason());
    return Foreign(std::move(object));
}

Result<Foreign> Foreign::xdp_filter(const std::string& object, std::span<const std::uint32_t> sources)
{
    constexpr const char* table = "filter_ipv4"; // xdp-filter/xdpfilt_prog.h: flags and counters by address
    constexpr std::uint64_t by_source = 1;
    Foreign filter = TRY(load(object, table, static_cast<std::uint32_t>(sources.size()) + 1));
    const int map = bpf_object__find_map_fd_by_name(filter.object_.get(), table);
    const std::vector<std::uint64_t> flags(dataplane::possible_cpus(), by_source);
    for (const std::uint32_t source : sources) {
        const std::uint32_t key = ::htonl(source);
        if (bpf_map_update_elem(map, &key, flags.data(), BPF_ANY) < 0) return cannot("fill xdp-filter's table");
    }
    return filter;
}

Result<Foreign> Foreign::synproxy(const std::string& object, std::uint16_t port)
{
    Foreign proxy = TRY(load(object, nullptr, 0));
    const int map = bpf_object__find_map_fd_by_name(proxy.object_.get(), "allowed_ports");
    const std::uint32_t first = 0;
    if (bpf_map_update_elem(map, &first, &port, BPF_ANY) < 0) return cannot("fill the SYN proxy's table");
    return proxy;
}

Result<Chain> Chain::load(const std::string& bfcli, const std::string& name, const std::string& rules)
{
    std::string file = fmt::format("/tmp/netwright-bench-{}-XXXXXX", name);
    const Fd made(::mkstemp(file.data()));
    const std::string text = fmt::format("chain {} BF_HOOK_XDP ACCEPT {}\n", name, rules);
    if (!made || ::write(made.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        return cannot(fmt::format("write {}", file));
    const auto said = peers::run({bfcli, "chain", "set", "--from-file", file}, "", patience);
    (void)std::remove(file.c_str());
    if (!said) return std::unexpected(said.error());
    Fd program(bpf_obj_get(fmt::format("/sys/fs/bpf/bpfilter/{}/bf_prog", name).c_str()));
    if (!program) return cannot("open what bfcli has pinned");
    return Chain(std::move(program));
}

} // namespace netwright::dataplane_bench
