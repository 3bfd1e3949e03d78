// SPDX-License-Identifier: GPL-2.0-or-later
// tcpdump's expressions as classic BPF. libpcap is taken where it is installed, when it is needed: nothing else of
// netwright asks for it.
#include "base/shared_library.h"
#include "dataplane/socket_classic.h"

#include <fmt/format.h>

#include <memory>

namespace netwright::dataplane {
namespace {

// libpcap's bpf_program (pcap/bpf.h); its instructions are laid out as the kernel's.
struct PcapProgram {
    unsigned length;
    sock_filter* instructions;
};
constexpr int ethernet = 1, raw_ip = 12; // DLT_EN10MB, DLT_RAW
constexpr unsigned any_netmask = 0xffffffff;

struct Libpcap {
    explicit Libpcap(SharedLibrary loaded) : library(std::move(loaded)) {}

    SharedLibrary library;
    void* (*open_dead)(int, int) = nullptr;
    int (*compile)(void*, PcapProgram*, const char*, int, unsigned) = nullptr;
    char* (*error)(void*) = nullptr;
    void (*free_code)(PcapProgram*) = nullptr;
    void (*close)(void*) = nullptr;
};

Result<Libpcap> open_libpcap()
{
    auto library = SharedLibrary::open("libpcap.so.1", "libpcap0.8");
    if (!library) library = SharedLibrary::open("libpcap.so.0.8", "libpcap0.8"); // Debian's name for libpcap 1
    Libpcap pcap(TRY(std::move(library)));
    TRY_VOID(pcap.library.find(pcap.open_dead, "pcap_open_dead"));
    TRY_VOID(pcap.library.find(pcap.compile, "pcap_compile"));
    TRY_VOID(pcap.library.find(pcap.error, "pcap_geterr"));
    TRY_VOID(pcap.library.find(pcap.free_code, "pcap_freecode"));
    TRY_VOID(pcap.library.find(pcap.close, "pcap_close"));
    return pcap;
}

// In a socket of TCP or UDP byte 0 is the transport header's first; SKF_NET_OFF begins at the IP header.
Result<void> begin_at_network(std::vector<sock_filter>& program)
{
    for (sock_filter& one : program) {
        const bool load = BPF_CLASS(one.code) == BPF_LD || BPF_CLASS(one.code) == BPF_LDX;
        const auto mode = BPF_MODE(one.code);
        if (!load || (mode != BPF_ABS && mode != BPF_IND && mode != BPF_MSH)) continue;
        if (one.k > 0xffff) return fail(Error::Kind::Rejected, "the expression asks for what only a link has");
        one.k += static_cast<std::uint32_t>(SKF_NET_OFF);
    }
    return {};
}

} // namespace

Result<std::vector<sock_filter>> compile_filter(const std::string& expression, bool packets)
{
    const Libpcap pcap = TRY(open_libpcap());
    const std::unique_ptr<void, void (*)(void*)> handle(pcap.open_dead(packets ? ethernet : raw_ip, 262144),
                                                        pcap.close);
    if (!handle) return fail(Error::Kind::Unsupported, "libpcap does not start");
    PcapProgram compiled{};
    if (pcap.compile(handle.get(), &compiled, expression.c_str(), 1, any_netmask) != 0)
        return fail(Error::Kind::Malformed, fmt::format("'{}': {}", expression, pcap.error(handle.get())));
    std::vector<sock_filter> program(compiled.instructions, compiled.instructions + compiled.length);
    pcap.free_code(&compiled);
    if (program.empty() || program.size() > BPF_MAXINSNS)
        return fail(Error::Kind::Rejected, fmt::format("the expression becomes {} instructions; a socket takes {}",
                                                       program.size(), BPF_MAXINSNS));
    if (!packets) TRY_VOID(begin_at_network(program));
    return program;
}

} // namespace netwright::dataplane
