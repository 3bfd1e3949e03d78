// SPDX-License-Identifier: GPL-2.0-or-later
// The options that can be chosen, and the program that sets them.
#include "dataplane/socket_tune.h"

#include "base/text.h"
#include "base/units.h"
#include "dataplane/cgroups.h"
#include "dataplane/loaded.h"
#include "dataplane/pins.h"
#include "dataplane/socket_entry.h"
#include "kernel/libbpf_silence.h"
#include "model/words.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <limits>
#include <memory>

#include "socket_tune.skel.h"

namespace netwright::dataplane {
namespace {

using Amount = Result<std::uint64_t>;

Amount parse_count(std::string_view text) { return parse_unsigned(text); }
Amount parse_size(std::string_view text) { return TRY(parse_bytes(text)).count; }
Amount parse_pacing(std::string_view text) { return TRY(parse_bit_rate(text)).bits_per_second / 8; }
Amount parse_ms(std::string_view text)
{
    const Nanoseconds time = TRY(parse_duration(text));
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

struct OptionWord {
    std::string_view name;
    int level, option;
    std::uint64_t least, most;
    bool late; // needs the connection (TCP_BPF_IW: before it, there is no window to set)
    Amount (*parse)(std::string_view);
};
constexpr std::uint64_t any_int = std::numeric_limits<std::int32_t>::max();
constexpr std::array option_words{
    OptionWord{"initial-window", IPPROTO_TCP, TCP_BPF_IW, 1, 10000, true, parse_count},
    OptionWord{"window-clamp", IPPROTO_TCP, TCP_BPF_SNDCWND_CLAMP, 2, any_int, false, parse_count},
    OptionWord{"pacing", SOL_SOCKET, SO_MAX_PACING_RATE, 1000, 0xfffffffe, false, parse_pacing},
    OptionWord{"priority", SOL_SOCKET, SO_PRIORITY, 0, any_int, false, parse_count},
    OptionWord{"mark", SOL_SOCKET, SO_MARK, 0, 0xffffffff, false, parse_count},
    OptionWord{"send-buffer", SOL_SOCKET, SO_SNDBUF, 2304, any_int / 2, false, parse_size},
    OptionWord{"receive-buffer", SOL_SOCKET, SO_RCVBUF, 2304, any_int / 2, false, parse_size},
    OptionWord{"unsent-low", IPPROTO_TCP, TCP_NOTSENT_LOWAT, 1, any_int, false, parse_size},
    OptionWord{"user-timeout", IPPROTO_TCP, TCP_USER_TIMEOUT, 1, any_int, false, parse_ms},
};

Result<const OptionWord*> option_called(std::string_view name)
{
    std::vector<std::string_view> names;
    for (const OptionWord& word : option_words)
        names.push_back(word.name);
    return &option_words.at(TRY(find_word("option", names, name)));
}

Result<Fd> open_cgroup(const std::string& path)
{
    const std::string directory = TRY(cgroup_directory(path));
    Fd opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened) return std::unexpected(errno_error("open cgroup " + path, errno));
    return opened;
}

} // namespace

Result<socket_option> parse_socket_option(std::string_view text)
{
    const std::size_t sign = text.find('=');
    if (sign == std::string_view::npos)
        return fail(Error::Kind::Malformed, fmt::format("'{}': write initial-window=30", text.substr(0, 60)));
    const OptionWord* word = TRY(option_called(text.substr(0, sign)));
    const std::uint64_t amount = TRY(word->parse(text.substr(sign + 1)));
    if (amount < word->least || amount > word->most)
        return fail(Error::Kind::Malformed, fmt::format("{} is {} to {}, not {}", word->name, word->least, word->most,
                                                        text.substr(sign + 1, 40)));
    return socket_option{static_cast<std::uint32_t>(word->level), static_cast<std::uint32_t>(word->option),
                         static_cast<std::int32_t>(static_cast<std::uint32_t>(amount)), word->late};
}

Result<void> tune_sockets(const std::filesystem::path& root, const std::string& name, const SocketTuning& tuning)
{
    TRY_VOID(fits(tuning.match));
    if (tuning.options.empty() || tuning.options.size() > SOCKET_OPTIONS)
        return fail(Error::Kind::Rejected, fmt::format("name 1 to {} options", +SOCKET_OPTIONS));
    NewEntry entry = TRY(NewEntry::make(root, name));
    const Fd cgroup = TRY(open_cgroup(tuning.cgroup));
    const kernel::LibbpfSilence silence;
    const std::unique_ptr<socket_tune_bpf, decltype(&socket_tune_bpf__destroy)> skeleton(socket_tune_bpf__open(),
                                                                                         socket_tune_bpf__destroy);
    if (!skeleton) return not_loaded("program that tunes connections", errno);
    put_match(*skeleton->rodata, tuning.match);
    std::ranges::copy(tuning.options, skeleton->rodata->options);
    skeleton->rodata->option_count = static_cast<std::uint32_t>(tuning.options.size());
    if (const int code = socket_tune_bpf__load(skeleton.get()); code < 0)
        return not_loaded("program that tunes connections", -code);

    const Fd link(
        bpf_link_create(bpf_program__fd(skeleton->progs.nw_tune), cgroup.get(), BPF_CGROUP_SOCK_OPS, nullptr));
    if (!link) return std::unexpected(errno_error("attach a program to cgroup " + tuning.cgroup, errno));
    TRY_VOID(pin(bpf_map__fd(skeleton->maps.socket_tallies), entry.directory() / "tallies"));
    TRY_VOID(pin(link.get(), entry.directory() / "link-cgroup"));
    return entry.keep({name,
                       SocketWork::Tune,
                       fmt::format("{} for {} in cgroup {}", tuning.words, to_text(tuning.match), tuning.cgroup),
                       0,
                       {}});
}

Result<socket_tally> tuned_sockets(const std::filesystem::path& root, const std::string& name)
{
    const Fd map = TRY(pinned(root / name / "tallies"));
    std::vector<socket_tally> rows(possible_cpus());
    TRY_VOID(read_per_cpu(map.get(), 0, rows.data()));
    socket_tally sum{};
    for (const socket_tally& row : rows) {
        sum.tuned += row.tuned;
        sum.refused += row.refused;
    }
    return sum;
}

} // namespace netwright::dataplane
