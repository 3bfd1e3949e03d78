// SPDX-License-Identifier: GPL-2.0-or-later
// One writer at a time: a lock on a file in the state directory, which ends with the process that holds it.
#pragma once

#include "base/error.h"
#include "base/fd.h"

#include <chrono>
#include <cstdint>
#include <filesystem>

namespace netwright::apply {

class Lock {
public:
    // Busy, naming the holder, when it is not free within `patience`.
    static Result<Lock> take(const std::filesystem::path& state_dir, std::chrono::milliseconds patience);
    // What a second netwright will be told. It is help for people: not being able to write it is no failure.
    void announce(std::int64_t transaction) const;

private:
    explicit Lock(Fd file) : file_(std::move(file)) {}
    Fd file_;
};

} // namespace netwright::apply
