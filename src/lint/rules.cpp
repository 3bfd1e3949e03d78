// SPDX-License-Identifier: GPL-2.0-or-later
// Every rule, in the order in which they are asked, and the fixes they give.
#include "lint/rule.h"

#include <fmt/format.h>

#include <array>

namespace netwright::lint {
namespace {

constexpr Level note = Level::Note, warning = Level::Warning, error = Level::Error;

constexpr Rule of_faults(std::string_view id, Level level, std::string_view summary,
                         Verdict (*judge)(const Fault&, const Scene&))
{
    return {{id, level, summary}, judge, nullptr, false};
}
// Asked about every line, and about values that stand only.
constexpr Rule of_lines(std::string_view id, Level level, std::string_view summary,
                        Verdict (*judge)(const Setting&, const Scene&))
{
    return {{id, level, summary}, nullptr, judge, false};
}
constexpr Rule of_values(std::string_view id, Level level, std::string_view summary,
                         Verdict (*judge)(const Setting&, const Scene&))
{
    return {{id, level, summary}, nullptr, judge, true};
}

constexpr std::array table{
    of_faults("unreadable-file", error, "the file cannot be read", judge_unreadable),
    of_faults("binary-file", error, "the file is no text", judge_binary),
    of_faults("long-line", error, "a line is longer than any setting", judge_long_line),
    of_faults("byte-order-mark", warning, "a byte order mark spoils the first line", judge_byte_order_mark),
    of_faults("malformed-line", error, "a line is neither setting nor comment", judge_malformed),
    of_lines("trailing-comment", warning, "a comment behind a value is written to the kernel", judge_trailing_comment),

    of_lines("removed-key", warning, "the kernel no longer has the key", judge_removed),
    of_lines("renamed-key", warning, "the key has another name today", judge_renamed),
    of_lines("misspelt-key", error, "no such key, but one that is nearly the same", judge_misspelt),
    of_lines("unknown-key", warning, "no known kernel has the key", judge_unknown),
    of_lines("too-new-key", warning, "the key came with a later kernel", judge_too_new),
    of_lines("dead-key", warning, "the key is accepted and does nothing", judge_dead),
    of_lines("superseded-key", note, "the key has a successor with a better unit", judge_superseded),
    of_lines("read-only-key", error, "the key can only be read", judge_read_only),
    of_lines("needs-module", note, "the key exists once a module is loaded", judge_module),
    of_lines("absent-interface", warning, "the key names an interface this host lacks", judge_absent_interface),
    of_lines("overridden", note, "a later line sets the same key", judge_overridden),

    of_lines("no-value", error, "the key is given no value", judge_empty),
    of_lines("size-suffix", error, "the kernel knows no K, M or G", judge_suffix),
    of_lines("octal-number", warning, "a leading 0 makes a number octal", judge_octal),
    of_lines("wrong-arity", error, "too few or too many numbers, or none", judge_arity),
    of_lines("out-of-range", error, "the kernel refuses, clamps or misunderstands the value", judge_range),
    of_values("pages-not-bytes", warning, "the key counts pages, the value bytes", judge_pages),
    of_values("seconds-not-milliseconds", warning, "the key counts seconds, the value milliseconds",
              judge_milliseconds),
    of_values("below-two-jiffies", warning, "whether the value passes depends on the kernel's HZ", judge_two_jiffies),
    of_values("privileged-port-range", error, "the local port range starts among privileged ports",
              judge_privileged_ports),

    of_values("equals-default", note, "the line repeats the kernel's own value", judge_equals_default),
    of_values("below-default", warning, "the value lowers what the kernel does by itself", judge_below_default),

    of_values("harmful", warning, "the value does harm", judge_harmful),
    of_values("weakens-security", warning, "the value opens a door", judge_security),
    of_values("large-initial-buffer", warning, "every socket starts with a large buffer", judge_large_initial_buffer),
    of_values("too-much-memory", warning, "the value gives away too much of this host's memory", judge_too_much_memory),

    of_values("long-accept-queue", note, "the queue is longer than clients wait", judge_long_queue),
    of_values("algorithm-for-all", note, "an algorithm for special paths as the default", judge_algorithm),
    of_values("fastopen-needs-programs", note, "TCP fast open needs programs that ask for it", judge_fastopen),
    of_values("time-wait-remedy", note, "the key does not do to TIME_WAIT what people say", judge_time_wait),
    of_values("core-maximum-and-tcp", note, "net.core's maxima do not bound TCP", judge_core_maximum),
    of_values("syn-backlog-unused", note, "the key is not asked while SYN cookies are on", judge_syn_backlog),
    of_values("ports-of-services", warning, "outgoing connections may take the ports of services", judge_port_range),
    of_values("idle-restart-and-bbr", note, "bbr does not look at the key", judge_idle_restart),

    of_values("contradiction", warning, "two settings contradict each other", judge_contradiction),
    of_values("order-dependent", warning, "a later line undoes or forbids this one", judge_pair_order),
    of_values("conntrack-buckets", note, "many entries over few buckets", judge_conntrack_buckets),

    of_values("all-does-not-reach", warning, "conf.all does not reach interfaces for this key", judge_all_scope),
    of_values("default-reaches-later", note, "conf.default reaches only interfaces to come", judge_default_scope),
    of_values("all-outweighs-interface", warning, "conf.all and the interface are combined", judge_exempt_interface),
};

} // namespace

std::span<const Rule> rule_table() { return table; }

TextFix no_fix(std::string words) { return {TextFix::What::None, {}, {}, std::move(words)}; }

TextFix comment_out(const Setting& setting)
{
    return {TextFix::What::CommentOut, setting.key_at, {}, "remove the line"};
}

TextFix write_value(const Setting& setting, std::string value)
{
    std::string words = fmt::format("{} = {}", setting.key, value);
    return {TextFix::What::Replace, setting.value_at, std::move(value), std::move(words)};
}

TextFix write_key(const Setting& setting, std::string key)
{
    std::string words = fmt::format("write {}", key);
    return {TextFix::What::Replace, setting.key_at, std::move(key), std::move(words)};
}

TextFix add_line(const Setting& setting, std::string line)
{
    std::string words = fmt::format("add {}", line);
    return {TextFix::What::AddBelow, setting.key_at, std::move(line), std::move(words)};
}

} // namespace netwright::lint
