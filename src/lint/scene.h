// SPDX-License-Identifier: GPL-2.0-or-later
// All settings of all sources at once, each with its place: what the rules look at.
#pragma once

#include "catalog/catalog.h"
#include "lint/lint.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace netwright::lint {

struct Setting {
    std::size_t source = 0;
    TextPlace key_at, value_at;
    std::string key;          // with dots, whatever was written
    std::string_view value;   // as written, without a comment behind a number
    std::string_view comment; // that comment, "# like this"
    bool exclusion = false, ignore_failure = false;
    bool glob = false;                             // the key holds a wildcard
    const catalog::Parameter* parameter = nullptr; // null: the catalogue does not know the key
    std::vector<std::int64_t> numbers;             // all words, where all are numbers
    std::size_t order = 0;                         // position in Scene::settings
    std::string_view interface;                    // "eth0/1" of net.ipv4.conf.eth0/1.rp_filter, else ""

    bool is(std::string_view name) const { return key == name; }
    // One number and this one.
    bool equals(std::int64_t number) const { return numbers.size() == 1 && numbers[0] == number; }
};

// What a text holds that is no setting.
struct Fault {
    enum class What { Unreadable, Binary, LongLine, ByteOrderMark, Malformed } what = What::Malformed;
    std::size_t source = 0;
    TextPlace at;
    std::string detail;
};

class Scene {
public:
    Scene(std::span<const SourceText> sources, const Target& target);
    Scene(const Scene&) = delete; // settings and keys are referred to
    Scene& operator=(const Scene&) = delete;

    const Target& target() const { return target_; }
    const std::vector<Setting>& settings() const { return settings_; }
    const std::vector<Fault>& faults() const { return faults_; }
    const SourceText& source(std::size_t index) const { return sources_[index]; }

    // The setting of exactly this key that wins; null where no line names it.
    const Setting* last(std::string_view key) const;
    // The next one after it with the same key.
    const Setting* next(const Setting& setting) const;
    const Setting* first(std::string_view key) const;
    bool wins(const Setting& setting) const { return !next(setting); }
    // The only number that will stand, where a line sets one.
    std::optional<std::int64_t> number(std::string_view key) const;
    // Number `index` of a list that will stand.
    std::optional<std::int64_t> number(std::string_view key, std::size_t index) const;
    bool has(std::string_view key) const { return last(key) != nullptr; }
    // The order of the first setting whose key starts so.
    std::size_t first_starting(std::string_view prefix) const;
    // "file:line", or "line 7" within the same file.
    std::string where(const Setting& setting, const Setting& seen_from) const;
    // The known keys nearest to an unknown one. Asked a few times only: each costs a look at the whole catalogue.
    std::vector<std::string_view> nearest(std::string_view key) const;

private:
    void read(std::size_t source);
    void read_line(std::size_t source, std::uint32_t number, std::string_view line, std::uint32_t skipped);

    std::span<const SourceText> sources_;
    const Target& target_;
    std::vector<Setting> settings_;
    std::vector<Fault> faults_;
    std::unordered_map<std::string_view, std::vector<std::size_t>> by_key_;          // positions, ascending
    mutable std::unordered_map<std::string, std::vector<std::string_view>> nearest_; // answers given before
    mutable std::unordered_map<std::string_view, std::size_t> starting_;
};

// A number as the kernel reads it: 0x is hexadecimal and a leading 0 octal (lib/vsprintf.c simple_strtoul, base 0).
std::optional<std::int64_t> kernel_number(std::string_view word);

} // namespace netwright::lint
