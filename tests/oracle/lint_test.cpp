// SPDX-License-Identifier: GPL-2.0-or-later
// What lint says the kernel does with a line, against what the running kernel does with it, in a namespace of its own;
// and the program as people use it: exit codes, directories, --fix.
#include "base/text.h"
#include "lint/lint_sheet.h"
#include "model/sysctl_line.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "support/netns.h"
#include "support/program.h"

using namespace netwright;
namespace fs = std::filesystem;

namespace {

std::string path_of(std::string key)
{
    std::ranges::replace(key, '.', '/');
    return "proc/sys/" + key;
}

// Writes every line as `sysctl -p` would. How many the kernel refused.
int refused(const kernel::Kernel& kernel, std::string_view text)
{
    int count = 0;
    for (std::string_view line; next_line(text, line);) {
        const SysctlLine parts = parse_sysctl_line(line);
        count += kernel.files.write(path_of(std::string(parts.key)), parts.value) ? 0 : 1;
    }
    return count;
}

std::string value(const kernel::Kernel& kernel, const std::string& key)
{
    std::string text = kernel.files.read_line(path_of(key)).value_or("(none)");
    std::ranges::replace(text, '\t', ' ');
    return text;
}

// A directory for files, gone with the object.
class Desk {
public:
    Desk() { fs::create_directories(directory); }
    ~Desk()
    {
        std::error_code ignored;
        fs::remove_all(directory, ignored);
    }
    Desk(const Desk&) = delete;
    Desk& operator=(const Desk&) = delete;
    fs::path file(const std::string& name, std::string_view text) const
    {
        fs::create_directories((directory / name).parent_path());
        std::ofstream(directory / name, std::ios::binary) << text;
        return directory / name;
    }
    static std::string text(const fs::path& path)
    {
        std::ifstream in(path, std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(in), {});
    }
    // netwright lint with `arguments`, as a shell splits them.
    support::Output lint(const std::string& arguments) const
    {
        return support::run({"sh", "-c",
                             "cd " + directory.string() + " && " + NETWRIGHT_BINARY + " lint --kernel 6.18 " +
                                 arguments + " </dev/null"});
    }
    const fs::path directory = fs::temp_directory_path() / ("netwright-lint-" + std::to_string(::getpid()));
};

} // namespace

TEST_CASE("the kernel refuses the lines of which lint says so" * doctest::skip(!support::is_root()))
{
    struct Row {
        std::string_view rule, text;
    };
    constexpr std::array rows{
        Row{"contradiction", "net.ipv4.tcp_reordering = 500\n"}, // before rows that raise the caps
        Row{"contradiction", "net.ipv4.ipfrag_low_thresh = 6000000\n"},
        Row{"privileged-port-range", "net.ipv4.ip_local_port_range = 1000 65535\n"},
        Row{"size-suffix", "net.ipv4.tcp_notsent_lowat = 64K\n"},
        Row{"wrong-arity", "net.ipv4.tcp_fin_timeout = yes\n"},
        Row{"wrong-arity", "net.ipv4.tcp_keepalive_time = 08\n"},
        Row{"wrong-arity", "net.ipv4.tcp_rmem = 4096,131072,67108864\n"},
        Row{"order-dependent", "net.ipv4.ipfrag_low_thresh = 6000000\nnet.ipv4.ipfrag_high_thresh = 8000000\n"},
        Row{"order-dependent", "net.ipv4.tcp_reordering = 500\nnet.ipv4.tcp_max_reordering = 1000\n"},
        Row{"out-of-range", "net.ipv4.icmp_ratemask = 4294967295\n"},
        Row{"out-of-range", "net.ipv4.tcp_probe_interval = 4294967295\n"},
        Row{"out-of-range", "net.mptcp.pm_type = 2\n"},
        Row{"read-only-key", "net.ipv4.tcp_available_congestion_control = cubic\n"},
        Row{"misspelt-key", "net.ipv4.tcp_rmen = 4096 131072 67108864\n"},
        Row{"trailing-comment", "net.ipv4.tcp_congestion_control = reno # plain\n"},
        Row{"removed-key", "net.ipv4.tcp_tw_recycle = 1\n"},
        Row{"out-of-range", "net.ipv4.tcp_syn_retries = 500\n"},
    };
    const support::Netns netns;
    const auto kernel = netns.kernel();
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK(says(lint_text_of(std::string(row.text)), row.rule));
        CHECK(refused(kernel, row.text) == 1);
    }
}

TEST_CASE("the kernel takes odd numbers as lint says it does" * doctest::skip(!support::is_root()))
{
    const support::Netns netns;
    const auto kernel = netns.kernel();
    CHECK(refused(kernel, "net.ipv4.tcp_syn_retries = 010\n") == 0); // octal-number
    CHECK(value(kernel, "net.ipv4.tcp_syn_retries") == "8");
    // trailing-comment: the kernel takes the number and leaves the rest; fputs() writes that again, and it is ignored.
    (void)refused(kernel, "net.ipv4.tcp_keepalive_time = 600 # short\n");
    CHECK(value(kernel, "net.ipv4.tcp_keepalive_time") == "600");
    const std::string before = value(kernel, "net.ipv4.tcp_wmem");
    CHECK(refused(kernel, "net.ipv4.tcp_wmem = 8192\n") == 0); // wrong-arity: the others stay
    CHECK(value(kernel, "net.ipv4.tcp_wmem") == "8192" + before.substr(before.find(' ')));
}

