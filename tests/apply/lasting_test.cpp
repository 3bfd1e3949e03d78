// SPDX-License-Identifier: GPL-2.0-or-later
// Which file a confirmed value goes to, what stands in it, and that nothing of ours stays behind.
#include "apply/lasting.h"
#include "apply/restore.h"
#include "model/link_file_keys.h"
#include "tunable/tree.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace netwright;
using namespace netwright::apply;
using netwright::test::file_text;
using netwright::test::TemporaryDirectory;

namespace {

// A host's root with one NIC that udev knows, named by systemd's own 99-default.link.
struct Host {
    TemporaryDirectory directory;
    std::filesystem::path root = directory.path(), etc = root / "etc", network = etc / "systemd/network",
                          state = root / "state";

    Host()
    {
        put("sys/class/net/eth0/ifindex", "3\n");
        put("sys/class/net/eth0/address", "52:54:00:12:34:56\n");
        put("sys/class/net/eth0/addr_assign_type", "0\n");
        put("sys/class/net/veth0/ifindex", "9\n");
        applied("/usr/lib/systemd/network/99-default.link");
        put("usr/lib/systemd/network/99-default.link", "# systemd's\n[Match]\nOriginalName=*\n\n[Link]\n"
                                                       "NamePolicy=keep kernel database onboard slot path\n"
                                                       "MACAddressPolicy=persistent\n");
    }
    void put(const std::string& path, const std::string& text) const
    {
        std::filesystem::create_directories((root / path).parent_path());
        std::ofstream(root / path, std::ios::binary) << text;
    }
    void applied(const std::string& link_file) const
    {
        put("run/udev/data/n3", "I:1\nE:ID_PATH=pci-0000:00:03.0\nE:ID_NET_LINK_FILE=" + link_file + "\nG:systemd\n");
    }
    void keep(std::vector<std::pair<const char*, const char*>> values) const
    {
        Record record;
        record.state = State::Confirmed;
        record.etc_dir = etc.string();
        for (const auto& [text, value] : values) {
            Step step;
            step.tunable = *parse_tunable(text);
            step.to = *parse_value(step.tunable, value);
            record.steps.push_back(step);
        }
        const auto written = make_last(etc, state, lasting_of(std::vector{record}, etc));
        REQUIRE_MESSAGE(written, (written ? "" : written.error().what));
    }
    std::vector<std::string> files() const
    {
        std::vector<std::string> found;
        if (std::filesystem::exists(etc))
            for (const auto& entry : std::filesystem::recursive_directory_iterator(etc))
                if (!entry.is_directory()) found.push_back(entry.path().lexically_relative(etc).string());
        std::ranges::sort(found);
        return found;
    }
};

} // namespace

TEST_CASE("a file of ours takes over what named the interface, matches that device alone, and says our values last")
{
    const Host host;
    host.keep({{"nic/eth0/ring/rx", "4096"}, {"nic/eth0/coalesce/rx-usecs", "50"}, {"nic/eth0/offload/rx-lro", "off"}});
    CHECK(host.files() == std::vector<std::string>{"systemd/network/10-netwright-eth0.link"});
    const std::string text = file_text(host.network / "10-netwright-eth0.link");
    CHECK(text.ends_with("# Taken over from /usr/lib/systemd/network/99-default.link\n"
                         "[Match]\n"
                         "PermanentMACAddress=52:54:00:12:34:56\n"
                         "Path=pci-0000:00:03.0\n"
                         "\n"
                         "[Link]\n"
                         "NamePolicy=keep kernel database onboard slot path\n"
                         "MACAddressPolicy=persistent\n"
                         "\n"
                         "[Link]\n"
                         "RxCoalesceSec=50us\n"
                         "LargeReceiveOffload=no\n"
                         "RxBufferSize=4096\n"));
    CHECK(find_link_file(host.etc, "eth0") == host.network / "10-netwright-eth0.link");
}

TEST_CASE("after the next boot our own file is the one that applied, and what it took over is found again")
{
    const Host host;
    host.keep({{"nic/eth0/ring/rx", "4096"}});
    host.applied((host.network / "10-netwright-eth0.link").string());
    host.keep({{"nic/eth0/ring/rx", "2048"}});
    const std::string text = file_text(host.network / "10-netwright-eth0.link");
    CHECK(text.find("# Taken over from /usr/lib/systemd/network/99-default.link\n") != std::string::npos);
    CHECK(text.find("NamePolicy=keep") != std::string::npos);
    CHECK(text.ends_with("RxBufferSize=2048\n"));
}

