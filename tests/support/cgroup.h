// SPDX-License-Identifier: GPL-2.0-or-later
// A cgroup for a test, gone with the object; the process can go there, and is back home afterwards.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>
#include <string>

namespace support {

// "" where the unified hierarchy is not mounted.
inline std::string cgroup_mount()
{
    std::ifstream mounts("/proc/self/mounts");
    for (std::string device, place, type, rest; mounts >> device >> place >> type && std::getline(mounts, rest);)
        if (type == "cgroup2") return place;
    return "";
}

class Cgroup {
public:
    explicit Cgroup(std::string name) : root_(cgroup_mount()), name_(std::move(name))
    {
        std::ifstream file("/proc/self/cgroup");
        for (std::string line; std::getline(file, line);)
            if (line.starts_with("0::")) home_ = line.substr(3);
        if (root_.empty() || ::mkdir(directory().c_str(), 0755) != 0)
            throw std::runtime_error("a cgroup needs root and cgroup2");
    }
    ~Cgroup()
    {
        leave();
        ::rmdir(directory().c_str());
    }
    Cgroup(const Cgroup&) = delete;
    Cgroup& operator=(const Cgroup&) = delete;

    const std::string& name() const { return name_; }
    void enter() const { move(directory()); } // the whole process
    void leave() const { move(root_ + home_); }
    bool remove() const { return ::rmdir(directory().c_str()) == 0; }

private:
    std::string directory() const { return root_ + "/" + name_; }
    static void move(const std::string& directory)
    {
        std::ofstream(directory + "/cgroup.procs") << ::getpid() << std::endl;
    }
    std::string root_, name_, home_ = "/";
};

} // namespace support
