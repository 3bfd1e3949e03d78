// SPDX-License-Identifier: GPL-2.0-or-later
// A small HTTP server for the status page: one thread, GET alone.
#pragma once

#include "dataplane/lb_config.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace netwright::dataplane {

struct LbPage {
    std::string type, text; // the media type
};

class LbPageServer {
public:
    // Nothing: no such page. Called in the server's thread.
    using Pages = std::function<std::optional<LbPage>(std::string_view path)>;
    // With GNU libmicrohttpd. Unsupported: that is not installed. Busy: the port is taken.
    static Result<std::unique_ptr<LbPageServer>> start(const LbListen& where, Pages pages);
    ~LbPageServer();
    LbPageServer(const LbPageServer&) = delete;
    LbPageServer& operator=(const LbPageServer&) = delete;

private:
    struct Library;
    LbPageServer(std::unique_ptr<Library> library, Pages pages);
    std::unique_ptr<Library> library_;
    Pages pages_;
};

} // namespace netwright::dataplane
