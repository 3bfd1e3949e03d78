// SPDX-License-Identifier: GPL-2.0-or-later
// The sysctls that SYN cookies depend on.
#include "dataplane/syn_cookies.h"

namespace netwright::dataplane {

CookieSettings cookie_settings(const kernel::Files& files)
{
    return {files.read_line("proc/sys/net/ipv4/tcp_syncookies").value_or(""),
            files.read_line("proc/sys/net/netfilter/nf_conntrack_tcp_loose").value_or("")};
}

Result<void> takes_cookies(const CookieSettings& settings)
{
    if (settings.tcp_syncookies.empty())
        return fail(Error::Kind::Unsupported, "syn_cookies: this kernel was built without SYN cookies "
                                              "(CONFIG_SYN_COOKIES); limit new connections with a rule instead");
    if (settings.tcp_syncookies == "0")
        return fail(Error::Kind::Rejected, "syn_cookies: net.ipv4.tcp_syncookies is 0, so the kernel would take none "
                                           "back: netwright set sysctl/net.ipv4.tcp_syncookies 1");
    // It never sees the SYN, and the ACK that brings the cookie back would be invalid to it.
    if (settings.conntrack_loose == "0")
        return fail(Error::Kind::Rejected,
                    "syn_cookies: connection tracking would call every connection invalid that was begun with a "
                    "cookie: netwright set sysctl/net.netfilter.nf_conntrack_tcp_loose 1");
    return {};
}

std::vector<std::string> cookie_doubts(const CookieSettings& settings)
{
    std::vector<std::string> found;
    if (settings.tcp_syncookies == "2")
        found.emplace_back(
            "net.ipv4.tcp_syncookies is 2: every connection to these ports begins with a cookie, and "
            "has neither window scaling nor SACK; 1 sends cookies only while a listener's queue is full");
    if (!settings.conntrack_loose.empty())
        found.emplace_back("connection tracking first sees the ACK of a connection that was begun with a cookie: "
                           "firewall rules that drop new connections without SYN would drop it");
    return found;
}

} // namespace netwright::dataplane
