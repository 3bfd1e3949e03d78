// SPDX-License-Identifier: GPL-2.0-or-later
// sysctl values as the kernel shows them, and the files that set them at boot.
#pragma once

#include "model/reading.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace netwright {

struct SysctlValue {
    std::string key; // with dots; a dot inside an interface name is a slash, as sysctl(8) prints it
    Result<std::string> value = unseen(); // text without the final newline; Refused where it cannot be read
    bool operator==(const SysctlValue&) const = default;
};

class SysctlTable {
public:
    SysctlTable() = default;
    explicit SysctlTable(std::vector<SysctlValue> values); // sorts by key
    const std::vector<SysctlValue>& all() const { return values_; }
    const SysctlValue* find(std::string_view key) const;
    Result<std::string_view> text(std::string_view key) const; // Absent: this kernel or namespace has no such key
    Result<std::int64_t> number(std::string_view key) const;   // the only, or the first, number
    Result<std::vector<std::int64_t>> numbers(std::string_view key) const;
    bool operator==(const SysctlTable&) const = default;

private:
    std::vector<SysctlValue> values_;
};

struct SysctlSetting {
    std::string key, value;
    std::uint32_t line = 0;      // 1-based
    bool ignore_failure = false; // written with a leading '-'
    bool operator==(const SysctlSetting&) const = default;
};

// A line that is no setting: whoever applies the file complains of it and goes on with the next one.
struct SysctlProblem {
    std::uint32_t line = 0; // 1-based
    std::string why;        // "has no '='"
    bool operator==(const SysctlProblem&) const = default;
};

// A file that is applied at boot, in its order of precedence: later files win (sysctl.d(5)).
struct SysctlFile {
    std::string path;    // "/etc/sysctl.d/99-tuning.conf"
    std::string read_by; // "systemd-sysctl", or "procps" for /etc/sysctl.conf where only `sysctl --system` reads it
    Result<std::vector<SysctlSetting>> settings = unseen();
    Result<std::vector<SysctlProblem>> problems{}; // the first 100
    bool operator==(const SysctlFile&) const = default;
};

} // namespace netwright
