// SPDX-License-Identifier: GPL-2.0-or-later
// The list of commands, and the few words they share.
#include "cli/command.h"

#include "base/text.h"
#include "cli/campaign.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

namespace netwright::cli {
namespace {

constexpr std::array table{
    Command{"audit", "find what holds this host's network stack back, with evidence", declare_audit},
    Command{"plan", "write a reviewable plan for what this host is for", declare_plan},
    Command{"apply", "apply a plan as a transaction that is undone unless confirmed", declare_apply},
    Command{"confirm", "keep what was applied, and make it last", declare_confirm},
    Command{"rollback", "put back what a transaction changed", declare_rollback},
    Command{"status", "show the open transaction and what was confirmed", declare_status},
    Command{"history", "list past transactions", declare_history},
    Command{"drift", "compare confirmed values with what the kernel has now", declare_drift},
    Command{"recover", "undo what a crash or reboot left half-done", declare_recover},
    Command{"restore", "write confirmed values again that no native file holds (at boot)", declare_restore},
    Command{"get", "show the value of tunables", declare_get},
    Command{"set", "change one tunable, as a transaction", declare_set},
    Command{"list", "list the tunables of this host with their values", declare_list},
    Command{"diagnose", "name what drops, delays or refuses traffic now, with proof", declare_diagnose},
    Command{"mptcp", "try whether a connection to a service really uses two paths", declare_mptcp},
    Command{"multihome", "let answers leave where requests came in, on hosts with several ways out", declare_multihome},
    Command{"capture", "write a snapshot of everything as JSON", declare_capture},
    Command{"bench", "measure throughput, latency and loss between two hosts", declare_bench},
    Command{"baseline", "keep results with the host's state, and compare with them later", declare_baseline},
    Command{"lab", "emulate a path between two namespaces, to try things on", declare_lab},
    Command{"experiment", "show whether a plan helps, with honest statistics", declare_experiment},
    Command{"autotune", "search for better settings by measuring, and prove them", declare_autotune},
    Command{"lint", "find what is wrong with sysctl files, and rewrite them", declare_lint},
    Command{"explain", "explain a parameter, a counter or a drop reason", declare_explain},
    Command{"filter", "an XDP firewall in front of the whole stack", declare_filter},
    Command{"lb", "an XDP layer-4 load balancer", declare_lb},
    Command{"steer", "give packets to classes, and classes their priority, queue, mark, way and rate", declare_steer},
    Command{"socket", "programs for single sockets: options by destination, more ports, groups, filters",
            declare_socket},
    Command{"bypass", "tell how ready this host is for AF_XDP and DPDK, and what they take away", declare_bypass},
    Command{"paths", "measure the ways packets can take here: stack, XDP, AF_XDP, DPDK; and name the one to take",
            declare_paths},
    Command{"rules", "list what audit checks, or explain one rule", declare_rules},
    Command{"cost", "compute what network work costs and what an improvement is worth", declare_cost},
    Command{"checklist", "mark the ten steps of a tuning campaign from what this host really holds", declare_checklist},
    Command{"completion", "print the script that completes words in bash, zsh or fish", declare_completion},
};

Result<void> write_all(int descriptor, std::string_view text, const std::string& name)
{
    while (!text.empty()) {
        const ssize_t put = ::write(descriptor, text.data(), text.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return std::unexpected(errno_error("write " + name, errno));
        text.remove_prefix(static_cast<std::size_t>(put));
    }
    return {};
}

// A new file takes owner and mode of the one it replaces: what held a secret stays as closed as it was.
Result<void> keep_closed(int descriptor, const std::string& path)
{
    struct stat old{};
    if (::stat(path.c_str(), &old) < 0) return {};
    const bool owned = ::fchown(descriptor, old.st_uid, old.st_gid) == 0 || errno == EPERM;
    if (!owned || ::fchmod(descriptor, old.st_mode & 07777) < 0)
        return std::unexpected(errno_error("write " + path, errno));
    return {};
}

} // namespace

std::span<const Command> commands() { return table; }

int complain(const Error& error, Exit code) { return complain(error.what, code); }

int complain(std::string_view what, Exit code)
{
    fmt::print(stderr, "netwright: {}\n", report::printable(what));
    return code;
}

std::string whole_number(const std::string& text)
{
    return parse_unsigned(text) ? "" : fmt::format("'{}' is not a whole number from 0 to 18446744073709551615", text);
}

std::function<std::string(const std::string&)> number_between(double least, double most)
{
    return [=](const std::string& text) {
        const auto number = parse_double(text);
        const bool fits = number && *number >= least && *number <= most;
        return fits ? std::string{} : fmt::format("'{}' is not a number from {} to {}", text, least, most);
    };
}

report::Style style_of(int descriptor, const Globals& globals)
{
    report::Style style;
    const bool terminal = ::isatty(descriptor) == 1;
    const char* const no_colour = std::getenv("NO_COLOR"); // no-color.org: set and not empty
    style.colour = globals.colour == "always" || (globals.colour == "auto" && terminal && !(no_colour && *no_colour));
    style.width = 80;
    winsize size{};
    if (terminal && ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40) style.width = size.ws_col;
    return style;
}

Result<kernel::Kernel> open_kernel(const Globals& globals)
{
    if (globals.netns.empty()) return kernel::Kernel::live();
    TRY_VOID(kernel::enter_namespace(globals.netns));
    return kernel::Kernel::live_in_namespace();
}

Result<std::string> read_file(const std::string& path, std::size_t most)
{
    Fd opened;
    if (path != "-") {
        opened.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (!opened) return std::unexpected(errno_error(path, errno));
    }
    std::string text;
    std::array<char, 65536> buffer{};
    for (;;) {
        const ssize_t got = ::read(opened ? opened.get() : STDIN_FILENO, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::unexpected(errno_error(path, errno));
        if (got == 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(got));
        if (text.size() > most)
            return fail(Error::Kind::Malformed,
                        fmt::format("{}: larger than {} bytes, so it is not what it should be", path, most));
    }
}

Result<void> write_file(const std::string& path, std::string_view text)
{
    if (path == "-") return print(text);
    std::error_code unknown;
    const auto status = std::filesystem::status(path, unknown);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
        // A device or a pipe is written to; putting a new file in its place would destroy it.
        const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
        if (!file) return std::unexpected(errno_error("write " + path, errno));
        return write_all(file.get(), text, path);
    }
    // Behind a link the file is replaced, not the link.
    const auto target = std::filesystem::weakly_canonical(path, unknown).string();
    const std::string place = unknown || target.empty() ? path : target;
    // Nobody else may have put a file or a link of that name there first, as in /tmp anybody could.
    const std::string beside = fmt::format("{}.netwright-{}", place, ::getpid());
    ::unlink(beside.c_str());
    const Fd file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!file) return std::unexpected(errno_error("write " + path, errno));
    auto written = keep_closed(file.get(), place);
    if (written) written = write_all(file.get(), text, path);
    if (written && ::fsync(file.get()) < 0) written = std::unexpected(errno_error("write " + path, errno));
    if (written && ::rename(beside.c_str(), place.c_str()) < 0)
        written = std::unexpected(errno_error("write " + path, errno));
    if (!written) ::unlink(beside.c_str());
    return written;
}

Result<void> print(std::string_view text)
{
    std::fflush(stdout);
    return write_all(STDOUT_FILENO, text, "the output");
}

} // namespace netwright::cli
