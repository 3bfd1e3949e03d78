// SPDX-License-Identifier: GPL-2.0-or-later
// libnftables behind Result.
#include "kernel/nftables.h"

#include "base/shared_library.h"

#include <fmt/format.h>
#include <nftables/libnftables.h>

#include <cerrno>
#include <utility>

namespace netwright::kernel {
namespace {

std::string first_line(std::string_view text) { return std::string(text.substr(0, text.find('\n'))); }

} // namespace

struct Nftables::Library {
    explicit Library(SharedLibrary loaded) : library(std::move(loaded)) {}
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;
    ~Library()
    {
        if (context) free(context);
    }

    Result<void> find_all()
    {
        TRY_VOID(library.find(make, "nft_ctx_new"));
        TRY_VOID(library.find(free, "nft_ctx_free"));
        TRY_VOID(library.find(run, "nft_run_cmd_from_buffer"));
        TRY_VOID(library.find(buffer_output, "nft_ctx_buffer_output"));
        TRY_VOID(library.find(buffer_error, "nft_ctx_buffer_error"));
        TRY_VOID(library.find(output, "nft_ctx_get_output_buffer"));
        return library.find(error, "nft_ctx_get_error_buffer");
    }

    SharedLibrary library;
    decltype(&nft_ctx_new) make = nullptr;
    decltype(&nft_ctx_free) free = nullptr;
    decltype(&nft_ctx_buffer_output) buffer_output = nullptr;
    decltype(&nft_ctx_buffer_error) buffer_error = nullptr;
    decltype(&nft_ctx_get_output_buffer) output = nullptr;
    decltype(&nft_ctx_get_error_buffer) error = nullptr;
    decltype(&nft_run_cmd_from_buffer) run = nullptr;
    nft_ctx* context = nullptr;
};

Nftables::Nftables(std::unique_ptr<Library> library) : library_(std::move(library)) {}
Nftables::Nftables(Nftables&&) noexcept = default;
Nftables& Nftables::operator=(Nftables&&) noexcept = default;
Nftables::~Nftables() = default;

Result<Nftables> Nftables::open()
{
    auto library = std::make_unique<Library>(TRY(SharedLibrary::open("libnftables.so.1", "libnftables1")));
    TRY_VOID(library->find_all());
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
