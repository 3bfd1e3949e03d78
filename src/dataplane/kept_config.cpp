// SPDX-License-Identifier: GPL-2.0-or-later
// Each part is a line with its kind, its size in bytes and its name, and then that many bytes.
#include "dataplane/kept_config.h"

#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace netwright::dataplane {
namespace {

constexpr std::string_view first_line = "netwright-kept 1\n";

std::unexpected<Error> malformed(std::string_view what)
{
    return fail(Error::Kind::Malformed, fmt::format("a kept policy: {}", what));
}

// Sizes come first, for names may hold blanks.
std::string part(std::string_view kind, std::string_view name, std::string_view text)
{
    return fmt::format("{} {} {}\n{}\n", kind, text.size(), name, text);
}

struct Part {
    std::string_view kind, name, text;
};

bool can_cut(const SteerClass& one) { return one.redirect.way != STEER_STAY || one.limit.has_value(); }

Result<Part> next_part(std::string_view& rest)
{
    Part found;
    std::string_view line, size_word;
    (void)next_line(rest, line);
    next_word(line, found.kind);
    next_word(line, size_word);
    const auto size = parse_unsigned(size_word);
    found.name = line.substr(std::min<std::size_t>(line.size(), 1));
    if (!size || *size >= rest.size()) return malformed("it ends too early");
    found.text = rest.substr(0, *size);
    rest.remove_prefix(*size + 1);
    return found;
}

} // namespace

std::string to_text(const KeptConfig& kept)
{
    std::string text(first_line);
    text += part("config", kept.name, kept.text);
    for (const auto& [path, content] : kept.files)
        text += part("file", path, content);
    if (kept.administrator) text += part("administrator", "", to_text(*kept.administrator));
    if (kept.applied) text += part("applied", "", fmt::format("{}", kept.applied));
    if (kept.reached) text += part("reached", "", to_text(*kept.reached));
    return text;
}

bool is_kept(std::string_view text) { return text.starts_with(first_line); }

Result<KeptConfig> parse_kept(std::string_view text)
{
    if (!is_kept(text)) return malformed("it begins with another line");
    KeptConfig kept;
    std::string_view rest = text.substr(first_line.size());
    while (!rest.empty()) {
        const Part part = TRY(next_part(rest));
        if (part.kind == "config") {
            kept.name = part.name;
            kept.text = part.text;
        } else if (part.kind == "file") {
            kept.files.emplace(part.name, part.text);
        } else if (part.kind == "applied") {
            kept.applied = TRY(parse_int(part.text));
        } else if (part.kind == "administrator") {
            kept.administrator = TRY(parse_prefix(part.text));
        } else if (part.kind == "reached") {
            kept.reached = TRY(parse_prefix(part.text));
        } else {
            return malformed(fmt::format("'{}' is no part of it", part.kind.substr(0, 32)));
        }
    }
    return kept;
}

Result<FilterPolicy> filter_policy_of(const KeptConfig& kept)
{
    auto policy = TRY(parse_filter_policy(kept.text, kept.name, [&](const std::string& path) -> Result<std::string> {
        const auto file = kept.files.find(path);
        if (file == kept.files.end()) return fail(Error::Kind::Absent, path + ": was not kept");
        return file->second;
    }));
    policy.applied = kept.applied;
    if (!kept.administrator) return policy;
    PrefixList list{"administrator", Verdict::Pass, {*kept.administrator}, 0};
    const auto named_so = [&](const auto& one) { return one.name == list.name; };
    if (std::ranges::any_of(policy.lists, named_so) || std::ranges::any_of(policy.rules, named_so))
        return fail(Error::Kind::Rejected, "the policy's list 'administrator' has the name that the lock-out guard "
                                           "uses; rename it, or give --force");
    policy.lists.push_back(std::move(list));
    return policy;
}

Result<SteerPolicy> steer_policy_of(const KeptConfig& kept)
{
    auto policy = TRY(parse_steer_policy(kept.text, kept.name));
    if (!kept.administrator || !kept.reached || std::ranges::none_of(policy.classes, can_cut)) return policy;
    SteerClass in, out;
    in.name = "administrator-in", out.name = "administrator-out";
    in.side = TcSide::Ingress;
    in.protocols = out.protocols = {6};
    in.from = out.to = {*kept.administrator};
    in.to = out.from = {*kept.reached};
    for (const SteerClass& guard : {in, out}) {
        if (!policy.uses(guard.side)) continue;
        if (policy.classes.size() == STEER_CLASSES || std::ranges::count(policy.classes, guard.name, &SteerClass::name))
            return fail(Error::Kind::Rejected, fmt::format("the policy leaves no room for the class '{}', which spares "
                                                           "your own connection: remove a class, or give --force",
                                                           guard.name));
        policy.classes.insert(policy.classes.begin(), guard);
    }
    return policy;
}

} // namespace netwright::dataplane
