// SPDX-License-Identifier: GPL-2.0-or-later
// dlopen(3) behind Result.
#include "kernel/library.h"

#include <dlfcn.h>
#include <fmt/format.h>

namespace netwright::kernel {

void Library::Closer::operator()(void* handle) const { ::dlclose(handle); }

Result<Library> Library::open(const std::string& name, const std::string& package)
{
    void* const handle = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle) return Library(handle);
    return fail(Error::Kind::Unsupported, fmt::format("{} is needed for this and cannot be loaded (Debian: apt-get "
                                                      "install {})",
                                                      name, package));
}

void* Library::symbol(const char* name) const { return ::dlsym(handle_.get(), name); }

} // namespace netwright::kernel
