// SPDX-License-Identifier: GPL-2.0-or-later
// Labs going up and down.
#include "lab/lab.h"

#include "base/text.h"
#include "kernel/files.h"
#include "lab/keeper.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <thread>

namespace netwright::lab {
namespace {

Result<Note> note_of(const std::string& name)
{
    return parse_note(TRY(kernel::Files::live().read(std::string(notes_directory) + name)));
}

bool is_alive(const Note& note)
{
    const auto started = start_time_of(note.keeper);
    return started && *started == note.started;
}

void remove_rests(const std::string& name)
{
    Lab lab;
    lab.name = name;
    forget_namespace(lab.left());
    forget_namespace(lab.right());
    for (const char* suffix : {"", ".new", ".report", ".report.new"})
        ::unlink((notes_directory + name + suffix).c_str());
}

// What the keeper left: three numbers of its lateness stand for the histogram.
Result<EmulatorReport> report_of(const std::string& name)
{
    const std::string text = TRY(kernel::Files::live().read(std::string(notes_directory) + name + ".report"));
    const auto words = split_words(text);
    if (words.size() != 8) return fail(Error::Kind::Malformed, "the emulator's report is damaged");
    std::array<std::uint64_t, 8> numbers{};
    for (std::size_t i = 0; i < words.size(); ++i)
        numbers[i] = TRY(parse_unsigned(words[i]));
    EmulatorReport report;
    report.passed = numbers[0];
    report.lost = numbers[1];
    report.overflowed = numbers[2];
    report.vanished = numbers[3];
    report.own_losses = numbers[4];
    report.lateness_p50_ns = numbers[5];
    report.lateness_p99_ns = numbers[6];
    report.lateness_most_ns = numbers[7];
    return report;
}

} // namespace

bool is_lab_name(const std::string& name)
{
    const auto fits = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-'; };
    return !name.empty() && name.size() <= 20 && std::ranges::all_of(name, fits);
}

std::string to_text(const Note& note) { return fmt::format("{} {} {}\n", note.keeper, note.started, note.path); }

Result<Note> parse_note(std::string_view text)
{
    std::string_view pid, started;
    if (!next_word(text, pid) || !next_word(text, started)) return fail(Error::Kind::Malformed, "no note of a lab");
    Note note;
    const std::uint64_t keeper = TRY(parse_unsigned(pid));
    if (keeper == 0 || keeper > 1U << 30) return fail(Error::Kind::Malformed, "no note of a lab");
    note.keeper = static_cast<int>(keeper);
    note.started = TRY(parse_unsigned(started));
    note.path = trim(text);
    return note;
}

Result<Lab> up(const std::string& name, const PathSettings& path, Life life)
{
    if (!is_lab_name(name))
        return fail(Error::Kind::Rejected, "a lab's name has 1 to 20 small letters, digits and dashes");
    (void)remove_orphans();
    if (note_of(name))
        return fail(Error::Kind::Rejected, fmt::format("lab {} is up: netwright lab down {}", name, name));
    Lab lab{name, 0, to_text(path), true};
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) < 0) return std::unexpected(errno_error("start a lab", errno));
    const Fd read_end(ends[0]);
    Fd write_end(ends[1]);
    const pid_t pid = ::fork();
    if (pid < 0) return std::unexpected(errno_error("start a lab", errno));
    if (pid == 0) {
        if (life == Life::UntilDown) ::setsid();
        keep(lab, path, life, std::move(write_end));
    }
    write_end.reset();
    std::array<char, 512> answer{};
    ssize_t got = 0;
    while ((got = ::read(read_end.get(), answer.data(), answer.size())) < 0 && errno == EINTR) {
    }
    const std::string_view said(answer.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    if (said != "ok") {
        while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
        }
        return fail(Error::Kind::Refused, fmt::format("lab {} cannot be made: {}", name, said));
    }
    lab.keeper = pid;
    return lab;
}

Result<EmulatorReport> down(const std::string& name)
{
    if (!is_lab_name(name)) return fail(Error::Kind::Absent, "no lab of that name");
    const auto note = note_of(name);
    if (!note) return fail(Error::Kind::Absent, fmt::format("no lab {} (see: netwright lab list)", name));
    if (is_alive(*note)) ::kill(note->keeper, SIGTERM);
    using namespace std::chrono_literals;
    for (int i = 0; i < 200 && is_alive(*note) && ::waitpid(note->keeper, nullptr, WNOHANG) != note->keeper; ++i)
        std::this_thread::sleep_for(25ms);
    if (is_alive(*note)) ::kill(note->keeper, SIGKILL);
    auto report = report_of(name);
    remove_rests(name);
    return report;
}

std::vector<Lab> list()
{
    std::vector<Lab> labs;
    for (const std::string& name : kernel::Files::live().list(notes_directory).value_or(std::vector<std::string>{}))
        if (is_lab_name(name))
            if (const auto note = note_of(name)) labs.push_back({name, note->keeper, note->path, is_alive(*note)});
    return labs;
}

std::vector<std::string> remove_orphans()
{
    std::vector<std::string> removed;
    for (const Lab& lab : list())
        if (!lab.alive) {
            remove_rests(lab.name);
            removed.push_back(lab.name);
        }
    return removed;
}

} // namespace netwright::lab
