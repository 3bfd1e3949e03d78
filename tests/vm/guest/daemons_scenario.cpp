// SPDX-License-Identifier: GPL-2.0-or-later
// What lasts, told to those who have to keep it: udevd reads our .link files, networkd our drop-ins, and what
// NetworkManager's dispatcher would run is run as its manual says.
#include "kernel/kernel.h"
#include "model/link_file_keys.h"
#include "tunable/tunable_kind.h"

#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "guest/guest.h"
#include "guest/kinds.h"

using guest::Row;
using guest::shown;

namespace {

// A daemon in the background, ended with the object.
class Daemon {
public:
    explicit Daemon(const std::string& command) : pid_(std::stoi(shown(command + " >/tmp/daemon.log 2>&1 & echo $!")))
    {
    }
    ~Daemon()
    {
        ::kill(pid_, SIGTERM);
        guest::comes_true([&] { return ::kill(pid_, 0) != 0; });
    }
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

private:
    pid_t pid_;
};

// udevd, once it knows every interface.
class Udevd : Daemon {
public:
    Udevd() : Daemon("exec /usr/lib/systemd/systemd-udevd")
    {
        if (!guest::comes_true([] { return guest::shell("udevadm control --ping").status == 0; }))
            throw std::runtime_error("udevd does not start: " + shown("cat /tmp/daemon.log"));
        support::must("udevadm trigger --action=add --subsystem-match=net");
        support::must("udevadm settle");
    }
};

// networkd, in the directory that its unit would make for it.
class Networkd : Daemon {
public:
    Networkd()
        : Daemon("mkdir -p /run/systemd && exec "
                 "/usr/lib/systemd/systemd-networkd")
    {
    }
};

std::vector<Row> rows_of_link_files()
{
    std::vector<Row> rows = guest::rows();
    rows.insert(rows.end(), guest::more_rows().begin(), guest::more_rows().end());
    std::erase_if(rows, [](const Row& row) { return !has_link_file_key(*netwright::parse_tunable(row.tunable)); });
    return rows;
}

std::string mtu_of(const std::string& nic) { return shown("cat /sys/class/net/" + nic + "/mtu"); }

void write_file(const std::filesystem::path& path, const std::string& text)
{
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
}

// How NetworkManager calls a script (NetworkManager-dispatcher(8)).
void dispatch(const std::string& nic, const std::string& action)
{
    const auto called = guest::shell("env -i PATH=/usr/sbin:/bin NM_DISPATCHER_ACTION=" + action +
                                     " DEVICE_IFACE=" + nic + " DEVICE_IP_IFACE=" + nic +
                                     " CONNECTION_ID=lan CONNECTION_UUID=6b2c4b8c-7e0e-4f43-8d4c-0e6f5a5b5f10"
                                     " /etc/NetworkManager/dispatcher.d/50-netwright " +
                                     nic + " " + action);
    CHECK_MESSAGE(called.status == 0, called.out);
}

std::string our_files() { return shown("find /etc/systemd /etc/NetworkManager -name '*netwright*' 2>/dev/null"); }

} // namespace

TEST_SUITE_BEGIN("lasting");

TEST_CASE("udevd gives every interface what our .link files say")
{
    const Udevd udevd;
    guest::meet_neighbours();
    auto kernel = netwright::kernel::Kernel::live();
    const std::vector<Row> rows = rows_of_link_files();
    REQUIRE(rows.size() > 10);
    std::vector<guest::Step> steps;
    std::vector<std::string> before;
    std::vector<std::pair<netwright::Tunable, netwright::Value>> values;
    for (const Row& row : rows) {
        steps.push_back({row.tunable, row.value, "systemd.link"});
        before.push_back(shown(row.command));
        const auto tunable = netwright::parse_tunable(row.tunable);
        values.emplace_back(*tunable, netwright::tunable::read(kernel, *tunable)->value());
    }
    guest::write_plan(steps);
    const auto kept = guest::netwright("apply /tmp/plan.yaml --yes --keep");
    REQUIRE_MESSAGE(kept.status == 0, kept.out);
    CHECK(our_files().find("/etc/systemd/network/10-netwright-intel0.link") != std::string::npos);

    for (const auto& [tunable, value] : values) // as the next boot finds it
        CHECK(netwright::tunable::write(kernel, tunable, value));
    for (std::size_t i = 0; i < rows.size(); ++i)
        CHECK(shown(rows[i].command) == before[i]);
    for (const char* nic : {"vnet0", "vnet1", "vmxnet0", "intel0", "spare0", "spare1"}) {
        const auto set = guest::shell(std::string("udevadm test-builtin net_setup_link /sys/class/net/") + nic);
        CAPTURE(set.out);
        CHECK(set.status == 0);
        CHECK(set.out.find(std::string("ID_NET_LINK_FILE=/etc/systemd/network/10-netwright-") + nic) !=
              std::string::npos);
        CHECK(set.out.find("nknown key") == std::string::npos);
    }
    for (const Row& row : rows) {
        CAPTURE(row.tunable);
        CHECK(shown(row.command) == row.expected);
    }

    const auto back = guest::netwright("rollback");
    CHECK_MESSAGE(back.status == 0, back.out);
    CHECK(our_files() == "");
    for (std::size_t i = 0; i < rows.size(); ++i)
        CHECK(shown(rows[i].command) == before[i]);
}

