// SPDX-License-Identifier: GPL-2.0-or-later
// Sampling the counters of /proc through kept-open descriptors.
#include "host/counter_sampler.h"

#include "base/text.h"
#include "host/counter_growth.h"
#include "host/parse.h"
#include "host/proc_net.h"
#include "host/protocols.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace netwright::host {
namespace {

struct Column {
    std::size_t place;
    Counter InterfaceCounters::* member;
};

constexpr std::size_t columns_of_interface = 16; // 8 received, 8 sent; unchanged since 2.2
constexpr std::array<Column, 8> interface_columns{{
    {0, &InterfaceCounters::rx_bytes},
    {1, &InterfaceCounters::rx_packets},
    {2, &InterfaceCounters::rx_errors},
    {3, &InterfaceCounters::rx_dropped},
    {8, &InterfaceCounters::tx_bytes},
    {9, &InterfaceCounters::tx_packets},
    {10, &InterfaceCounters::tx_errors},
    {11, &InterfaceCounters::tx_dropped},
}};

Result<InterfaceCounters> parse_interface(std::string_view line)
{
    const std::size_t colon = line.rfind(':'); // an alias' name holds colons, the columns do not
    if (colon == std::string_view::npos) return fail(Error::Kind::Malformed, "names no interface");
    InterfaceCounters interface;
    interface.name = trim(line.substr(0, colon));
    line.remove_prefix(colon + 1);
    std::array<std::uint64_t, columns_of_interface> values{};
    for (std::uint64_t& value : values) {
        std::string_view word;
        if (!next_word(line, word)) return fail(Error::Kind::Malformed, "has fewer than 16 columns");
        value = TRY(parse_unsigned(word));
    }
    for (const Column& column : interface_columns)
        (interface.*column.member).total = values.at(column.place);
    return interface;
}

template <class T>
void grow_if_both(Result<T>& now, const Result<T>& earlier)
{
    if (now && earlier) grow_since(*now, *earlier);
}

void grow_interfaces(std::vector<InterfaceCounters>& now, const std::vector<InterfaceCounters>& earlier)
{
    for (InterfaceCounters& interface : now) {
        const auto before = std::ranges::find(earlier, interface.name, &InterfaceCounters::name);
        if (before == earlier.end()) continue;
        for (const Column& column : interface_columns) {
            Counter& counter = interface.*column.member;
            counter.growth = growth_u64(((*before).*column.member).total, counter.total);
        }
    }
}

// Reads, parses, and names the file where it does not parse.
template <class T>
Result<T> parsed(const kernel::Files& files, KeptFile& file, Result<T> (*parse)(std::string_view))
{
    const std::string_view text = TRY(file.read());
    return in_file(parse(text), files, file.path());
}

} // namespace

KeptFile::KeptFile(const kernel::Files& files, std::string path) : files_(&files), path_(std::move(path)) {}

Result<std::string_view> KeptFile::read()
{
    const bool was_open = static_cast<bool>(file_);
    if (!was_open) file_ = TRY(files_->open(path_, O_RDONLY));
    auto length = read_whole();
    if (!length && was_open) { // what was behind the descriptor may have gone and come back
        file_ = TRY(files_->open(path_, O_RDONLY));
        length = read_whole();
    }
    if (!length) {
        file_.reset();
        return std::unexpected(length.error());
    }
    return std::string_view(text_).substr(0, *length);
}

Result<std::size_t> KeptFile::read_whole()
{
    if (text_.empty()) text_.resize(4096);
    std::size_t used = 0;
    for (;;) {
        const ssize_t got = ::pread(file_.get(), text_.data() + used, text_.size() - used, static_cast<off_t>(used));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::unexpected(errno_error("read " + files_->display(path_), errno));
        if (got == 0) return used;
        used += static_cast<std::size_t>(got);
        if (used == text_.size()) text_.resize(text_.size() * 2);
    }
}

CounterSampler::CounterSampler(const kernel::Kernel& kernel)
    : files_(&kernel.files), softnet_(*files_, net_path(*files_, "softnet_stat")),
      interfaces_(*files_, net_path(*files_, "dev")), cpu_times_(*files_, "proc/stat"),
      softirqs_(*files_, "proc/softirqs"), interrupts_(*files_, "proc/interrupts"),
      pressure_cpu_(*files_, "proc/pressure/cpu"), pressure_memory_(*files_, "proc/pressure/memory"),
      pressure_io_(*files_, "proc/pressure/io"), sockstat_(*files_, net_path(*files_, "sockstat")),
      sockstat6_(*files_, net_path(*files_, "sockstat6"))
{
    for (const ProtocolSource& source : protocol_sources)
        protocols_.emplace_back(*files_, net_path(*files_, source.file));
}

CounterSample CounterSampler::sample()
{
    CounterSample sample;
    sample.taken = std::chrono::steady_clock::now();
    sample.softnet = parsed(*files_, softnet_, parse_softnet);
    sample.protocols = sample_protocols();
    sample.interfaces = parsed(*files_, interfaces_, parse_interfaces);
    sample.cpu_times = parsed(*files_, cpu_times_, parse_cpu_times);
    sample.softirqs = parsed(*files_, softirqs_, parse_interrupts);
    sample.interrupts = parsed(*files_, interrupts_, parse_interrupts);
    sample.pressure.cpu = parsed(*files_, pressure_cpu_, parse_pressure);
    sample.pressure.memory = parsed(*files_, pressure_memory_, parse_pressure);
    sample.pressure.io = parsed(*files_, pressure_io_, parse_pressure);
    sample.sockstat = sample_sockstat();
    return sample;
}

Result<CounterTable> CounterSampler::sample_protocols()
{
    std::vector<NamedCounter> counters;
    counters.reserve(512);
    for (std::size_t i = 0; i < protocols_.size(); ++i) {
        const auto text = protocols_[i].read();
        if (!text && text.error().kind == Error::Kind::Absent && !protocol_sources[i].required) continue;
        if (!text) return std::unexpected(text.error());
        TRY_VOID(in_file(protocol_sources[i].parse(*text, counters), *files_, protocols_[i].path()));
    }
    return CounterTable(std::move(counters));
}

Result<SockStat> CounterSampler::sample_sockstat()
{
    const std::string_view text = TRY(sockstat_.read());
    const auto text6 = sockstat6_.read();
    if (!text6 && text6.error().kind != Error::Kind::Absent) return std::unexpected(text6.error());
    return in_file(parse_sockstat(text, text6.value_or("")), *files_, sockstat_.path());
}

void grow_since(CounterSample& now, const CounterSample& earlier)
{
    grow_if_both(now.softnet, earlier.softnet);
    if (now.protocols && earlier.protocols) now.protocols->grow_since(*earlier.protocols);
    if (now.interfaces && earlier.interfaces) grow_interfaces(*now.interfaces, *earlier.interfaces);
    grow_if_both(now.cpu_times, earlier.cpu_times);
    grow_if_both(now.softirqs, earlier.softirqs);
    grow_if_both(now.interrupts, earlier.interrupts);
    grow_since(now.pressure, earlier.pressure);
}

Result<std::vector<InterfaceCounters>> parse_interfaces(std::string_view text)
{
    std::vector<InterfaceCounters> interfaces;
    std::size_t number = 0;
    for (std::string_view line; next_line(text, line);) {
        if (++number <= 2) continue; // two lines of headings
        auto interface = parse_interface(line);
        if (!interface) return malformed_line(number, interface.error().what);
        interfaces.push_back(std::move(*interface));
    }
    if (number < 2) return fail(Error::Kind::Malformed, "has no headings");
    return interfaces;
}

} // namespace netwright::host
