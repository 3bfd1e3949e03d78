// SPDX-License-Identifier: GPL-2.0-or-later
// Rules over the form of a file: what systemd-sysctl and sysctl(8) stumble over.
#include "lint/rule.h"

#include <fmt/format.h>

namespace netwright::lint {

Verdict judge_unreadable(const Fault& fault, const Scene&)
{
    if (fault.what != Fault::What::Unreadable) return std::nullopt;
    return Remark{fault.at,
                  "cannot be read: " + fault.detail,
                  "None of its settings is applied by a program that runs into the same obstacle.",
                  {},
                  {}};
}

Verdict judge_binary(const Fault& fault, const Scene&)
{
    if (fault.what != Fault::What::Binary) return std::nullopt;
    return Remark{fault.at,
                  "holds a NUL byte: this is no text",
                  "What follows is not judged. A file saved as UTF-16 looks like this too; save it as UTF-8.",
                  {},
                  {}};
}

Verdict judge_long_line(const Fault& fault, const Scene&)
{
    if (fault.what != Fault::What::LongLine) return std::nullopt;
    return Remark{fault.at,
                  fmt::format("a line of {} bytes is no setting", fault.detail),
                  "The kernel takes at most a page for a value; systemd-sysctl gives the whole file up at a megabyte.",
                  {},
                  {}};
}

// systemd-sysctl takes the mark for the start of the first key, or of a line that is no assignment.
Verdict judge_byte_order_mark(const Fault& fault, const Scene&)
{
    if (fault.what != Fault::What::ByteOrderMark) return std::nullopt;
    return Remark{fault.at,
                  "starts with a byte order mark",
                  "systemd-sysctl and sysctl(8) read the mark as part of the first line, which then fails.",
                  {TextFix::What::Replace, fault.at, "", "remove the mark"},
                  {}};
}

Verdict judge_malformed(const Fault& fault, const Scene&)
{
    if (fault.what != Fault::What::Malformed) return std::nullopt;
    return Remark{fault.at,
                  "is no setting: " + fault.detail,
                  "A line reads 'key = value', or is a comment after '#' or ';' at its start. This one is skipped with "
                  "a complaint at boot.",
                  {},
                  {}};
}

Verdict judge_trailing_comment(const Setting& setting, const Scene&)
{
    if (setting.comment.empty()) return std::nullopt;
    // Unknown keys may hold '#' or ';' rightly (kernel.core_pattern); only a word of its own behind '#' is a comment.
    if (!setting.parameter && !setting.comment.starts_with("# ")) return std::nullopt;
    const bool text = !setting.parameter || setting.parameter->type == catalog::Type::Text;
    const auto from = static_cast<std::uint32_t>(setting.comment.data() - setting.value.data());
    const TextPlace at{setting.value_at.line, setting.value_at.column + from,
                       static_cast<std::uint32_t>(setting.comment.size())};
    const TextFix fix{TextFix::What::MoveAbove, at, "", "move the comment to a line of its own"};
    if (text)
        return Remark{at, fmt::format("the comment becomes part of the value of {}", setting.key),
                      "There are no comments behind a value: everything after '=' is written to the kernel.", fix,
                      Level::Error};
    return Remark{at, fmt::format("a comment behind the value of {}", setting.key),
                  "There are no comments behind a value. The kernel happens to stop reading after the number; a list "
                  "with a number missing, or no blank before the comment, is refused.",
                  fix, Level::Note};
}

} // namespace netwright::lint
