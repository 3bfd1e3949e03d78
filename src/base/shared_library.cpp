// SPDX-License-Identifier: GPL-2.0-or-later
// dlopen(3) behind Result.
#include "base/shared_library.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <utility>

namespace netwright {

Result<SharedLibrary> SharedLibrary::open(const char* name, const char* package)
{
    void* const handle = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (handle) return SharedLibrary(handle, name);
    return fail(Error::Kind::Unsupported,
                fmt::format("{} is needed for this and cannot be loaded (Debian: apt-get install {})", name, package));
}

SharedLibrary::SharedLibrary(SharedLibrary&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), name_(other.name_)
{
}

SharedLibrary& SharedLibrary::operator=(SharedLibrary&& other) noexcept
{
    std::swap(handle_, other.handle_);
    std::swap(name_, other.name_);
    return *this;
}

SharedLibrary::~SharedLibrary()
{
    if (handle_) ::dlclose(handle_);
}

Result<void*> SharedLibrary::address_of(const char* symbol) const
{
    if (void* const address = ::dlsym(handle_, symbol)) return address;
    return fail(Error::Kind::Unsupported, fmt::format("{} has no {}: it is too old or too new", name_, symbol));
}

} // namespace netwright
