// SPDX-License-Identifier: GPL-2.0-or-later
// A shared library that only some commands need: loaded when one does, so that the others start without it.
#pragma once

#include "base/error.h"

#include <memory>
#include <string>

namespace netwright::kernel {

class Library {
public:
    // Unsupported: it is not here, with Debian's package.
    static Result<Library> open(const std::string& name, const std::string& package);
    // False: the library has no such function.
    template <class Function>
    bool find(Function& function, const char* name) const
    {
        function = reinterpret_cast<Function>(symbol(name));
        return function != nullptr;
    }

private:
    struct Closer {
        void operator()(void* handle) const;
    };
    explicit Library(void* handle) : handle_(handle) {}
    void* symbol(const char* name) const;
    std::unique_ptr<void, Closer> handle_;
};

} // namespace netwright::kernel
