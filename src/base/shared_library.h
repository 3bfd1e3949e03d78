// SPDX-License-Identifier: GPL-2.0-or-later
// Libraries that only one command needs, loaded when it runs (dlopen(3)): hosts without them miss nothing else.
#pragma once

#include "base/error.h"

#include <string>

namespace netwright {

class SharedLibrary {
public:
    // Unsupported: it is not installed; `package` is Debian's name for it.
    static Result<SharedLibrary> open(const char* name, const char* package);
    SharedLibrary(SharedLibrary&& other) noexcept;
    SharedLibrary& operator=(SharedLibrary&& other) noexcept;
    ~SharedLibrary();

    // Sets a pointer to a function or a variable. Unsupported: this library has none of that name.
    template <class Pointer>
    Result<void> find(Pointer& pointer, const char* symbol) const
    {
        pointer = reinterpret_cast<Pointer>(TRY(address_of(symbol)));
        return {};
    }

private:
    SharedLibrary(void* handle, const char* name) : handle_(handle), name_(name) {}
    Result<void*> address_of(const char* symbol) const;

    void* handle_;
    const char* name_;
};

} // namespace netwright
