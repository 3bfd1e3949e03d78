// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/collect.h"
#include "host/fixture.h"

#include <doctest/doctest.h>

using namespace netwright;
using namespace netwright::host;

namespace {

Surroundings with_dmi(std::initializer_list<std::pair<const char*, const char*>> strings)
{
    Tree tree;
    tree.file("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu hypervisor\n");
    for (const auto& [name, text] : strings)
        tree.file(std::string("sys/class/dmi/id/") + name, std::string(text) + "\n");
    return collect_surroundings(tree.kernel());
}

} // namespace

TEST_CASE("clouds are known by what their firmware says")
{
    CHECK(with_dmi({{"sys_vendor", "Amazon EC2"}, {"product_name", "m5.large"}}).cloud.value() == "aws");
    CHECK(with_dmi({{"sys_vendor", "Google"}}).cloud.value() == "gcp");
    CHECK(with_dmi({{"sys_vendor", "DigitalOcean"}}).cloud.value() == "digitalocean");
    CHECK(with_dmi({{"sys_vendor", "Hetzner"}}).cloud.value() == "hetzner");
    CHECK(with_dmi({{"product_name", "OpenStack Nova"}}).cloud.value() == "openstack");
    CHECK(with_dmi({{"sys_vendor", "Dell Inc."}}).cloud.value() == "none");
}

TEST_CASE("Azure is told from any other Hyper-V by its chassis tag")
{
    const auto azure = with_dmi({{"sys_vendor", "Microsoft Corporation"},
                                 {"product_name", "Virtual Machine"},
                                 {"chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77"}});
    CHECK(azure.cloud.value() == "azure");
    CHECK(azure.virtualisation.value() == "hyperv");
    const auto office = with_dmi({{"sys_vendor", "Microsoft Corporation"}, {"product_name", "Virtual Machine"}});
    CHECK(office.cloud.value() == "none");
    CHECK(office.virtualisation.value() == "hyperv");
    CHECK(with_dmi({{"sys_vendor", "Microsoft Corporation"}, {"product_name", "Surface Pro"}}).virtualisation.value() ==
          "virtual"); // only the CPU's word is left
}

TEST_CASE("hypervisors are known by firmware, /sys/hypervisor, or the CPU's flag")
{
    CHECK(with_dmi({{"sys_vendor", "QEMU"}}).virtualisation.value() == "kvm");
    CHECK(with_dmi({{"sys_vendor", "VMware, Inc."}}).virtualisation.value() == "vmware");
    CHECK(collect_surroundings(captured_host("old-3.10-centos")).virtualisation.value() == "vmware");
    CHECK(collect_surroundings(captured_host("debian12-web")).virtualisation.value() == "virtual");
    Tree bare;
    bare.file("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu vme\n")
        .file("sys/class/dmi/id/sys_vendor", "Dell Inc.\n");
    CHECK(collect_surroundings(bare.kernel()).virtualisation.value() == "none");
    Tree xen;
    xen.file("sys/hypervisor/type", "xen\n");
    CHECK(collect_surroundings(xen.kernel()).virtualisation.value() == "xen");
    Tree dark;
    dark.file("proc/cpuinfo", "processor\t: 0\nBogoMIPS\t: 50.00\n");
    CHECK(collect_surroundings(dark.kernel()).virtualisation.error().kind == Error::Kind::Absent);
}

TEST_CASE("containers leave marks; a virtual machine built from a container image is none")
{
    CHECK(collect_surroundings(captured_host("tiny-container")).container.value() == "podman");
    CHECK(collect_surroundings(captured_host("debian12-web")).container.value() == "none");
    Tree docker;
    docker.file(".dockerenv", "").file("proc/1/comm", "app\n");
    CHECK(collect_surroundings(docker.kernel()).container.value() == "docker");
    docker.file("proc/2/comm", "kthreadd\n").file("proc/1/cgroup", "0::/\n");
    CHECK(collect_surroundings(docker.kernel()).container.value() == "none");
    docker.file("proc/self/mountinfo",
                "22 27 0:21 / /proc rw - proc proc rw\n500 400 0:50 / / rw - overlay overlay rw\n");
    CHECK(collect_surroundings(docker.kernel()).container.value() == "docker"); // --pid=host
    Tree pod;
    pod.file("proc/1/cgroup", "0::/kubepods/burstable/pod1234/abcd\n");
    CHECK(collect_surroundings(pod.kernel()).container.value() == "kubernetes");
    CHECK(collect_surroundings(Tree().kernel()).container.error().kind == Error::Kind::Absent);
}

TEST_CASE("the first network namespace is known by its host-wide keys, any other by its own name")
{
    CHECK(collect_surroundings(captured_host("debian12-web")).network_namespace.value() == "init");
    CHECK(collect_surroundings(captured_host("tiny-container")).network_namespace.value() == "net:[4026532201]");
    CHECK(collect_surroundings(Tree().kernel()).network_namespace.error().kind == Error::Kind::Absent);
}

TEST_CASE("without /sys a cloud cannot be excluded")
{
    CHECK(collect_surroundings(captured_host("tiny-container")).cloud.error().kind == Error::Kind::Absent);
}
