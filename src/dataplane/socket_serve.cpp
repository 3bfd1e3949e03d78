// SPDX-License-Identifier: GPL-2.0-or-later
// Finding the service's sockets, and attaching the program that leads to them.
#include "dataplane/socket_serve.h"

#include "dataplane/loaded.h"
#include "dataplane/pins.h"
#include "dataplane/socket_entry.h"
#include "kernel/libbpf_silence.h"
#include "kernel/process_socket.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>

#include "socket_serve.skel.h"

namespace netwright::dataplane {
namespace {

bool offers(const kernel::ProcessSocket& socket, const ServiceSocket& service)
{
    if (socket.family != AF_INET && socket.family != AF_INET6) return false;
    if (socket.port != service.port || socket.protocol != service.protocol) return false;
    return service.protocol == IPPROTO_UDP || socket.listening;
}

// One of each family: a group of SO_REUSEPORT is entered through any of its members.
Result<std::vector<std::uint64_t>> put_sockets(int map, const ServiceSocket& service)
{
    std::vector<std::uint64_t> cookies;
    const auto sockets = TRY(kernel::sockets_of_process(service.pid));
    for (const kernel::ProcessSocket& socket : sockets) {
        if (!offers(socket, service)) continue;
        const std::uint32_t key = socket.family == AF_INET6;
        const auto value = static_cast<std::uint64_t>(socket.fd.get());
        if (bpf_map_update_elem(map, &key, &value, BPF_NOEXIST) == 0)
            cookies.push_back(socket.cookie);
        else if (errno != EEXIST)
            return std::unexpected(
                errno_error(fmt::format("take the socket of process {} into a map", service.pid), errno));
    }
    if (!cookies.empty()) return cookies;
    return fail(Error::Kind::Absent, fmt::format("process {} has no {} socket on port {} (see: ss -{}lnp)", service.pid,
                                                 service.protocol == IPPROTO_TCP ? "listening TCP" : "UDP",
                                                 service.port, service.protocol == IPPROTO_TCP ? 't' : 'u'));
}

Result<Fd> namespace_of(std::uint32_t pid)
{
    const std::string path = fmt::format("/proc/{}/ns/net", pid);
    Fd opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!opened && errno == ENOENT) return fail(Error::Kind::Absent, fmt::format("there is no process {}", pid));
    if (!opened) return std::unexpected(errno_error("open " + path, errno));
    return opened;
}

} // namespace

Result<void> serve_also(const std::filesystem::path& root, const std::string& name, const ServiceSocket& service,
                        const SocketMatch& also)
{
    TRY_VOID(fits(also));
    if (also.prefixes.empty() && also.ports.empty())
        return fail(Error::Kind::Rejected, "name addresses, ports or both that the service is to answer for");
    NewEntry entry = TRY(NewEntry::make(root, name));
    const Fd space = TRY(namespace_of(service.pid));
    const kernel::LibbpfSilence silence;
    const std::unique_ptr<socket_serve_bpf, decltype(&socket_serve_bpf__destroy)> skeleton(socket_serve_bpf__open(),
                                                                                           socket_serve_bpf__destroy);
    if (!skeleton) return not_loaded("program that finds sockets", errno);
    put_match(*skeleton->rodata, also);
    skeleton->rodata->protocol = service.protocol;
    if (const int code = socket_serve_bpf__load(skeleton.get()); code < 0)
        return not_loaded("program that finds sockets", -code);
    const int map = bpf_map__fd(skeleton->maps.served_sockets);
    auto cookies = TRY(put_sockets(map, service));

    const Fd link(bpf_link_create(bpf_program__fd(skeleton->progs.nw_serve), space.get(), BPF_SK_LOOKUP, nullptr));
    if (!link) return std::unexpected(errno_error("attach a program that finds sockets", errno));
    TRY_VOID(pin(map, entry.directory() / "sockets"));
    TRY_VOID(pin(link.get(), entry.directory() / "link-namespace"));
    return entry.keep({name, SocketWork::Serve,
                       fmt::format("process {}'s {} port {} also serves {}", service.pid,
                                   service.protocol == IPPROTO_TCP ? "TCP" : "UDP", service.port, to_text(also)),
                       service.pid, std::move(cookies)});
}

} // namespace netwright::dataplane
