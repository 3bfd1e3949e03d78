// SPDX-License-Identifier: GPL-2.0-or-later
// What is said of a program that the kernel refuses.
#include "dataplane/loaded.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <cstdarg>

using namespace netwright;
using namespace netwright::dataplane;

namespace {

constexpr const char* verifier_log = "0: R1=ctx() R10=fp0\n"
                                     "; const __u32 first = *(__u32*)data; @ filter.bpf.c:42\n"
                                     "3: (61) r0 = *(u32 *)(r2 +0)\n"
                                     "invalid access to packet, off=0 size=4, R2(id=0,off=0,r=0)\n"
                                     "processed 4 insns (limit 1000000) max_states_per_insn 0 total_states 0\n";

// As libbpf calls whatever prints for it.
void print(libbpf_print_fn_t printer, const char* format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)printer(LIBBPF_WARN, format, arguments);
    va_end(arguments);
}

libbpf_print_fn_t printer_now()
{
    const libbpf_print_fn_t now = libbpf_set_print(nullptr);
    (void)libbpf_set_print(now);
    return now;
}

} // namespace

TEST_CASE("of a verifier's log the line is told that says what it does not like")
{
    CHECK(verifier_reason(verifier_log) == "invalid access to packet, off=0 size=4, R2(id=0,off=0,r=0)");
    CHECK(verifier_reason("").empty());
    CHECK(verifier_reason("processed 4 insns\n\nverification time 7 usec\nstack depth 0\n").empty());
    CHECK(verifier_reason("no newline at its end") == "no newline at its end");
}

TEST_CASE("libbpf is silent while a load is watched, its verifier's log is kept, and it speaks again afterwards")
{
    const libbpf_print_fn_t before = printer_now();
    {
        const LoadLog log;
        CHECK((printer_now() != before));
        CHECK(log.reason().empty());
        print(printer_now(), "libbpf: loading object %s\n", "filter");
        CHECK(log.reason().empty());
        print(printer_now(), "prog '%s': -- BEGIN PROG LOAD LOG --\n%s-- END PROG LOAD LOG --\n", "filter",
              verifier_log);
        print(printer_now(), "libbpf: failed to load object %s\n", "filter");
        CHECK(log.reason() == "invalid access to packet, off=0 size=4, R2(id=0,off=0,r=0)");
    }
    CHECK((printer_now() == before));
    CHECK(LoadLog().reason().empty()); // not what another load said
}

TEST_CASE("a kernel that is too old for a program is told, with what it takes")
{
    CHECK(too_old({5, 15}, "5.4.0-42-generic") == "; it needs Linux 5.15, this is 5.4.0-42-generic");
    CHECK(too_old({5, 18}, "5.15.0") == "; it needs Linux 5.18, this is 5.15.0");
    CHECK(too_old({5, 15}, "5.15.0").empty());
    CHECK(too_old({5, 15}, "6.1.0-18-amd64").empty());
    CHECK(too_old({5, 15}, "nonsense").empty());
    CHECK(too_old({5, 4}).empty()); // this host is newer
    CHECK(too_old({99, 0}).starts_with("; it needs Linux 99.0, this is "));
}

TEST_CASE("why a program was not loaded is told: rights, the verifier, or the kernel's age")
{
    const Error old = not_loaded("filter", EINVAL, "", "5.4.0").error();
    CHECK(old.kind == Error::Kind::Unsupported);
    CHECK(old.what.find("; it needs Linux 5.15, this is 5.4.0") != std::string::npos);
    const Error refused = not_loaded("filter", EACCES, "invalid access to packet", "6.1.0").error();
    CHECK(refused.kind == Error::Kind::Unsupported);
    CHECK(refused.what == "load the filter: this kernel's verifier refuses it: invalid access to packet");
    const Error rights = not_loaded("filter", EPERM, "", "6.1.0").error();
    CHECK(rights.kind == Error::Kind::Refused);
    CHECK(rights.what.find("CAP_BPF") != std::string::npos);
}
