// SPDX-License-Identifier: GPL-2.0-or-later
// The parsers behind the collectors: text in, values out, no kernel. Tests feed them tables, fuzzers feed them noise.
// All refuse what they do not understand as Malformed, with the line: a figure that may be wrong is worse than none.
#pragma once

#include "kernel/kernel.h"
#include "model/counter.h"
#include "model/host.h"
#include "model/network.h"
#include "model/sysctl.h"

#include <string>
#include <string_view>
#include <vector>

namespace netwright::host {

// /proc/net/snmp and netstat: a line of names, a line of values. Appends "TcpRetransSegs", "TcpExtListenDrops", …
// A negative value (Tcp MaxConn is -1: no limit) is no count and is left out.
Result<void> parse_paired_counters(std::string_view text, std::vector<NamedCounter>& counters);
// /proc/net/snmp6, tls_stat, xfrm_stat: a name and a value on each line.
Result<void> parse_listed_counters(std::string_view text, std::vector<NamedCounter>& counters);
Result<std::vector<SoftnetCpu>> parse_softnet(std::string_view text);
Result<SockStat> parse_sockstat(std::string_view text, std::string_view text6); // text6 "" = no IPv6 here
Result<InterruptTable> parse_interrupts(std::string_view text);                 // /proc/interrupts, /proc/softirqs
Result<std::vector<CpuTimes>> parse_cpu_times(std::string_view text);           // /proc/stat
Result<Pressure> parse_pressure(std::string_view text);                         // one file of /proc/pressure
Result<Memory> parse_memory(std::string_view text);                             // /proc/meminfo; page_size stays 0
Result<FileTable> parse_file_table(std::string_view text);                      // /proc/sys/fs/file-nr
// The options of a kernel configuration that say what its network stack can do.
std::vector<ConfigOption> parse_kernel_config(std::string_view text);
// A gzip stream of at most `limit` bytes of text: Malformed when it is longer or broken.
Result<std::string> gunzip(std::string_view packed, std::size_t limit);
// A sysctl.d file; a line that is no setting keeps nobody from reading the others, as at boot.
struct SysctlFileText {
    std::vector<SysctlSetting> settings;
    std::vector<SysctlProblem> problems; // the first 100
};
SysctlFileText parse_sysctl_file(std::string_view text);

// What is wrong with a line of text: "line 3: why". in_file() makes it "/proc/net/snmp:3: why".
std::unexpected<Error> malformed_line(std::size_t line, std::string_view why);
std::string place_in_file(std::string_view path, std::string_view what);
template <class T>
Result<T> in_file(Result<T> result, const kernel::Files& files, std::string_view path)
{
    if (!result && result.error().kind == Error::Kind::Malformed)
        result.error().what = place_in_file(files.display(path), result.error().what);
    return result;
}

} // namespace netwright::host
