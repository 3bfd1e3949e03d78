// SPDX-License-Identifier: GPL-2.0-or-later
// Starts QEMU, listens to the serial line, speaks to the monitor.
#include "machine.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>

#include "support/program.h"

namespace fs = std::filesystem;

namespace vm {
namespace {

constexpr std::string_view word = "netwright-vm: ";

// Both are named by tests/vm/CMakeLists.txt.
fs::path from_environment(const char* name)
{
    const char* value = std::getenv(name);
    if (value == nullptr) throw std::runtime_error(std::string(name) + " is not set: run make test-vm");
    return value;
}

fs::path kernel_image()
{
    const fs::path boot = from_environment("NETWRIGHT_VM_KERNEL") / "boot";
    for (const auto& entry : fs::directory_iterator(boot))
        if (entry.path().filename().string().starts_with("vmlinuz-")) return entry.path();
    throw std::runtime_error("no kernel in " + boot.string() + ": run tools/setup-vm");
}

// Interfaces sit where they would on a two-socket server: each socket's PCIe bridge with its own.
std::vector<std::string> board()
{
    return support::words("-accel tcg,thread=multi -machine q35 -cpu max -m 768 -smp 4,sockets=2,cores=2,threads=1"
                          " -object memory-backend-ram,size=384M,id=memory0 -numa node,cpus=0-1,memdev=memory0"
                          " -object memory-backend-ram,size=384M,id=memory1 -numa node,cpus=2-3,memdev=memory1"
                          " -device pxb-pcie,id=socket0,bus=pcie.0,bus_nr=64,numa_node=0"
                          " -device pxb-pcie,id=socket1,bus=pcie.0,bus_nr=128,numa_node=1"
                          " -device pcie-root-port,id=port0,bus=socket0,chassis=1,hotplug=off"
                          " -device pcie-root-port,id=port1,bus=socket1,chassis=2,hotplug=off"
                          " -device pcie-root-port,id=slot0,bus=pcie.0,chassis=3"
                          " -device pcie-root-port,id=slot1,bus=pcie.0,chassis=4"
                          " -display none -nodefaults -no-user-config -no-reboot");
}

struct Interface {
    std::string_view name, device, mac;
    int queues;
};

constexpr std::string_view virtio = "virtio-net-pci,mq=on,vectors=10";

constexpr Interface interfaces[] = {
    // Only one hashes itself, and it carries no packets that matter: with rss=on QEMU 7.2 and Linux 6.12 together lose
    // the packets of one queue.
    {"vnet0", "bus=port0", "10", 4},
    {"vnet1", "bus=port1", "11", 4},
    {"vmxnet0", "vmxnet3,bus=pcie.0", "20", 1},
    {"intel0", "e1000e,bus=pcie.0", "30", 1},
    {"spare0", "bus=slot0,rss=on,hash=on", "40", 4},
    {"spare1", "e1000e,bus=slot1", "41", 1},
};

// The far end of each cable: the tap itself has 10.0.N.1, the interface in the machine gets 10.0.N.2 (tests/vm/init), N
// being the last byte of its MAC address. It carries jumbo frames.
void lay_cable(const Interface& one)
{
    const std::string name(one.name);
    support::must("ip tuntap add dev " + name + " mode tap" + (one.queues > 1 ? " multi_queue" : ""));
    support::must("ip addr add 10.0." + std::string(one.mac) + ".1/24 dev " + name);
    support::must("ip link set " + name + " mtu 9000 up");
}

std::vector<std::string> plugged(const Interface& one)
{
    const std::string name(one.name);
    std::string device(one.device);
    if (one.queues > 1) device = std::string(virtio) + "," + device;
    const std::string queues = one.queues > 1 ? ",queues=" + std::to_string(one.queues) : "";
    return {
        "-netdev", "tap,id=net-" + name + ",ifname=" + name + ",script=no,downscript=no,vhost=off" + queues, "-device",
        device + ",id=" + name + ",netdev=net-" + name + ",mac=52:54:00:00:00:" + std::string(one.mac) + ",romfile="};
}

std::vector<std::string> command_line(const Options& options, const fs::path& directory)
{
    std::vector<std::string> all{"qemu-system-x86_64"};
    const auto add = [&](const std::vector<std::string>& more) { all.insert(all.end(), more.begin(), more.end()); };
    add(board());
    for (const Interface& one : interfaces)
        add(plugged(one));
    if (options.disk)
        add({"-drive", "file=" + options.disk->string() + ",format=raw,if=none,id=disk,cache=writethrough", "-device",
             "virtio-blk-pci,bus=pcie.0,drive=disk"});
    add({"-serial", "file:" + (directory / "console").string(), "-serial", "stdio"});
    add({"-qmp", "unix:" + (directory / "monitor").string() + ",server=on,wait=off"});
    add({"-kernel", kernel_image().string(), "-initrd", from_environment("NETWRIGHT_VM_INITRAMFS").string()});
    // A panic ends the machine, which ends the test. On a busy host emulated clocks run late: neither the check that
    // the timer ticks (arch/x86/kernel/apic/io_apic.c) nor the watchdogs can tell that from a fault.
    add({"-append", "console=ttyS0 loglevel=4 panic=-1 mitigations=off no_timer_check nowatchdog"
                    " rcupdate.rcu_cpu_stall_suppress=1 scenarios=" +
                        options.scenarios});
    return all;
}

} // namespace

Machine::Machine(const Options& options)
    : directory_(new_directory()), deadline_(std::chrono::steady_clock::now() + options.deadline)
{
    for (const Interface& one : interfaces)
        lay_cable(one);
    start(options);
}

Machine::~Machine()
{
    kill();
    if (report_ >= 0) ::close(report_);
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
}

void Machine::start(const Options& options)
{
    std::vector<std::string> arguments = command_line(options, directory_);
    std::vector<char*> argv;
    for (std::string& argument : arguments)
        argv.push_back(argument.data());
    argv.push_back(nullptr);
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    const int complaints = ::open((directory_ / "qemu").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    pid_ = ::fork();
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL); // a test that is killed leaves no machine behind
        ::dup2(nothing, 0);
        ::dup2(ends[1], 1);
        ::dup2(complaints, 2);
        ::execvp(argv[0], argv.data());
        ::_exit(127);
    }
    ::close(nothing);
    ::close(complaints);
    ::close(ends[1]);
    report_ = ends[0];
    if (pid_ < 0) throw std::runtime_error("fork");
}