TEST_CASE("drop-ins of the file that is taken over come along")
{
    const Host host;
    host.put("etc/systemd/network/99-default.link.d/wol.conf", "[Link]\nWakeOnLan=magic\n");
    host.keep({{"nic/eth0/ring/rx", "4096"}});
    const std::string text = file_text(host.network / "10-netwright-eth0.link");
    CHECK(text.find("WakeOnLan=magic") < text.find("RxBufferSize=4096"));
    host.keep({});
    CHECK(host.files() == std::vector<std::string>{"systemd/network/99-default.link.d/wol.conf"});
}

TEST_CASE("where the owner has a file for this device, a drop-in adds to it")
{
    const Host host;
    host.put("etc/systemd/network/10-wan.link", "[Match]\nMACAddress=52:54:00:12:34:56\n[Link]\nName=wan0\n");
    host.applied("/etc/systemd/network/10-wan.link");
    host.keep({{"link/eth0/mtu", "9000"}, {"nic/eth0/speed", "10000/full"}});
    CHECK(host.files() ==
          std::vector<std::string>{"systemd/network/10-wan.link", "systemd/network/10-wan.link.d/90-netwright.conf"});
    CHECK(file_text(host.network / "10-wan.link.d/90-netwright.conf")
              .ends_with("[Link]\nMTUBytes=9000\nAutoNegotiation=no\nBitsPerSecond=10000M\nDuplex=full\n"));
    host.keep({});
    CHECK(host.files() == std::vector<std::string>{"systemd/network/10-wan.link"});
    CHECK_FALSE(std::filesystem::exists(host.network / "10-wan.link.d"));
}

TEST_CASE("a .link file is for one device if its match names one")
{
    struct Row {
        const char* text;
        bool one;
    };
    const Row rows[] = {{"[Match]\nMACAddress=aa:bb:cc:dd:ee:ff\n", true},
                        {"[Match]\nMACAddress=aa:bb:cc:dd:ee:ff aa:bb:cc:dd:ee:fe\n", false},
                        {"[Match]\nPath=pci-0000:00:03.0\n", true},
                        {"[Match]\nPath=pci-0000:00:03.*\n", false},
                        {"[Match]\nOriginalName=eth0\n", true},
                        {"[Match]\nOriginalName=!eth0\n", false},
                        {"[Match]\nOriginalName=*\n", false},
                        {"[Match]\nDriver=ixgbe\n", false},
                        {"[Link]\nMACAddress=aa:bb:cc:dd:ee:ff\n", false},
                        {"", false}};
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK(is_for_one_device(row.text) == row.one);
    }
}

TEST_CASE("what no .link file holds, and every value of a device that udev does not know, is for the boot unit")
{
    const Host host;
    host.keep({{"link/eth0/gro_flush_timeout", "20000"}, {"link/veth0/mtu", "9000"}, {"net.core.somaxconn", "8192"}});
    CHECK(host.files() == std::vector<std::string>{"sysctl.d/99-zz-netwright.conf",
                                                   "systemd/system/multi-user.target.wants/"
                                                   "netwright-restore.service",
                                                   "systemd/system/netwright-restore.service"});
    const std::string unit = file_text(host.etc / "systemd/system/netwright-restore.service");
    CHECK(unit.find("#   link/eth0/gro_flush_timeout\n#   link/veth0/mtu\n") != std::string::npos);
    CHECK(unit.find(" restore --state-dir " + host.state.string()) != std::string::npos);
    CHECK(unit.find("sys-subsystem-net-devices-eth0.device sys-subsystem-net-devices-veth0.device") !=
          std::string::npos);
    host.keep({});
    CHECK(host.files().empty());
}

TEST_CASE("an MTU that networkd would set again lasts in a drop-in of its file, if that is for this device alone")
{
    const Host host;
    host.put("run/systemd/netif/links/3", "ADMIN_STATE=configured\nNETWORK_FILE=/etc/systemd/network/10-lan.network\n");
    host.put("etc/systemd/network/10-lan.network", "[Match]\nName=eth0\n[Link]\nMTUBytes=1500\n");
    host.keep({{"link/eth0/mtu", "9000"}, {"nic/eth0/ring/rx", "4096"}});
    CHECK(host.files() == std::vector<std::string>{"systemd/network/10-lan.network",
                                                   "systemd/network/10-lan.network.d/90-netwright.conf",
                                                   "systemd/network/10-netwright-eth0.link"});
    const std::string drop_in = file_text(host.network / "10-lan.network.d/90-netwright.conf");
    CHECK(drop_in.ends_with("[Link]\nMTUBytes=9000\n"));
    CHECK(file_text(host.network / "10-netwright-eth0.link").find("MTUBytes") == std::string::npos);
    CHECK(place_of(host.etc, *parse_tunable("link/eth0/mtu")) ==
          (host.network / "10-lan.network.d/90-netwright.conf").string());
    host.keep({{"nic/eth0/ring/rx", "4096"}}); // the MTU was rolled back
    CHECK(host.files() ==
          std::vector<std::string>{"systemd/network/10-lan.network", "systemd/network/10-netwright-eth0.link"});
    CHECK_FALSE(std::filesystem::exists(host.network / "10-lan.network.d"));
}

