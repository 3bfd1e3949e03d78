// SPDX-License-Identifier: GPL-2.0-or-later
// Whether this host takes back the SYN cookies that the filter would hand out.
#pragma once

#include "base/error.h"
#include "kernel/files.h"

#include <string>
#include <string_view>
#include <vector>

namespace netwright::dataplane {

// Values of the present network namespace, "" where the kernel has no such sysctl.
struct CookieSettings {
    std::string tcp_syncookies;    // net.ipv4.tcp_syncookies
    std::string conntrack_loose{}; // net.netfilter.nf_conntrack_tcp_loose
};
CookieSettings cookie_settings(const kernel::Files& files);
// Unsupported: this kernel has no SYN cookies. Rejected: a setting is in the way; the text says which value is not.
Result<void> takes_cookies(const CookieSettings& settings);
// What the owner should know, a line each.
std::vector<std::string> cookie_doubts(const CookieSettings& settings);

} // namespace netwright::dataplane
