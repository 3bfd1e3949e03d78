// SPDX-License-Identifier: GPL-2.0-or-later
// The captured hosts, and small trees made on the spot.
#pragma once

#include "kernel/kernel.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace netwright {

inline kernel::Kernel captured_host(const std::string& name)
{
    auto kernel = kernel::Kernel::captured(NETWRIGHT_SOURCE_DIR "/tests/fixtures/hosts/" + name);
    if (!kernel) std::abort();
    return std::move(*kernel);
}

// A captured tree in a directory of its own, which goes with it.
class Tree {
public:
    Tree()
    {
        std::string name = (std::filesystem::temp_directory_path() / "netwright-tree-XXXXXX").string();
        if (!::mkdtemp(name.data())) std::abort();
        root_ = name;
        std::filesystem::create_directories(root_ / "proc");
    }
    Tree(const Tree&) = delete;
    Tree& operator=(const Tree&) = delete;
    ~Tree() { std::filesystem::remove_all(root_); }

    Tree& file(const std::string& path, std::string_view text)
    {
        std::filesystem::create_directories((root_ / path).parent_path());
        std::ofstream(root_ / path, std::ios::binary) << text;
        return *this;
    }
    Tree& link(const std::string& path, const std::string& target)
    {
        std::filesystem::create_directories((root_ / path).parent_path());
        std::filesystem::create_symlink(target, root_ / path);
        return *this;
    }
    void remove(const std::string& path) const { std::filesystem::remove_all(root_ / path); }
    std::string path() const { return root_.string(); }
    kernel::Kernel kernel() const
    {
        auto made = kernel::Kernel::captured(root_.string());
        if (!made) std::abort();
        return std::move(*made);
    }

private:
    std::filesystem::path root_;
};

} // namespace netwright
