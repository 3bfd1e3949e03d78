// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/explain_report.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace netwright;
using report::Explanation;

namespace {

constexpr KernelVersion linux_6_18{6, 18, 0};

report::ExplainView view_of(Explanation one) { return {linux_6_18, true, {std::move(one)}}; }

Explanation somaxconn()
{
    Explanation one{catalog::find("net.core.somaxconn"), {}, {}, {}, {}};
    one.here = {{"", std::string("128")}};
    one.set_by = {{"/etc/sysctl.d/10-a.conf", 3, "net.core.somaxconn", "1024", false},
                  {"/etc/sysctl.d/99-b.conf", 1, "net.core.somaxconn", "128", true}};
    return one;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

} // namespace

TEST_CASE("a parameter is told with its value here, its default, and who sets it")
{
    const std::string text = report::explain_text(view_of(somaxconn()), {false, 200});
    CHECK(has(text, "net.core.somaxconn  sysctl\n"));
    CHECK(has(text, "  here       128\n"));
    CHECK(has(text, "  default    4096 (Linux 6.18)\n"));
    CHECK(has(text, "/etc/sysctl.d/10-a.conf line 3: net.core.somaxconn = 1024 (overridden)"));
    CHECK(has(text, "/etc/sysctl.d/99-b.conf line 1: net.core.somaxconn = 128\n"));
    CHECK(has(text, "  risk       low\n"));
    CHECK(has(text, "  source     "));
}

TEST_CASE("the default told is that of the kernel asked for")
{
    report::ExplainView view = view_of(somaxconn());
    view.kernel = {5, 3, 0};
    CHECK(has(report::explain_text(view, {}), "  default    128 (Linux 5.3)\n"));
}

TEST_CASE("an offload is on by default, as ethtool says it")
{
    const auto view = view_of({catalog::find("nic.offload.tcp-segmentation-offload"), {}, {}, {}, {}});
    CHECK(has(report::explain_text(view, {}), "  default    on (Linux 6.18)\n"));
    CHECK(nlohmann::json::parse(report::explain_json(view))["explanations"][0]["default"]["value"] == "on");
}

TEST_CASE("whom it reaches is told for the kernel asked for, and since when that is so")
{
    report::ExplainView view = view_of({catalog::find("net.core.optmem_max"), {}, {}, {}, {}});
    CHECK(has(report::explain_text(view, {false, 200}),
              "  reaches    each network namespace (the whole host before Linux 6.8); "));
    CHECK(nlohmann::json::parse(report::explain_json(view))["explanations"][0]["namespace_since"] == "6.8");
    view.kernel = {6, 1, 0};
    CHECK(has(report::explain_text(view, {false, 200}),
              "  reaches    the whole host (each network namespace from Linux 6.8 on); "));
    CHECK(nlohmann::json::parse(report::explain_json(view))["explanations"][0]["scope"] == "the whole host");
    CHECK(has(report::explain_text(view_of(somaxconn()), {false, 200}), "  reaches    each network namespace; "));
}

TEST_CASE("what cannot be seen says why, and a host's text cannot repaint a terminal")
{
    Explanation one = somaxconn();
    one.here = {{"", fail(Error::Kind::Refused, "permission denied")}};
    CHECK(has(report::explain_text(view_of(one), {}), "not to be seen: permission denied"));
    one.here = {{"", std::string("\033[2J1")}};
    one.set_by[0].value = "a\033[31mb";
    const std::string text = report::explain_text(view_of(one), {});
    CHECK(text.find('\033') == std::string::npos);
    CHECK(report::explain_json(view_of(one)).find("\\u001b") == std::string::npos);
}

TEST_CASE("ranges are told in words")
{
    CHECK(report::range_text(*catalog::find("net.ipv4.tcp_syncookies")) == "0 to 2");
    CHECK(report::range_text(*catalog::find("net.ipv4.tcp_sack")) == "0 or 1");
    CHECK(report::range_text(*catalog::find("net.ipv4.tcp_rmem")) == "3 numbers, each 2304 to 2147483647 (bytes)");
    CHECK(report::range_text(*catalog::find("queue.rps_cpus")) == "a set of CPUs");
    CHECK(report::range_text(*catalog::find("nic.offload.generic-receive-offload")) == "on or off");
}

TEST_CASE("a counter tells what its growth means, a gauge does not pretend to grow")
{
    Explanation counter{catalog::find_topic("TcpExtListenOverflows"), {{"", std::string("7")}}, {}, {}, {}};
    const std::string text = report::explain_text(view_of(counter), {});
    CHECK(has(text, "TcpExtListenOverflows  counter\n"));
    CHECK(has(text, "  growth is  harmful while it grows\n"));
    CHECK(has(text, "  related    net.core.somaxconn"));
    Explanation gauge{catalog::find_topic("sockstat.TCP.orphan"), {}, {}, {}, {}};
    CHECK_FALSE(has(report::explain_text(view_of(gauge), {}), "growth is"));
}

TEST_CASE("JSON holds the same facts in fields")
{
    auto view = view_of(somaxconn());
    view.explanations.push_back({catalog::find_topic("NO_SOCKET"), {}, {}, {}, {}});
    const auto json = nlohmann::json::parse(report::explain_json(view));
    CHECK(json["schema"] == 1);
    CHECK(json["kernel"] == "6.18.0");
    const auto& parameter = json["explanations"][0];
    CHECK(parameter["name"] == "net.core.somaxconn");
    CHECK(parameter["kind"] == "parameter");
    CHECK(parameter["here"][0]["value"] == "128");
    CHECK(parameter["default"]["value"] == "4096");
    CHECK(parameter["set_by"][1]["wins"] == true);
    CHECK(json["explanations"][1]["kind"] == "drop reason");
}

TEST_CASE("every entry can be told, as text and as JSON, without a line that is too long to read")
{
    report::ExplainView view{linux_6_18, true, {}};
    for (const catalog::Parameter& parameter : catalog::all())
        view.explanations.push_back({&parameter, {}, {}, {}, {}});
    for (const catalog::Topic& topic : catalog::topics())
        view.explanations.push_back({&topic, {}, {}, {}, {}});
    for (const Explanation& one : view.explanations) {
        CAPTURE(catalog::name_of(one.known));
        CHECK(report::explain_text({linux_6_18, true, {one}}, {}).size() > 100);
    }
    CHECK(nlohmann::json::parse(report::explain_json(view))["explanations"].size() == view.explanations.size());
    CHECK(report::explain_list_text(view, {}).size() > 10'000);
}