TEST_CASE("what networkd's file for many devices, or NetworkManager, would set again is set after them")
{
    const Host host;
    const Tunable mtu = *parse_tunable("link/eth0/mtu"), ring = *parse_tunable("nic/eth0/ring/rx");
    host.put("run/systemd/netif/links/3", "NETWORK_FILE=/etc/systemd/network/80-all.network\n");
    host.put("etc/systemd/network/80-all.network", "[Match]\nName=en* eth*\n[DHCPv4]\nUseMTU=true\n");
    CHECK(home_of(host.etc, mtu) == Home::BootUnit);
    CHECK(home_of(host.etc, ring) == Home::LinkFile); // networkd has no word for it
    host.put("etc/systemd/network/80-all.network", "[Match]\nName=en* eth*\n# MTUBytes=1500\n");
    CHECK(home_of(host.etc, mtu) == Home::LinkFile);
    host.put("etc/systemd/network/80-all.network.d/mtu.conf", "[Link]\nMTUBytes=1400\n");
    CHECK(home_of(host.etc, mtu) == Home::BootUnit);

    host.put("run/NetworkManager/devices/3", "[device]\nmanaged=true\nconnection-uuid=x\n");
    CHECK(home_of(host.etc, mtu) == Home::Dispatcher);
    CHECK(home_of(host.etc, ring) == Home::Dispatcher);
    CHECK(home_of(host.etc, *parse_tunable("link/eth0/txqueuelen")) == Home::Dispatcher);
    host.put("run/NetworkManager/devices/3", "[device]\nmanaged=false\n");
    CHECK(home_of(host.etc, ring) == Home::LinkFile);
}

TEST_CASE("what NetworkManager loses when it takes a connection down and up is set again by its dispatcher")
{
    const Host host;
    const std::filesystem::path script = host.etc / "NetworkManager/dispatcher.d/50-netwright";
    const Tunable route = *parse_tunable("route/default/initcwnd"), qdisc = *parse_tunable("qdisc/eth0/root");
    CHECK(home_of(host.etc, route) == Home::BootUnit); // nothing here is NetworkManager's
    host.put("run/NetworkManager/devices/3", "[device]\nmanaged=true\n");
    CHECK(home_of(host.etc, route) == Home::Dispatcher);
    CHECK(home_of(host.etc, *parse_tunable("route/default@veth0/initcwnd")) == Home::BootUnit); // not its interface
    CHECK(home_of(host.etc, qdisc) == Home::Dispatcher);
    CHECK(home_of(host.etc, *parse_tunable("qdisc/veth0/root")) == Home::BootUnit);
    CHECK(home_of(host.etc, *parse_tunable("rule/ipv4/10010")) == Home::Dispatcher);
    CHECK(home_of(host.etc, *parse_tunable("cpu/0/governor")) == Home::BootUnit);

    host.keep({{"qdisc/eth0/root", "fq"}, {"cpu/0/governor", "performance"}});
    CHECK(place_of(host.etc, qdisc) == "netwright-restore.service and " + script.string());
    const std::string text = file_text(script), unit = file_text(host.etc / "systemd/system/netwright-restore.service");
    CHECK(text.starts_with("#!/bin/sh\n"));
    CHECK(text.find("#   qdisc/eth0/root\n") != text.npos);
    CHECK(text.find("cpu/0") == text.npos);
    CHECK(text.find("restore --state-dir " + host.state.string() + " --interface \"$1\"\n") != text.npos);
    CHECK(unit.find("qdisc/eth0/root") != unit.npos); // where NetworkManager has no dispatcher, the boot still counts
    using enum std::filesystem::perms;
    const auto mode = std::filesystem::status(script).permissions();
    CHECK((mode & (owner_exec | group_write | others_write)) == owner_exec); // the dispatcher runs no other
    host.keep({{"cpu/0/governor", "performance"}});
    CHECK_FALSE(std::filesystem::exists(script));
}

