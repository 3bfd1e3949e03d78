// SPDX-License-Identifier: GPL-2.0-or-later
// The door to files: what a captured tree may hold, and what a write that was cut short says.
#include "host/fixture.h"
#include "kernel/files.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <csignal>
#include <cstring>

using namespace netwright;

namespace {

// Files of this process may not grow past `bytes` while it lives.
class FileSizeLimit {
public:
    explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN))
    {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limit{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FileSizeLimit()
    {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;

private:
    rlimit before_{};
    void (*handler_)(int);
};

} // namespace

TEST_CASE("a FIFO or a socket in a captured tree is refused at once, not waited for")
{
    Tree tree;
    tree.file("proc/sys/net/core/somaxconn", "4096\n");
    const std::string fifo = tree.path() + "/proc/sys/net/core/rmem_max", name = tree.path() + "/proc/meminfo";
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(name.size() < sizeof address.sun_path);
    std::memcpy(address.sun_path, name.data(), name.size());
    const Fd socket(::socket(AF_UNIX, SOCK_STREAM, 0));
    REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);

    const auto kernel = tree.kernel();
    for (const char* path : {"proc/sys/net/core/rmem_max", "proc/meminfo"}) {
        CAPTURE(path);
        const auto text = kernel.files.read(path);
        REQUIRE_FALSE(text);
        CHECK(text.error().kind == Error::Kind::Malformed);
        CHECK(text.error().what.find(path) != std::string::npos);
    }
    CHECK(kernel.files.write("proc/sys/net/core/rmem_max", "1\n").error().kind == Error::Kind::Malformed);
    CHECK(kernel.files.read_line("proc/sys/net/core/somaxconn") == Result<std::string>("4096"));
}

TEST_CASE("a huge sparse file in a captured tree does not fill the memory")
{
    Tree tree;
    tree.file("proc/net/snmp", "");
    std::filesystem::resize_file(tree.path() + "/proc/net/snmp", std::uintmax_t{1} << 40);
    CHECK(tree.kernel().files.read("proc/net/snmp").error().kind == Error::Kind::Malformed);
}

TEST_CASE("a write that is cut short says how much was taken")
{
    Tree tree;
    tree.file("proc/sys/net/ipv4/tcp_rmem", "");
    const auto kernel = tree.kernel();
    Result<void> written;
    {
        const FileSizeLimit limit(4);
        written = kernel.files.write("proc/sys/net/ipv4/tcp_rmem", "4096 131072 6291456\n");
    }
    REQUIRE_FALSE(written);
    CHECK(written.error().kind == Error::Kind::Interrupted);
    CHECK(written.error().what.ends_with("only 4 of 20 bytes were taken"));
}
