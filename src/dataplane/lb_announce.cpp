// SPDX-License-Identifier: GPL-2.0-or-later
// BIRD's configuration, and a word to BIRD.
#include "dataplane/lb_announce.h"

#include "base/fd.h"
#include "base/text.h"
#include "dataplane/socket_address.h"
#include "kernel/durable_file.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>

namespace netwright::dataplane {
namespace {

// A connection to BIRD's control socket, which speaks lines: four digits, then '-' if more lines follow, else a blank.
class Bird {
public:
    static Result<Bird> open(const std::string& path);
    Result<std::string> answer();
    Result<std::string> ask(const std::string& command);

private:
    explicit Bird(Fd socket) : socket_(std::move(socket)) {}
    Fd socket_;
    std::string unread_;
};

Result<Bird> Bird::open(const std::string& path) { return Bird(TRY(reach("BIRD", path))); }

bool ends_answer(std::string_view line)
{
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    return line.size() > 4 && std::all_of(line.begin(), line.begin() + 4, digit) && line[4] == ' ';
}

// The line that ends it.
Result<std::string> Bird::answer()
{
    for (;;) {
        for (std::size_t end = 0; (end = unread_.find('\n')) != std::string::npos;) {
            const std::string line = unread_.substr(0, end);
            unread_.erase(0, end + 1);
            if (ends_answer(line)) return line;
        }
        std::array<char, 4096> piece{};
        const ssize_t size = ::recv(socket_.get(), piece.data(), piece.size(), 0);
        if (size <= 0) return std::unexpected(errno_error("wait for BIRD's answer", size < 0 ? errno : ECONNRESET));
        unread_.append(piece.data(), static_cast<std::size_t>(size));
    }
}

Result<std::string> Bird::ask(const std::string& command)
{
    const std::string line = command + "\n";
    if (::send(socket_.get(), line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size()))
        return std::unexpected(errno_error("ask BIRD", errno));
    return answer();
}

std::string protocol(const std::vector<Prefix>& addresses, bool ipv6)
{
    std::string text = fmt::format("protocol static netwright_lb{0} {{\n  ipv{0};\n", ipv6 ? 6 : 4);
    for (const Prefix& address : addresses)
        if (address.ipv6 == ipv6) text += fmt::format("  route {}/{} blackhole;\n", to_text(address), ipv6 ? 128 : 32);
    return text + "}\n";
}

} // namespace

std::vector<Prefix> healthy_addresses(const LbConfig& config, const LbHealths& healths)
{
    std::set<Prefix> addresses;
    for (const LbVip& vip : config.vips)
        if (!all_down(config.pools[vip.pool], healths)) addresses.insert(vip.address);
    return {addresses.begin(), addresses.end()};
}

std::string bird_config(const std::vector<Prefix>& addresses)
{
    return "# Written by netwright lb; changed whenever a VIP becomes healthy or loses its last backend.\n" +
           protocol(addresses, false) + protocol(addresses, true);
}

Result<void> announce(const LbAnnounce& where, const std::string& text)
{
    TRY_VOID(kernel::write_durably(where.file, text, 0644));
    auto bird = TRY(Bird::open(where.control));
    TRY_VOID(bird.answer()); // its greeting
    const std::string said = TRY(bird.ask("configure"));
    if (said.starts_with("00")) return {};
    return fail(Error::Kind::Rejected, "BIRD does not take its configuration: " + said.substr(5));
}

} // namespace netwright::dataplane
