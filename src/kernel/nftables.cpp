// SPDX-License-Identifier: GPL-2.0-or-later
// libnftables behind Result, by dlopen(3).
#include "kernel/nftables.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <nftables/libnftables.h>

#include <cerrno>
#include <utility>

namespace netwright::kernel {
namespace {

constexpr const char* library_name = "libnftables.so.1";

struct LibraryCloser {
    void operator()(void* handle) const { ::dlclose(handle); }
};
using Handle = std::unique_ptr<void, LibraryCloser>;

std::string first_line(std::string_view text) { return std::string(text.substr(0, text.find('\n'))); }

} // namespace

struct Nftables::Library {
    Handle handle;
    decltype(&nft_ctx_new) make = nullptr;
    decltype(&nft_ctx_free) free = nullptr;
    decltype(&nft_ctx_buffer_output) buffer_output = nullptr;
    decltype(&nft_ctx_buffer_error) buffer_error = nullptr;
    decltype(&nft_ctx_get_output_buffer) output = nullptr;
    decltype(&nft_ctx_get_error_buffer) error = nullptr;
    decltype(&nft_run_cmd_from_buffer) run = nullptr;
    nft_ctx* context = nullptr;

    ~Library()
    {
        if (context) free(context);
    }

    template <class Function>
    bool find(Function& function, const char* name)
    {
        function = reinterpret_cast<Function>(::dlsym(handle.get(), name));
        return function != nullptr;
    }

    bool find_all()
    {
        return find(make, "nft_ctx_new") && find(free, "nft_ctx_free") && find(run, "nft_run_cmd_from_buffer") &&
               find(buffer_output, "nft_ctx_buffer_output") && find(buffer_error, "nft_ctx_buffer_error") &&
               find(output, "nft_ctx_get_output_buffer") && find(error, "nft_ctx_get_error_buffer");
    }
};

Nftables::Nftables(std::unique_ptr<Library> library) : library_(std::move(library)) {}
Nftables::Nftables(Nftables&&) noexcept = default;
Nftables& Nftables::operator=(Nftables&&) noexcept = default;
Nftables::~Nftables() = default;

Result<Nftables> Nftables::open()
{
    auto library = std::make_unique<Library>();
    library->handle.reset(::dlopen(library_name, RTLD_NOW | RTLD_LOCAL));
    if (!library->handle || !library->find_all())
        return fail(Error::Kind::Unsupported,
                    fmt::format("{} is needed for this and cannot be loaded (Debian: apt-get install libnftables1)",
                                library_name));
    library->context = library->make(NFT_CTX_DEFAULT);
    if (!library->context) return std::unexpected(errno_error("start libnftables", errno));
    library->buffer_output(library->context);
    library->buffer_error(library->context);
    return Nftables(std::move(library));
}

Result<std::string> Nftables::run(const std::string& commands)
{
    errno = 0;
    if (library_->run(library_->context, commands.c_str()) == 0)
        return std::string(library_->output(library_->context));
    const int code = errno;
    const std::string complaint = first_line(library_->error(library_->context));
    (void)library_->output(library_->context);
    const auto says = [&](std::string_view words) { return complaint.find(words) != std::string::npos; };
    const auto kind = says("No such file or directory")                             ? Error::Kind::Absent
                      : says("Operation not permitted") || says("you must be root") ? Error::Kind::Refused
                                                                                    : Error::Kind::Rejected;
    return fail(kind, fmt::format("nftables: {}", complaint.empty() ? "refused" : complaint), code);
}

} // namespace netwright::kernel