std::optional<std::string> Machine::next_line()
{
    using namespace std::chrono;
    for (;;) {
        if (const auto end = unread_.find('\n'); end != std::string::npos) {
            std::string line = unread_.substr(0, end);
            unread_.erase(0, end + 1);
            while (!line.empty() && line.back() == '\r')
                line.pop_back();
            return line;
        }
        const auto left = duration_cast<milliseconds>(deadline_ - steady_clock::now()).count();
        pollfd waiting{report_, POLLIN, 0};
        if (left <= 0 || ::poll(&waiting, 1, static_cast<int>(left)) <= 0) return std::nullopt;
        char buffer[4096];
        const ssize_t got = ::read(report_, buffer, sizeof buffer);
        if (got <= 0) return std::nullopt;
        unread_.append(buffer, static_cast<std::size_t>(got));
    }
}

void Machine::kill()
{
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

std::string Machine::unplug(const std::string& interface)
{
    return ask_monitor(R"({"execute":"device_del","arguments":{"id":")" + interface + "\"}}");
}

std::string Machine::ask_monitor(const std::string& command)
{
    const int monitor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (directory_ / "monitor").string().copy(address.sun_path, sizeof address.sun_path - 1);
    if (::connect(monitor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        ::close(monitor);
        throw std::runtime_error("QEMU's monitor does not answer");
    }
    std::string said;
    for (const std::string& one : {std::string(R"({"execute":"qmp_capabilities"})"), command}) {
        char buffer[4096];
        const ssize_t got = ::read(monitor, buffer, sizeof buffer); // the greeting, then the answer before
        if (got > 0) said.append(buffer, static_cast<std::size_t>(got));
        if (::write(monitor, one.data(), one.size()) < 0) break;
    }
    char buffer[4096];
    const ssize_t got = ::read(monitor, buffer, sizeof buffer);
    if (got > 0) said.append(buffer, static_cast<std::size_t>(got));
    ::close(monitor);
    return said;
}

std::string Machine::console() const
{
    std::string text;
    for (const char* name : {"qemu", "console"}) {
        std::ifstream file(directory_ / name);
        text.append(std::istreambuf_iterator<char>(file), {});
    }
    return text;
}

Report run(const Options& options)
{
    Machine machine(options);
    Report report;
    while (const auto line = machine.next_line()) {
        const auto at = line->find(word);
        const auto said = support::words(at == std::string::npos ? "" : line->substr(at + word.size()));
        if (said.size() == 2 && said[0] == "end") {
            report.end = std::stoi(said[1]);
            break;
        }
        report.text += *line + "\n";
        if (said.size() == 2 && said[0] == "unplug") report.text += machine.unplug(said[1]);
        if (said.size() == 1 && said[0] == "kill") {
            machine.kill();
            report.killed = true;
            break;
        }
    }
    report.console = machine.console();
    return report;
}

fs::path new_directory()
{
    std::string pattern = (fs::temp_directory_path() / "netwright-vm-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
    return pattern;
}

fs::path new_disk(const fs::path& directory)
{
    fs::path disk = directory / "disk";
    std::ofstream(disk).close();
    fs::resize_file(disk, 32 << 20);
    support::must("mke2fs -q -F -t ext4 " + disk.string());
    return disk;
}

} // namespace vm
