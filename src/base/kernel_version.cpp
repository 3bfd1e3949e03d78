// SPDX-License-Identifier: GPL-2.0-or-later
// Parsing kernel release strings.
#include "base/kernel_version.h"

#include "base/text.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace netwright {

Result<KernelVersion> KernelVersion::parse(std::string_view release)
{
    std::array<unsigned, 3> parts{};
    const char* at = release.data();
    const char* const end = at + release.size();
    std::size_t read = 0;
    while (read < parts.size()) {
        const auto [stop, problem] = std::from_chars(at, end, parts[read]);
        if (problem != std::errc{}) break;
        ++read;
        at = stop;
        if (at == end || *at != '.') break;
        ++at;
    }
    if (read < 2)
        return fail(
            Error::Kind::Malformed,
            fmt::format("'{}' is not a kernel version (for example: 6.1 or 5.15.0-91-generic)", release.substr(0, 64)));
    return KernelVersion{parts[0], parts[1], parts[2]};
}

std::string to_text(KernelVersion version)
{
    return fmt::format("{}.{}.{}", version.major, version.minor, version.patch);
}

} // namespace netwright
