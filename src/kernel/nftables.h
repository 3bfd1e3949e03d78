// SPDX-License-Identifier: GPL-2.0-or-later
// nftables through its own library, which is loaded when it is first needed: a host without it misses nothing else.
#pragma once

#include "base/error.h"

#include <memory>
#include <string>

namespace netwright::kernel {

class Nftables {
public:
    // Of the calling thread's network namespace. Unsupported: libnftables.so.1 is not installed.
    static Result<Nftables> open();
    Nftables(Nftables&&) noexcept;
    Nftables& operator=(Nftables&&) noexcept;
    ~Nftables();

    // Runs commands as nft(8) takes them, all of them or none; gives what they print. Absent: what they name does not
    // exist. Refused: no rights. Rejected: anything else, in nft's words.
    Result<std::string> run(const std::string& commands);

private:
    struct Library;
    explicit Nftables(std::unique_ptr<Library> library);
    std::unique_ptr<Library> library_;
};

} // namespace netwright::kernel
