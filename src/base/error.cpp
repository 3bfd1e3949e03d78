// SPDX-License-Identifier: GPL-2.0-or-later
// From errno to a kind a caller can decide on.
#include "base/error.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace netwright {
namespace {

constexpr std::array<std::string_view, 8> kind_names{"absent", "refused",   "unsupported", "rejected",
                                                     "busy",   "malformed", "mismatch",    "interrupted"};

Error::Kind kind_of(int code)
{
    switch (code) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
    case ESRCH:
        return Error::Kind::Absent;
    case EACCES:
    case EPERM:
    case EROFS:
        return Error::Kind::Refused;
    case EOPNOTSUPP:
    case ENOSYS:
    case EPROTONOSUPPORT:
    case EAFNOSUPPORT:
        return Error::Kind::Unsupported;
    case EBUSY:
    case EAGAIN:
        return Error::Kind::Busy;
    case EINTR:
        return Error::Kind::Interrupted;
    default:
        return Error::Kind::Rejected;
    }
}

} // namespace

Error errno_error(std::string what, int code)
{
    std::array<char, 128> text{};
    const char* reason = strerror_r(code, text.data(), text.size()); // GNU variant: may not use the buffer
    return Error{kind_of(code), fmt::format("{}: {}", what, reason), code};
}

std::string_view to_text(Error::Kind kind) { return kind_names.at(static_cast<std::size_t>(kind)); }

Result<Error::Kind> parse_error_kind(std::string_view text)
{
    for (std::size_t i = 0; i < kind_names.size(); ++i)
        if (kind_names[i] == text) return static_cast<Error::Kind>(i);
    return fail(Error::Kind::Malformed, fmt::format("unknown error kind '{}'", text));
}

} // namespace netwright
