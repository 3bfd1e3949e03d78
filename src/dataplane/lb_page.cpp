// SPDX-License-Identifier: GPL-2.0-or-later
// libmicrohttpd by dlopen(3): only a supervised balancer with a status page needs it.
#include "dataplane/lb_page.h"

#include "base/shared_library.h"
#include "dataplane/socket_address.h"

#include <fmt/format.h>
#include <microhttpd.h>

#include <cerrno>
#include <cstring>

namespace netwright::dataplane {

struct LbPageServer::Library {
    explicit Library(SharedLibrary loaded) : handle(std::move(loaded)) {}
    SharedLibrary handle;
    decltype(&MHD_start_daemon) start = nullptr;
    decltype(&MHD_stop_daemon) stop = nullptr;
    decltype(&MHD_create_response_from_buffer) respond = nullptr;
    decltype(&MHD_add_response_header) add_header = nullptr;
    decltype(&MHD_queue_response) queue = nullptr;
    decltype(&MHD_destroy_response) drop = nullptr;
    MHD_Daemon* daemon = nullptr;

    Result<void> find_all()
    {
        TRY_VOID(handle.find(start, "MHD_start_daemon"));
        TRY_VOID(handle.find(stop, "MHD_stop_daemon"));
        TRY_VOID(handle.find(respond, "MHD_create_response_from_buffer"));
        TRY_VOID(handle.find(add_header, "MHD_add_response_header"));
        TRY_VOID(handle.find(queue, "MHD_queue_response"));
        return handle.find(drop, "MHD_destroy_response");
    }

    MHD_Result answer(MHD_Connection* connection, unsigned status, LbPage page) const
    {
        MHD_Response* const response = respond(page.text.size(), page.text.data(), MHD_RESPMEM_MUST_COPY);
        if (!response) return MHD_NO;
        add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, page.type.c_str());
        add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
        const MHD_Result queued = queue(connection, status, response);
        drop(response);
        return queued;
    }

    static MHD_Result asked(void* closure, MHD_Connection* connection, const char* path, const char* method,
                            const char*, const char*, std::size_t*, void**)
    {
        const auto& server = *static_cast<const LbPageServer*>(closure);
        const auto& library = *server.library_;
        const bool reads =
            std::strcmp(method, MHD_HTTP_METHOD_GET) == 0 || std::strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
        if (!reads) return library.answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, {"text/plain", "GET alone\n"});
        auto page = server.pages_(path);
        if (!page) return library.answer(connection, MHD_HTTP_NOT_FOUND, {"text/plain", "/, /status.json, /metrics\n"});
        return library.answer(connection, MHD_HTTP_OK, *std::move(page));
    }
};

LbPageServer::LbPageServer(std::unique_ptr<Library> library, Pages pages)
    : library_(std::move(library)), pages_(std::move(pages))
{
}

LbPageServer::~LbPageServer()
{
    if (library_->daemon) library_->stop(library_->daemon);
}

Result<std::unique_ptr<LbPageServer>> LbPageServer::start(const LbListen& where, Pages pages)
{
    auto library = std::make_unique<Library>(TRY(SharedLibrary::open("libmicrohttpd.so.12", "libmicrohttpd12")));
    TRY_VOID(library->find_all());
    const SocketAddress address = socket_address(where.address, where.port);
    std::unique_ptr<LbPageServer> server(new LbPageServer(std::move(library), std::move(pages)));
    const unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | (where.address.ipv6 ? MHD_USE_IPv6 : MHD_NO_FLAG);
    server->library_->daemon = server->library_->start(
        flags, where.port, nullptr, nullptr, &Library::asked, server.get(), MHD_OPTION_SOCK_ADDR, address.raw(),
        MHD_OPTION_CONNECTION_LIMIT, 32U, MHD_OPTION_CONNECTION_TIMEOUT, 10U, MHD_OPTION_END);
    if (!server->library_->daemon)
        return fail(errno == EADDRINUSE ? Error::Kind::Busy : Error::Kind::Rejected,
                    fmt::format("serve the status page at {} port {}: {}", to_text(where.address), where.port,
                                std::strerror(errno)));
    return server;
}

} // namespace netwright::dataplane
