// SPDX-License-Identifier: GPL-2.0-or-later
// Finding the way from this process to the person who started it.
#include "cli/session.h"

#include "base/text.h"
#include "host/address.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace netwright::cli {
namespace {

constexpr std::string_view variable = "SSH_CONNECTION=";
constexpr int most_generations = 32;

std::optional<plan::Session> session_in(std::string_view environment)
{
    for (const std::string_view entry : split(environment, '\0'))
        if (entry.starts_with(variable)) return plan::parse_ssh_connection(entry.substr(variable.size()));
    return std::nullopt;
}

// The fourth word of /proc/PID/stat, counted behind the name, which may hold blanks and brackets.
int parent_of(const kernel::Files& files, int pid)
{
    const std::string stat = files.read(fmt::format("proc/{}/stat", pid)).value_or("");
    const std::size_t name_end = stat.rfind(')');
    if (name_end == std::string::npos) return 0;
    const auto words = split_words(std::string_view(stat).substr(name_end + 1));
    return words.size() > 1 ? static_cast<int>(parse_int(words[1]).value_or(0)) : 0;
}

std::optional<plan::Session> session_above(const kernel::Files& files)
{
    int pid = ::getpid();
    for (int generation = 0; generation < most_generations && pid > 1; ++generation) {
        const auto environment = files.read(fmt::format("proc/{}/environ", pid));
        if (environment)
            if (auto session = session_in(*environment)) return session;
        pid = parent_of(files, pid);
    }
    return std::nullopt;
}

// eth0.100 stands on eth0, bond0 on its members.
void add_lower(const kernel::Files& files, const std::string& nic, std::vector<std::string>& nics)
{
    if (std::ranges::find(nics, nic) != nics.end() || nics.size() > 64) return;
    nics.push_back(nic);
    for (const std::string& entry : files.list("sys/class/net/" + nic).value_or(std::vector<std::string>{}))
        if (entry.starts_with("lower_")) add_lower(files, entry.substr(6), nics);
}

} // namespace

std::optional<plan::Session> ssh_session(const kernel::Files& files)
{
    const char* const said = std::getenv("SSH_CONNECTION");
    return said ? plan::parse_ssh_connection(said) : session_above(files);
}

std::optional<plan::Session> session_here(kernel::Kernel& kernel)
{
    auto session = ssh_session(kernel.files);
    if (!session) return std::nullopt;
    const auto way = host::egress_of(kernel, session->peer, session->local);
    if (!way || way->nic.empty()) return std::nullopt; // another namespace
    add_lower(kernel.files, way->nic, session->nics);
    return session;
}

Result<void> guard_session(const Plan& plan, const std::optional<plan::Session>& session, bool allow_interrupt,
                           bool has_deadline)
{
    if (!session) return {};
    const auto found = plan::interruptions(plan.changes, *session);
    if (found.empty()) return {};
    if (!allow_interrupt)
        return fail(
            Error::Kind::Rejected,
            fmt::format("you are logged in from {} through {}, and this could cut your connection:\n  {}\nIf you "
                        "want it, add --allow-interrupt: it is put back unless you confirm it in time",
                        session->peer, session->nics.front(), fmt::join(found, "\n  ")));
    if (!has_deadline)
        return fail(Error::Kind::Rejected,
                    fmt::format("this could cut your connection from {}, so it needs a deadline: leave out --keep and "
                                "confirm it when you can still work",
                                session->peer));
    return {};
}

} // namespace netwright::cli
