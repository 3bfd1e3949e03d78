// SPDX-License-Identifier: GPL-2.0-or-later
// A word to FRR's bgpd, as vtysh says it: a command ends with a zero byte, its answer with three and the command's
// status (lib/vty.c, vtysh/vtysh.c of FRR 8).
#include "base/fd.h"
#include "base/text.h"
#include "dataplane/lb_announce.h"
#include "dataplane/socket_address.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace netwright::dataplane {
namespace {

struct Answer {
    std::string words;
    int status = 0; // 0: done
};

class Bgpd {
public:
    static Result<Bgpd> open(const std::string& path);
    Result<Answer> ask(const std::string& command);

private:
    explicit Bgpd(Fd socket) : socket_(std::move(socket)) {}
    Fd socket_;
};

Result<Bgpd> Bgpd::open(const std::string& path) { return Bgpd(TRY(reach("FRR's bgpd", path))); }

Result<Answer> Bgpd::ask(const std::string& command)
{
    constexpr std::size_t trailer = 4;
    const std::size_t size = command.size() + 1; // with the zero byte
    if (::send(socket_.get(), command.c_str(), size, MSG_NOSIGNAL) != static_cast<ssize_t>(size))
        return std::unexpected(errno_error("ask FRR's bgpd", errno));
    std::string answer;
    const auto ended = [&] {
        return answer.size() >= trailer && answer.compare(answer.size() - trailer, 3, std::string(3, '\0')) == 0;
    };
    while (!ended()) {
        std::array<char, 4096> piece{};
        const ssize_t got = ::recv(socket_.get(), piece.data(), piece.size(), 0);
        if (got <= 0) return std::unexpected(errno_error("wait for bgpd's answer", got < 0 ? errno : ECONNRESET));
        answer.append(piece.data(), static_cast<std::size_t>(got));
    }
    const int status = static_cast<unsigned char>(answer.back());
    answer.resize(answer.size() - trailer);
    return Answer{std::move(answer), status};
}

void add_family(std::vector<std::string>& commands, bool ipv6, const std::vector<Prefix>& healthy,
                const std::vector<Prefix>& gone)
{
    const auto add = [&](std::string_view words, const std::vector<Prefix>& addresses) {
        for (const Prefix& address : addresses)
            if (address.ipv6 == ipv6)
                commands.push_back(fmt::format("{} {}/{}", words, to_text(address), ipv6 ? 128 : 32));
    };
    commands.push_back(fmt::format("address-family ipv{} unicast", ipv6 ? 6 : 4));
    add("no network", gone);
    add("network", healthy);
    commands.emplace_back("exit-address-family");
}

} // namespace

std::vector<std::string> frr_commands(std::uint32_t as, const std::vector<Prefix>& healthy,
                                      const std::vector<Prefix>& gone)
{
    std::vector<std::string> commands{"enable", "configure terminal", fmt::format("router bgp {}", as)};
    add_family(commands, false, healthy, gone);
    add_family(commands, true, healthy, gone);
    commands.emplace_back("end");
    return commands;
}

Result<void> announce_by_frr(const LbAnnounce& where, const std::vector<Prefix>& healthy,
                             const std::vector<Prefix>& gone)
{
    auto bgpd = TRY(Bgpd::open(where.control));
    for (const std::string& command : frr_commands(where.frr, healthy, gone)) {
        const Answer answer = TRY(bgpd.ask(command));
        if (answer.status == 0 || command.starts_with("no ")) continue;
        return fail(Error::Kind::Rejected,
                    fmt::format("FRR's bgpd does not take '{}': {}", command, trim(answer.words)));
    }
    return {};
}

} // namespace netwright::dataplane
