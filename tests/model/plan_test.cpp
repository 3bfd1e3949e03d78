// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/plan.h"
#include "model/snapshot.h"

#include <doctest/doctest.h>

using namespace netwright;

namespace {

Nic nic(std::string name, bool physical, std::string address)
{
    Nic one;
    one.name = std::move(name);
    one.physical = physical;
    one.address = std::move(address);
    if (physical) one.driver = "virtio_net";
    if (!physical) one.kind = "veth";
    return one;
}

Snapshot host()
{
    Snapshot snapshot;
    snapshot.kernel.release = "6.1.0-28-amd64";
    snapshot.surroundings.hostname = "web1";
    snapshot.surroundings.machine_id = "0123";
    snapshot.surroundings.network_namespace = "init";
    Nic lo = nic("lo", false, "");
    lo.loopback = true;
    snapshot.nics = std::vector{lo, nic("eth1", true, "52:54:00:00:00:02"), nic("eth0", true, "52:54:00:00:00:01")};
    return snapshot;
}

} // namespace

TEST_CASE("a fingerprint names the hardware interfaces, sorted; containers' links come and go")
{
    Snapshot snapshot = host();
    snapshot.nics->push_back(nic("veth12ab", false, "00:11:22:33:44:55"));
    const Fingerprint print = fingerprint(snapshot);
    CHECK(print.nics ==
          std::vector<std::string>{"eth0 virtio_net 52:54:00:00:00:01", "eth1 virtio_net 52:54:00:00:00:02"});
    CHECK(differences(fingerprint(host()), print).empty());
}

TEST_CASE("in a container, where no interface is hardware, its links count")
{
    Snapshot snapshot = host();
    snapshot.nics = std::vector{nic("eth0", false, "02:42:ac:11:00:02")};
    CHECK(fingerprint(snapshot).nics == std::vector<std::string>{"eth0 veth 02:42:ac:11:00:02"});
}

TEST_CASE("another kernel, machine, namespace or interface is another host, in words")
{
    const Fingerprint planned = fingerprint(host());
    Fingerprint now = planned;
    now.machine_id = "9999";
    now.kernel = "6.12.1";
    now.network_namespace = "net:[4026532201]";
    now.nics[0] = "eth0 virtio_net 52:54:00:00:00:09";
    const auto words = differences(planned, now);
    REQUIRE(words.size() == 5);
    CHECK(words[0] == "the machine id is 9999 here, the plan was made for 0123");
    CHECK(words[1] == "the kernel is 6.12.1 here, the plan was made for 6.1.0-28-amd64");
    CHECK(words[2].find("network namespace") != std::string::npos);
    CHECK(words[3] == "the interface 'eth0 virtio_net 52:54:00:00:00:01' of the plan is not here");
    CHECK(words[4] == "the plan does not know the interface 'eth0 virtio_net 52:54:00:00:00:09'");
}

TEST_CASE("a renamed host is the same host; without machine ids the name decides")
{
    const Fingerprint planned = fingerprint(host());
    Fingerprint now = planned;
    now.hostname = "web2";
    CHECK(differences(planned, now).empty());
    now.machine_id.clear();
    CHECK(differences(planned, now) ==
          std::vector<std::string>{"the host name is web2 here, the plan was made for web1"});
}

TEST_CASE("what one side could not see is not held against it")
{
    const Fingerprint planned = fingerprint(host());
    Snapshot blind = host();
    blind.nics = fail(Error::Kind::Unsupported, "a captured tree");
    blind.surroundings.network_namespace = fail(Error::Kind::Refused, "no rights");
    CHECK(differences(planned, fingerprint(blind)).empty());
    CHECK(differences(fingerprint(blind), planned).empty());
}
