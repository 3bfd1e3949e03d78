// SPDX-License-Identifier: GPL-2.0-or-later
// Live frames, and where there are none a packet socket that sends many frames by one call.
#include "dataplane/ways_generator.h"

#include "dataplane/ways_layout.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <thread>
#include <vector>

namespace netwright::dataplane {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t batch = 64, first_repeat = 1 << 14, most_repeat = 1 << 28;
constexpr std::size_t source_port_at = 35; // its lower byte, as ways.bpf.c has it

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

bool is_over(const WayLoad& load) { return load.cancelled && *load.cancelled; }

// Gives the nanoseconds that one frame took.
Result<double> send_live(int program, const WayFrame& frame, std::uint32_t repeat)
{
    LIBBPF_OPTS(bpf_test_run_opts, options);
    options.data_in = frame.data();
    options.data_size_in = static_cast<__u32>(frame.size());
    options.repeat = static_cast<int>(repeat);
    options.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
    options.batch_size = batch;
    if (bpf_prog_test_run_opts(program, &options) == 0) return std::max<double>(options.duration, 1);
    return std::unexpected(errno_error("send live frames", errno));
}

// The call cannot be told when to end, only how many frames to send, and it waits for milliseconds before and after:
// few long calls, and a clock that runs only while frames are sent.
Result<WaySent> generate_live(WaysProgram& program, const WayFrame& frame, const WayLoad& load)
{
    const double whole = std::chrono::duration<double>(load.duration).count();
    double sending = 0;
    for (auto repeat = first_repeat; sending < 0.99 * whole && !is_over(load);) {
        program.start_clock();
        const double took = TRY(send_live(program.generate(), frame, repeat));
        sending += program.clock();
        repeat = static_cast<std::uint32_t>(std::clamp<double>((whole - sending) * 1e9 / took, batch, most_repeat));
    }
    return WaySent{TRY(program.sent()), sending};
}

// The same frames as the kernel's generator makes.
class FrameBatch {
public:
    explicit FrameBatch(const WayFrame& frame) : frames_(WAYS_FLOWS, frame), parts_(WAYS_FLOWS), messages_(WAYS_FLOWS)
    {
        for (std::size_t i = 0; i < WAYS_FLOWS; ++i) {
            frames_[i][source_port_at] = static_cast<std::uint8_t>(i);
            parts_[i] = {frames_[i].data(), frames_[i].size()};
            messages_[i].msg_hdr.msg_iov = &parts_[i];
            messages_[i].msg_hdr.msg_iovlen = 1;
        }
    }
    mmsghdr* from(std::size_t first) { return &messages_[first % WAYS_FLOWS]; }

private:
    std::vector<WayFrame> frames_;
    std::vector<iovec> parts_;
    std::vector<mmsghdr> messages_;
};

Result<Fd> packet_socket(unsigned interface)
{
    Fd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
    if (!socket) return std::unexpected(errno_error("open a packet socket", errno));
    const int yes = 1;
    (void)::setsockopt(socket.get(), SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof yes); // faster, where there is one
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_IP);
    address.sll_ifindex = static_cast<int>(interface);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
        return std::unexpected(errno_error("bind a packet socket", errno));
    return socket;
}

Result<WaySent> generate_by_socket(const WayPort& source, const WayFrame& frame, const WayLoad& load)
{
    const Fd socket = TRY(packet_socket(source.index));
    FrameBatch frames(frame);
    const auto begin = Clock::now();
    const double whole = std::chrono::duration<double>(load.duration).count();
    std::uint64_t sent = 0;
    for (double now = 0; now < whole && !is_over(load); now = seconds_since(begin)) {
        const double due = load.rate ? now * *load.rate - static_cast<double>(sent) : batch;
        if (due < 1) {
            std::this_thread::sleep_for(std::chrono::microseconds(50));
            continue;
        }
        const auto most = std::min<std::uint64_t>(batch, WAYS_FLOWS - sent % WAYS_FLOWS);
        const auto count = std::min<std::uint64_t>(static_cast<std::uint64_t>(due), most);
        const int gone = ::sendmmsg(socket.get(), frames.from(sent), static_cast<unsigned>(count), 0);
        if (gone < 0 && errno != ENOBUFS && errno != EINTR && errno != EAGAIN)
            return std::unexpected(errno_error("send frames", errno));
        sent += static_cast<std::uint64_t>(std::max(gone, 0));
    }
    return WaySent{sent, seconds_since(begin)};
}

} // namespace

Result<WaySent> generate(WaysProgram& program, const WayPort& source, const WayFrame& frame, const WayLoad& load)
{
    const auto sent = load.live_frames ? generate_live(program, frame, load) : generate_by_socket(source, frame, load);
    if (is_over(load)) return fail(Error::Kind::Interrupted, "interrupted");
    return sent;
}

Result<bool> has_live_frames()
{
    bool has = false;
    auto tried = in_fresh_namespace([&]() -> Result<void> {
        const auto network = TRY(WaysNetwork::make());
        const WayFrame frame = way_frame(network.in().address, network.source().address);
        const auto program = TRY(WaysProgram::load({network.source().index, network.out().index, frame, {}, {}, 0}));
        const auto sent = send_live(program.generate(), frame, batch);
        has = sent.has_value();
        if (sent || sent.error().code == EINVAL || sent.error().code == ENOTSUP) return {};
        return std::unexpected(sent.error());
    });
    if (!tried) return std::unexpected(std::move(tried).error());
    return has;
}

} // namespace netwright::dataplane
