// SPDX-License-Identifier: GPL-2.0-or-later
// One line of a sysctl.d file taken apart, as systemd-sysctl and sysctl(8) do it. Every part is a view into the line,
// so that whoever needs a column has one.
#pragma once

#include <string>
#include <string_view>

namespace netwright {

struct SysctlLine {
    enum class Kind {
        Blank,     // nothing, or a comment after '#' or ';'
        Setting,   // key = value
        Exclusion, // "-key" alone: takes it out of an earlier glob (sysctl.d(5))
        Malformed
    } kind = Kind::Blank;
    std::string_view key;        // as written, trimmed
    std::string_view value;      // as written, trimmed
    bool ignore_failure = false; // written with a leading '-'
    std::string problem;         // of a malformed line: "has no '='"
};
SysctlLine parse_sysctl_line(std::string_view line);

// systemd's rule for both spellings of a key: the separator that comes first separates, the other one belongs to a name
// ("net/ipv4/conf/eth0.100/forwarding" is "net.ipv4.conf.eth0/100.forwarding"; src/basic/sysctl-util.c).
std::string dotted_sysctl_key(std::string_view key);

inline constexpr std::string_view byte_order_mark = "\xef\xbb\xbf"; // some editors leave it at the front
inline constexpr std::size_t longest_sysctl_line = 64U << 10;       // no sysctl takes more than a page

} // namespace netwright
