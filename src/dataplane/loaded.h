// SPDX-License-Identifier: GPL-2.0-or-later
// Why a program could not be loaded, for people.
#pragma once

#include "base/error.h"

#include <fmt/format.h>

#include <expected>
#include <string_view>
#include <utility>

namespace netwright::dataplane {

// `code` is libbpf's errno. Refused: rights are missing. Everything else is Unsupported: this kernel's verifier
// refuses.
inline std::unexpected<Error> not_loaded(std::string_view program, int code)
{
    auto error = errno_error(fmt::format("load the {}", program), code);
    if (error.kind == Error::Kind::Refused)
        error.what += " (run as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON)";
    else
        error.kind = Error::Kind::Unsupported;
    return std::unexpected(std::move(error));
}

} // namespace netwright::dataplane
