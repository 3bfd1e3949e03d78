// SPDX-License-Identifier: GPL-2.0-or-later
// HTTP and HTTPS with libcurl, by dlopen(3).
#define CURL_DISABLE_TYPECHECK // its macros would take our pointers' places
#include "base/shared_library.h"
#include "dataplane/lb_probe.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <memory>
#include <optional>

namespace netwright::dataplane {
namespace {

struct Curl {
    explicit Curl(SharedLibrary loaded) : library(std::move(loaded)) {}

    SharedLibrary library;
    decltype(&curl_global_init) start = nullptr;
    decltype(&curl_easy_init) make = nullptr;
    decltype(&curl_easy_cleanup) drop = nullptr;
    decltype(&curl_easy_setopt) set = nullptr;
    decltype(&curl_easy_perform) perform = nullptr;
    decltype(&curl_easy_getinfo) info = nullptr;
    decltype(&curl_easy_strerror) text = nullptr;
    decltype(&curl_slist_append) append = nullptr;
    decltype(&curl_slist_free_all) free_list = nullptr;

    static Result<Curl> open();
};

Result<Curl> Curl::open()
{
    Curl curl(TRY(SharedLibrary::open("libcurl.so.4", "libcurl4")));
    TRY_VOID(curl.library.find(curl.start, "curl_global_init"));
    TRY_VOID(curl.library.find(curl.make, "curl_easy_init"));
    TRY_VOID(curl.library.find(curl.drop, "curl_easy_cleanup"));
    TRY_VOID(curl.library.find(curl.set, "curl_easy_setopt"));
    TRY_VOID(curl.library.find(curl.perform, "curl_easy_perform"));
    TRY_VOID(curl.library.find(curl.info, "curl_easy_getinfo"));
    TRY_VOID(curl.library.find(curl.text, "curl_easy_strerror"));
    TRY_VOID(curl.library.find(curl.append, "curl_slist_append"));
    TRY_VOID(curl.library.find(curl.free_list, "curl_slist_free_all"));
    if (curl.start(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return fail(Error::Kind::Unsupported, "libcurl.so.4 does not start");
    return curl;
}

// Opened once, for all threads, and never closed: it has threads' memory of its own.
const Result<Curl>& curl()
{
    static const Result<Curl> opened = Curl::open();
    return opened;
}

std::size_t ignore(char*, std::size_t size, std::size_t count, void*) { return size * count; }

std::string bracketed(const Prefix& address)
{
    return address.ipv6 ? fmt::format("[{}]", to_text(address)) : to_text(address);
}

Result<long> status_of(const Curl& with, const LbCheck& check, const Prefix& backend)
{
    const std::unique_ptr<CURL, decltype(with.drop)> handle(with.make(), with.drop);
    // The name is asked for and must be right, but the backend is whom we ask.
    const std::unique_ptr<curl_slist, decltype(with.free_list)> there(
        with.append(nullptr, fmt::format("::{}:{}", bracketed(backend), check.port).c_str()), with.free_list);
    if (!handle || !there) return fail(Error::Kind::Unsupported, "libcurl is out of memory");
    const std::string url = fmt::format("{}://{}:{}{}", check.kind == LbCheck::Kind::Https ? "https" : "http",
                                        check.host.empty() ? bracketed(backend) : check.host, check.port, check.path);
    const long milliseconds = std::chrono::ceil<std::chrono::milliseconds>(check.timeout).count();
    with.set(handle.get(), CURLOPT_URL, url.c_str());
    with.set(handle.get(), CURLOPT_CONNECT_TO, there.get());
    with.set(handle.get(), CURLOPT_PROXY, "");
    with.set(handle.get(), CURLOPT_NOSIGNAL, 1L);
    with.set(handle.get(), CURLOPT_TIMEOUT_MS, milliseconds);
    with.set(handle.get(), CURLOPT_USERAGENT, "netwright");
    with.set(handle.get(), CURLOPT_SSL_VERIFYPEER, check.verify ? 1L : 0L);
    with.set(handle.get(), CURLOPT_SSL_VERIFYHOST, check.verify ? 2L : 0L);
    with.set(handle.get(), CURLOPT_WRITEFUNCTION, &ignore);
    if (const CURLcode code = with.perform(handle.get()); code != CURLE_OK)
        return fail(Error::Kind::Rejected, with.text(code));
    long status = 0;
    with.info(handle.get(), CURLINFO_RESPONSE_CODE, &status);
    return status;
}

} // namespace

Result<void> can_probe_http()
{
    if (!curl()) return std::unexpected(curl().error());
    return {};
}

Result<void> probe_http(const LbCheck& check, const Prefix& backend)
{
    TRY_VOID(can_probe_http());
    const long status = TRY(status_of(*curl(), check, backend));
    if (status >= static_cast<long>(check.least_status) && status <= static_cast<long>(check.most_status)) return {};
    return fail(Error::Kind::Rejected, fmt::format("HTTP status {}", status));
}

} // namespace netwright::dataplane