TEST_CASE("networkd gives an interface the MTU of our drop-in, and its own once that is gone")
{
    const Udevd udevd;
    const std::string index = shown("cat /sys/class/net/vnet1/ifindex"), file = "/etc/systemd/network/20-lan.network";
    write_file(file, "[Match]\nName=vnet1\n[Link]\nMTUBytes=1500\n[Network]\nAddress=10.0.11.2/24\nIPv6AcceptRA=no\n");
    const auto configured = [&] {
        const std::string told = shown("cat /run/systemd/netif/links/" + index);
        return told.find("ADMIN_STATE=configured") != std::string::npos &&
               told.find("NETWORK_FILE=" + file) != std::string::npos;
    };
    {
        const Networkd networkd;
        REQUIRE_MESSAGE(guest::comes_true(configured), shown("cat /tmp/daemon.log"));
        const auto kept = guest::netwright("set link/vnet1/mtu 1400 --yes --keep");
        REQUIRE_MESSAGE(kept.status == 0, kept.out);
        CHECK(our_files() == file + ".d/90-netwright.conf");
    }
    support::must("ip link set vnet1 mtu 1500"); // as the next boot finds it
    {
        const Networkd networkd;
        CHECK_MESSAGE(guest::comes_true([] { return mtu_of("vnet1") == "1400"; }), shown("cat /tmp/daemon.log"));
        CHECK(guest::comes_true(configured));
    }
    CHECK(guest::netwright("rollback").status == 0);
    CHECK(our_files() == "");
    support::must("ip link set vnet1 mtu 1450");
    {
        const Networkd networkd;
        CHECK(guest::comes_true([] { return mtu_of("vnet1") == "1500"; }));
    }
    std::filesystem::remove(file);
    std::filesystem::remove_all("/run/systemd/netif");
}

TEST_CASE("what a connection that goes down and up has lost NetworkManager's dispatcher sets again")
{
    const std::string device = "/run/NetworkManager/devices/" + shown("cat /sys/class/net/vnet1/ifindex");
    write_file(device,
               "[device]\nmanaged=true\nconnection-uuid=6b2c4b8c-7e0e-4f43-8d4c-0e6f5a5b5f10\nnm-owned=false\n");
    const std::string values =
        "cat /sys/class/net/vnet1/mtu && ip route show 10.0.11.0/24 | grep -oE 'initcwnd [0-9]+'";
    for (const char* change :
         {"link/vnet1/mtu 1400", "route/10.0.11.0/24@vnet1/initcwnd 20", "qdisc/vnet0/root noqueue"}) {
        const auto kept = guest::netwright("set " + std::string(change) + " --yes --keep");
        REQUIRE_MESSAGE(kept.status == 0, kept.out);
    }
    REQUIRE(shown(values) == "1400 initcwnd 20");
    const std::string status = guest::netwright("status").out;
    CHECK_MESSAGE(status.find("/etc/NetworkManager/dispatcher.d/50-netwright") != std::string::npos, status);
    CHECK_MESSAGE(status.find("NetworkManager manages vnet1") != std::string::npos, status);

    support::must("ip link set vnet1 down");
    support::must("ip link set vnet1 mtu 1500 up");
    support::must("tc qdisc del dev vnet0 root");
    REQUIRE(shown(values) == "1500");
    dispatch("vnet1", "pre-up");
    CHECK(shown(values) == "1500");
    dispatch("vnet1", "up");
    CHECK(shown(values) == "1400 initcwnd 20");
    CHECK(shown("tc qdisc show dev vnet0 root").find("noqueue") == std::string::npos); // another interface's

    std::filesystem::remove(device);
    for (int i = 0; i < 3; ++i)
        CHECK(guest::netwright("rollback --leave").status == 0);
    CHECK(our_files() == "");
    CHECK(mtu_of("vnet1") == "1500");
}

TEST_SUITE_END();
