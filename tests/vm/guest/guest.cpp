// SPDX-License-Identifier: GPL-2.0-or-later
// Running programs, and plans written by hand.
#include "guest/guest.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>

namespace guest {
namespace {

// Digits and what netwright quotes itself stand as they are, the rest in quotes.
std::string yaml(const std::string& value)
{
    if (value == "(nothing)") return "null";
    const bool number = !value.empty() && value.find_first_not_of("0123456789 ") == std::string::npos;
    return number ? value : "\"" + value + "\"";
}

std::string value_now(const std::string& tunable)
{
    const std::string text = shown("netwright get " + tunable);
    const auto at = text.find(" = ");
    if (at == std::string::npos) throw std::runtime_error(text);
    return text.substr(at + 3);
}

// Schema, fingerprint, intent and inputs, as netwright writes them for this host.
std::string head_of_plan()
{
    support::must("netwright plan --workload web-server --bandwidth 1Gbit --rtt 1ms --seconds 0 -o /tmp/plan.yaml");
    std::ifstream file("/tmp/plan.yaml");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    return text.substr(0, text.find("\nchanges:"));
}

} // namespace

support::Output shell(const std::string& line) { return support::run({"sh", "-c", line}); }

support::Output netwright(const std::string& arguments) { return shell("netwright " + arguments); }

std::string shown(const std::string& command)
{
    std::string text = shell(command).out;
    std::ranges::replace(text, '\n', ' ');
    std::ranges::replace(text, '\t', ' ');
    std::string line;
    for (const std::string& word : support::words(text))
        line += (line.empty() ? "" : " ") + word;
    return line;
}

bool comes_true(const std::function<bool()>& what)
{
    for (int tenths = 0; tenths < 300; ++tenths) {
        if (what()) return true;
        ::usleep(100'000);
    }
    return false;
}

void meet_neighbours()
{
    for (const char* far : {"10.0.10.1", "10.0.11.1", "10.0.20.1", "10.0.30.1"})
        if (!comes_true([&] { return shell(std::string("ping -c 1 -W 1 ") + far).status == 0; }))
            throw std::runtime_error(std::string("nobody answers at ") + far);
}

void ask_outside(std::string_view request) { std::cout << "\nnetwright-vm: " << request << std::endl; }

void write_plan(const std::vector<Step>& steps)
{
    const std::string head = head_of_plan();
    std::ofstream plan("/tmp/plan.yaml");
    plan << head << "\nchanges:\n";
    for (const Step& step : steps)
        plan << "  - tunable: " << step.tunable << "\n    from: " << yaml(value_now(step.tunable))
             << "\n    to: " << yaml(step.to)
             << "\n    why: a test\n    because: []\n    risk: low\n    reach: device\n"
             << "    interrupts: false\n    persistence: "
             << (step.tunable.starts_with("sysctl/") ? "sysctl.d" : step.persistence) << "\n";
    plan << "left_out: []\nadvice: []\n";
}

} // namespace guest