// Stands for netwright in the script, and writes down how it was called.
TEST_CASE("the dispatcher's script acts when an interface is up, and on nothing else")
{
    const Host host;
    host.put("netwright", "#!/bin/sh\necho \"$*\" >>" + (host.root / "calls").string() + "\n");
    host.put("script", dispatcher_script(host.root / "netwright", "/var/lib/netwright", {}));
    const auto run = [&](const char* arguments) {
        return ::system(("sh " + (host.root / "script").string() + " " + arguments).c_str());
    };
    CHECK(run("eth0 up") == 0); // not yet a program: as after netwright was removed
    CHECK_FALSE(std::filesystem::exists(host.root / "calls"));
    std::filesystem::permissions(host.root / "netwright", std::filesystem::perms::owner_all);
    for (const char* event :
         {"eth0 pre-up", "eth0 down", "none hostname", "'' connectivity-change", "eth0 vpn-up", "eth0"})
        CHECK(run(event) == 0);
    CHECK_FALSE(std::filesystem::exists(host.root / "calls"));
    CHECK(run("eth0 up") == 0);
    CHECK(run("eth1.5 dhcp4-change") == 0);
    CHECK(run("eth0 reapply") == 0);
    CHECK(file_text(host.root / "calls") == "restore --state-dir /var/lib/netwright --interface eth0\n"
                                            "restore --state-dir /var/lib/netwright --interface eth1.5\n"
                                            "restore --state-dir /var/lib/netwright --interface eth0\n");
}

TEST_CASE("a .link file of ours holds what it says, and nothing else")
{
    const Host host;
    const Tunable ring = *parse_tunable("nic/eth0/ring/rx");
    CHECK_FALSE(link_file_holds(host.etc, ring, Value{std::int64_t{4096}}));
    host.keep({{"nic/eth0/ring/rx", "4096"}});
    CHECK(link_file_holds(host.etc, ring, Value{std::int64_t{4096}}));
    CHECK_FALSE(link_file_holds(host.etc, ring, Value{std::int64_t{409}}));
    CHECK_FALSE(link_file_holds(host.etc, *parse_tunable("nic/eth0/ring/tx"), Value{std::int64_t{4096}}));
}

TEST_CASE("what the systemd at hand has no key for yet is for the boot unit")
{
    const Host host;
    const Tunable ring = *parse_tunable("nic/eth0/ring/rx"), usecs = *parse_tunable("nic/eth0/coalesce/rx-usecs");
    CHECK_FALSE(systemd_version(host.root));
    CHECK(home_of(host.etc, usecs) == Home::LinkFile);        // nobody knows better
    host.put("usr/lib/systemd/libsystemd-shared-247.so", ""); // Debian 11
    CHECK(systemd_version(host.root) == 247U);
    CHECK(home_of(host.etc, ring) == Home::LinkFile);
    CHECK(home_of(host.etc, usecs) == Home::BootUnit);
    CHECK(home_of(host.etc, *parse_tunable("link/eth0/txqueuelen")) == Home::BootUnit);
    CHECK(home_of(host.etc, *parse_tunable("link/eth0/mtu")) == Home::LinkFile);
    host.put("usr/lib64/systemd/libsystemd-shared-255.4-1.fc40.so", "");
    CHECK(systemd_version(host.root) == 255U);
    CHECK(home_of(host.etc, usecs) == Home::LinkFile);
    host.put("usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-999999999999999999999.so", "");
    host.put("usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-.so", "");
    CHECK(systemd_version(host.root) == 255U); // no number
}

TEST_CASE("an interface's name is escaped where it becomes a unit's")
{
    const std::vector<Tunable> settings{*parse_tunable("link/br-1a.5/mtu")};
    CHECK(restore_unit("/usr/bin/netwright", "/var/lib/netwright", settings).find("devices-br\\x2d1a.5.device") !=
          std::string::npos);
}

TEST_CASE("a state directory that a unit cannot name is refused, and no half of a unit stays")
{
    const Host host;
    const std::vector<Tunable> settings{*parse_tunable("link/eth0/gro_flush_timeout")};
    CHECK_FALSE(write_restore_unit(host.etc, host.root / "with blank", settings));
    CHECK(host.files().empty());
}

TEST_CASE("settings that systemd.link has no word for have no lines")
{
    CHECK(has_link_file_key(*parse_tunable("nic/eth0/queues/combined")));
    CHECK_FALSE(has_link_file_key(*parse_tunable("nic/eth0/private-flag/x")));
    CHECK_FALSE(has_link_file_key(*parse_tunable("net.core.somaxconn")));
    CHECK(natural_persistence(*parse_tunable("nic/eth0/vf-0/trust")) == Persistence::BootUnit);
    CHECK(natural_persistence(*parse_tunable("nic/eth0/ring/rx")) == Persistence::LinkFile);
    CHECK(link_file_lines(*parse_tunable("nic/eth0/private-flag/x"), Value{std::string("on")}).empty());
}