TEST_CASE("switching forwarding undoes what lint says it undoes" * doctest::skip(!support::is_root()))
{
    const support::Netns netns;
    const auto kernel = netns.kernel();
    const std::string text = "net.ipv4.conf.all.accept_redirects = 1\nnet.ipv4.conf.lo.forwarding = 0\n"
                             "net.ipv4.ip_forward = 1\n";
    const auto found = lint_text_of(text);
    CHECK(says(found, "order-dependent", 1));
    CHECK(says(found, "order-dependent", 2));
    CHECK(refused(kernel, text) == 0);
    CHECK(value(kernel, "net.ipv4.conf.all.accept_redirects") == "0");
    CHECK(value(kernel, "net.ipv4.conf.lo.forwarding") == "1");
}

TEST_CASE("exit codes follow --fail-on, and nonsense is a usage error")
{
    const Desk desk;
    desk.file("good.conf", "net.ipv4.tcp_mtu_probing = 1\n");
    desk.file("note.conf", "net.ipv4.tcp_fin_timeout = 30\n");
    desk.file("error.conf", "net.core.somaxconn = many\n");
    CHECK(desk.lint("good.conf").status == 0);
    CHECK(desk.lint("note.conf").status == 0);
    CHECK(desk.lint("--fail-on note note.conf").status == 1);
    CHECK(desk.lint("error.conf").status == 1);
    CHECK(desk.lint("--fail-on never error.conf").status == 0);
    CHECK(desk.lint("--fail-on loud error.conf").status == 2);
    CHECK(desk.lint("--workload nonsense good.conf").status == 2);
    CHECK(desk.lint("").status == 2);
    const auto absent = desk.lint("absent.conf good.conf");
    CHECK(absent.status == 1);
    CHECK(absent.out.find("absent.conf:1:1: error: cannot be read") != std::string::npos);
    CHECK(desk.lint("--format sarif error.conf").out.find("\"version\": \"2.1.0\"") != std::string::npos);
}

TEST_CASE("directories are merged by name, the first wins, and later names override")
{
    const Desk desk;
    desk.file("a/10-x.conf", "net.core.somaxconn = 8192\n");
    desk.file("b/10-x.conf", "net.core.somaxconn = 1\n"); // hidden by a/10-x.conf
    desk.file("b/20-y.conf", "net.core.somaxconn = 4097\n");
    desk.file("b/readme", "nonsense\n");
    const auto found = desk.lint("--json a b/");
    CHECK(found.status == 0);
    const auto json = nlohmann::json::parse(found.out);
    CHECK(json["summary"]["files"] == 2);
    REQUIRE(json["diagnostics"].size() == 1);
    CHECK(json["diagnostics"][0]["rule"] == "overridden");
    CHECK(json["diagnostics"][0]["message"].get<std::string>().find("b/20-y.conf:1") != std::string::npos);
}

TEST_CASE("--fix shows the difference, asks, and keeps links and modes")
{
    const Desk desk;
    const fs::path real = desk.file("real.conf", "# mine\nnet.core.rmem_max = 64M\n");
    REQUIRE(::chmod(real.c_str(), 0600) == 0);
    fs::create_symlink("real.conf", desk.directory / "link.conf");
    const auto asked = desk.lint("--fix link.conf"); // nobody there to answer
    CHECK(asked.status == 1);
    CHECK(asked.out.find("+net.core.rmem_max = 67108864") != std::string::npos);
    CHECK(Desk::text(real) == "# mine\nnet.core.rmem_max = 64M\n");

    CHECK(desk.lint("--fix --yes link.conf").status == 0);
    CHECK(Desk::text(real) == "# mine\nnet.core.rmem_max = 67108864\n");
    CHECK(fs::is_symlink(desk.directory / "link.conf"));
    struct stat status{};
    REQUIRE(::stat(real.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
    CHECK(desk.lint("--fix --yes link.conf").out == "nothing to rewrite\n");

    const fs::path mixed = desk.file("mixed.conf", "net.core.rmem_max = 64M\nnonsense\n");
    const auto left = desk.lint("--fix --yes mixed.conf"); // one is mended, one needs a person
    CHECK(Desk::text(mixed) == "net.core.rmem_max = 67108864\nnonsense\n");
    CHECK(left.status == 1);
    CHECK(left.out.find("1 finding left") != std::string::npos);
    CHECK(desk.lint("--fix --yes --fail-on never mixed.conf").status == 0);
    CHECK(desk.lint("--fix --json mixed.conf").status == 2);

    const auto filtered = support::run(
        {"sh", "-c",
         std::string("printf 'net.core.somaxcon = 8192\\n' | ") + NETWRIGHT_BINARY + " lint --kernel 6.18 --fix -"});
    CHECK(filtered.out == "net.core.somaxconn = 8192\n");
}
