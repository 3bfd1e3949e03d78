// SPDX-License-Identifier: GPL-2.0-or-later
// A small host as files: proc/ and sys/ in a temporary directory that tests may write to.
#pragma once

#include "kernel/kernel.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

namespace netwright::test {

// A directory that is gone at the end of the test.
class TemporaryDirectory {
public:
    TemporaryDirectory()
    {
        std::string name = (std::filesystem::temp_directory_path() / "netwright-test-XXXXXX").string();
        ENSURE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

inline std::string file_text(const std::filesystem::path& path)
{
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

class Tree {
public:
    Tree()
    {
        put("proc/sys/net/core/somaxconn", "4096\n");
        put("proc/sys/net/core/netdev_max_backlog", "1000\n");
        put("proc/sys/net/ipv4/tcp_rmem", "4096\t131072\t6291456\n");
        put("proc/sys/net/ipv4/tcp_congestion_control", "cubic\n");
        put("proc/sys/net/ipv4/tcp_allowed_congestion_control", "reno cubic\n");
        put("proc/sys/net/ipv4/ip_local_reserved_ports", "\n");
        for (const char* interface : {"all", "default", "eth0", "eth0.100"})
            put(std::string("proc/sys/net/ipv4/conf/") + interface + "/rp_filter", "0\n");
        put("proc/sys/net/ipv6/conf/eth0/mtu", "1500\n");
        put("proc/sys/fs/file-max", "9223372036854775807\n");
        put("proc/sys/kernel/hostname", "tree\n");
        put("proc/sys/kernel/osrelease", "6.1.0-test\n");
        put("proc/sys/kernel/random/boot_id", "11111111-2222-3333-4444-555555555555\n");
        put("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
        put("etc/passwd", "root\n");
        put("sys/devices/system/cpu/online", "0-3\n");
        for (const std::string nic : {"eth0", "eth0.100"}) {
            put("sys/class/net/" + nic + "/mtu", "1500\n");
            put("sys/class/net/" + nic + "/tx_queue_len", "1000\n");
            put("sys/class/net/" + nic + "/address", "52:54:00:00:00:01\n");
            put("sys/class/net/" + nic + "/queues/rx-0/rps_cpus", "0\n");
            put("sys/class/net/" + nic + "/queues/rx-0/rps_flow_cnt", "0\n");
        }
        link("../eth0.100", "sys/class/net/eth0/upper_eth0.100");
    }

    void put(const std::string& path, const std::string& text, mode_t mode = 0644)
    {
        const auto file = root_.path() / path;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << text;
        ::chmod(file.c_str(), mode);
    }
    void link(const std::string& target, const std::string& path)
    {
        std::filesystem::create_directories((root_.path() / path).parent_path());
        std::filesystem::create_symlink(target, root_.path() / path);
    }
    void remove(const std::string& path) { std::filesystem::remove_all(root_.path() / path); }
    std::string text(const std::string& path) const { return file_text(root_.path() / path); }
    kernel::Kernel kernel() const { return *kernel::Kernel::captured(root_.path().string()); }

    // Every file with its bytes: what "left byte for byte" means.
    std::map<std::string, std::string> everything() const
    {
        std::map<std::string, std::string> all;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(root_.path()))
            if (entry.is_regular_file()) all[entry.path().lexically_relative(root_.path())] = file_text(entry.path());
        return all;
    }

private:
    TemporaryDirectory root_;
};

} // namespace netwright::test
