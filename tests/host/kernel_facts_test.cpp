// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/collect.h"
#include "host/fixture.h"
#include "host/parse.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace netwright;
using namespace netwright::host;

namespace {

const ConfigOption* find(const std::vector<ConfigOption>& options, std::string_view name)
{
    const auto found = std::ranges::find(options, name, &ConfigOption::name);
    return found == options.end() ? nullptr : &*found;
}

} // namespace

TEST_CASE("of a kernel's configuration, networking and scheduling options are kept, without their quotes")
{
    const auto options = parse_kernel_config("# comment\nCONFIG_HZ=250\nCONFIG_DEFAULT_TCP_CONG=\"cubic\"\n"
                                             "# CONFIG_TCP_CONG_BBR is not set\nCONFIG_EXT4_FS=y\nCONFIG_BROKEN\n");
    CHECK(options == std::vector<ConfigOption>{{"CONFIG_HZ", "250"}, {"CONFIG_DEFAULT_TCP_CONG", "cubic"}});
}

TEST_CASE("the configuration comes from config.gz, or from /boot where there is none")
{
    const auto packed = collect_kernel_facts(captured_host("debian12-web"));
    REQUIRE(packed.config);
    REQUIRE(find(*packed.config, "CONFIG_NET_NS"));
    CHECK(find(*packed.config, "CONFIG_NET_NS")->value == "y");
    CHECK_FALSE(find(*packed.config, "CONFIG_EXT4_FS"));
    const auto plain = collect_kernel_facts(captured_host("old-3.10-centos"));
    REQUIRE(plain.config);
    CHECK(find(*plain.config, "CONFIG_HZ")->value == "1000");
    CHECK(plain.version.value() == KernelVersion{3, 10, 0});
    CHECK(plain.modules.value() == std::vector<std::string>{"nf_conntrack", "nf_conntrack_ipv4", "vmxnet3"});
    CHECK(plain.uptime.value() == std::chrono::seconds{9812331});
    CHECK(collect_kernel_facts(captured_host("tiny-container")).config.error().kind == Error::Kind::Absent);
}

TEST_CASE("a gzip stream that is cut short, longer than allowed or none at all is malformed")
{
    const auto kernel = captured_host("debian12-web");
    const std::string packed = kernel.files.read("proc/config.gz").value();
    CHECK(gunzip(packed, 1U << 20));
    for (const std::string_view bad : {std::string_view(packed).substr(0, packed.size() / 2), std::string_view("text"),
                                       std::string_view(), std::string_view(packed).substr(1)}) {
        CHECK(gunzip(bad, 1U << 20).error().kind == Error::Kind::Malformed);
    }
    const auto bomb = gunzip(packed, 100);
    REQUIRE_FALSE(bomb);
    CHECK(bomb.error().what.find("more than 100 bytes") != std::string::npos);
}

TEST_CASE("a kernel release with a slash opens no file elsewhere")
{
    Tree tree;
    tree.file("proc/sys/kernel/osrelease", "../etc/secret\n").file("boot/config-../etc/secret", "CONFIG_HZ=1\n");
    const auto facts = collect_kernel_facts(tree.kernel());
    CHECK(facts.config.error().kind == Error::Kind::Absent);
    CHECK_FALSE(facts.version);
}
