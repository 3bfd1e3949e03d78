// SPDX-License-Identifier: GPL-2.0-or-later
// What could not be done, and why, in words that mean something to the host's owner.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace netwright {

struct Error {
    // What a caller decides on.
    enum class Kind {
        Absent,      // it does not exist here: file, key, device, answer
        Refused,     // the rights are missing (EACCES, EPERM, EROFS)
        Unsupported, // this kernel, driver or captured tree cannot answer
        Rejected,    // a bad value or a bad request: the caller must change it
        Busy,        // try again later (lock held, EBUSY)
        Malformed,   // text or bytes that do not parse
        Mismatch,    // written, but the kernel shows something else; or a host that is not the expected one
        Interrupted  // it was cut short and may be half done
    };
    Kind kind = Kind::Absent;
    std::string what; // names the thing and, where it helps, the way out: "read /proc/sys/net/core/somaxconn:
                      // permission denied"
    int code = 0;     // errno where the kernel gave one, else 0
    bool operator==(const Error&) const = default;
};

template <class T = void>
using Result = std::expected<T, Error>;

// An Error for `errno`: the kind follows from the code, the text is "<what>: <strerror>".
Error errno_error(std::string what, int code);
std::string_view to_text(Error::Kind kind); // "absent", "refused", …
Result<Error::Kind> parse_error_kind(std::string_view text);

inline std::unexpected<Error> fail(Error::Kind kind, std::string what, int code = 0)
{
    return std::unexpected(Error{kind, std::move(what), code});
}

} // namespace netwright

// Takes the value out of a Result, or returns its error from the enclosing function. Leaving a statement expression
// does not destroy what its full expression has made so far (GCC manual, "Statement Exprs"): beside other values that
// own something, in a braced list or among arguments, give it a statement of its own.
#define TRY(expression)                                                                                                \
    __extension__({                                                                                                    \
        auto result_ = (expression);                                                                                   \
        if (!result_) return std::unexpected(std::move(result_).error());                                              \
        *std::move(result_);                                                                                           \
    })

// The same for a Result<void>, or where the value does not matter.
#define TRY_VOID(expression)                                                                                           \
    do {                                                                                                               \
        if (auto result_ = (expression); !result_) return std::unexpected(std::move(result_).error());                 \
    } while (false)

// A broken promise of our own code stops the program, in release builds too.
#define ENSURE(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            std::fprintf(stderr, "netwright: internal error: %s (%s:%d)\n", #condition, __FILE__, __LINE__);           \
            std::abort();                                                                                              \
        }                                                                                                              \
    } while (false)
