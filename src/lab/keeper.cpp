// SPDX-License-Identifier: GPL-2.0-or-later
// Namespaces, devices and the emulator, in one process that can be killed at any time.
#include "lab/keeper.h"

#include "base/text.h"
#include "kernel/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

namespace netwright::lab {
namespace {

std::atomic<bool> asked_to_end{false};
void end(int) { asked_to_end = true; }

Result<void> write_text(const std::string& path, const std::string& text)
{
    std::ofstream file(path + ".new");
    file << text;
    file.close();
    if (!file || ::rename((path + ".new").c_str(), path.c_str()) < 0)
        return std::unexpected(errno_error("write " + path, errno));
    return {};
}

// As ip-netns(8) does: a file that the namespace of the calling thread is mounted on.
Result<void> name_namespace(const std::string& name)
{
    const std::string place = names_directory + name;
    const Fd file(::open(place.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444));
    if (!file) return std::unexpected(errno_error("name a network namespace: " + place, errno));
    if (::mount("/proc/thread-self/ns/net", place.c_str(), nullptr, MS_BIND, nullptr) < 0) {
        const int code = errno;
        ::unlink(place.c_str());
        return std::unexpected(errno_error("name a network namespace: " + place, code));
    }
    return {};
}

// In a thread of its own, which ends: the namespace stays with its name and its device.
Result<Fd> make_end(const std::string& name, const TunAddresses& addresses, std::uint32_t mtu)
{
    Result<Fd> device = fail(Error::Kind::Interrupted, "no thread");
    std::thread([&] {
        device = [&]() -> Result<Fd> {
            if (::unshare(CLONE_NEWNET) < 0) return std::unexpected(errno_error("make a network namespace", errno));
            TRY_VOID(name_namespace(name));
            return open_tun("path0", addresses, mtu);
        }();
    }).join();
    return device;
}

// /run/netns must pass mounts on, so that they are seen by those who entered other mount namespaces (ip-netns(8)).
Result<void> prepare_directories()
{
    std::error_code failed;
    for (const char* directory : {notes_directory, names_directory})
        if (std::filesystem::create_directories(directory, failed); failed)
            return std::unexpected(errno_error(std::string("make ") + directory, failed.value()));
    if (::mount("", names_directory, "none", MS_SHARED | MS_REC, nullptr) == 0) return {};
    if (errno == EINVAL && ::mount(names_directory, names_directory, "none", MS_BIND | MS_REC, nullptr) == 0 &&
        ::mount("", names_directory, "none", MS_SHARED | MS_REC, nullptr) == 0)
        return {};
    return std::unexpected(errno_error(std::string("share mounts below ") + names_directory, errno));
}

struct Ends {
    Fd left, right;
};

Result<Ends> build(const Lab& lab, const PathSettings& path)
{
    Note note{static_cast<int>(::getpid()), TRY(start_time_of(::getpid())), to_text(path)};
    TRY_VOID(prepare_directories());
    TRY_VOID(write_text(notes_directory + lab.name, to_text(note))); // first: whatever follows can be found
    Ends ends;
    ends.left = TRY(make_end(lab.left(), {left_address, left_address_six}, path.mtu));
    ends.right = TRY(make_end(lab.right(), {right_address, right_address_six}, path.mtu));
    return ends;
}

std::string report_text(const EmulatorReport& report)
{
    return fmt::format("{} {} {} {} {} {} {} {}\n", report.passed, report.lost, report.overflowed, report.vanished,
                       report.own_losses, report.lateness_p50_ns, report.lateness_p99_ns, report.lateness_most_ns);
}

void say(const Fd& answer, const std::string& text) { (void)!::write(answer.get(), text.data(), text.size()); }

} // namespace

void forget_namespace(const std::string& name)
{
    const std::string place = names_directory + name;
    ::umount2(place.c_str(), MNT_DETACH);
    ::unlink(place.c_str());
}

Result<std::uint64_t> start_time_of(int pid)
{
    const std::string text = TRY(kernel::Files::live().read(fmt::format("proc/{}/stat", pid)));
    const auto words = split_words(std::string_view(text).substr(std::min(text.rfind(')'), text.size() - 1) + 1));
    if (words.size() < 20) return fail(Error::Kind::Malformed, "an unknown form of /proc/PID/stat");
    return parse_unsigned(words[19]); // field 22 (proc(5)); the name before may hold anything
}

void keep(const Lab& lab, const PathSettings& path, Life life, Fd answer)
{
    if (life == Life::WithOwner) ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    std::signal(SIGTERM, end);
    std::signal(SIGINT, SIG_IGN); // the terminal's: whoever runs the lab decides
    std::signal(SIGHUP, SIG_IGN);
    ::prctl(PR_SET_NAME, "netwright-lab");
    auto ends = build(lab, path);
    if (ends) {
        hurry();
        say(answer, "ok");
        answer.reset();
        const EmulatorReport report = emulate(ends->left, ends->right, path, asked_to_end);
        (void)write_text(notes_directory + lab.name + ".report", report_text(report));
    } else {
        say(answer, ends.error().what);
    }
    forget_namespace(lab.left());
    forget_namespace(lab.right());
    ::unlink((notes_directory + lab.name).c_str());
    ::_exit(ends ? 0 : 1);
}

} // namespace netwright::lab
