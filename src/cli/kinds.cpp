// SPDX-License-Identifier: GPL-2.0-or-later
// What a kind's two halves (its address, and who sets it) say about it, side by side.
#include "cli/kinds.h"

#include "model/tunable_kinds.h"
#include "tunable/tunable_kind.h"

#include <fmt/format.h>

#include <algorithm>

namespace netwright::cli {
namespace {

std::string source_of(const AddressKind& kind)
{
    const auto sources = tunable::sources();
    const auto found = std::ranges::find(sources, kind.name, &tunable::KindSource::name);
    return found == sources.end() ? "" : std::string(found->source);
}

// The way back for the kind's example, with the first of these that is a value for it.
std::string undo_of(const Tunable& example)
{
    for (const char* value : {"1500", "off", "auto", "0-3", "fq", "equal 4"})
        if (const auto from = parse_value(example, value)) return tunable::undo_command(example, *from);
    return tunable::undo_command(example, std::nullopt);
}

// A bar would end the cell.
std::string cell(std::string_view text)
{
    std::string out;
    for (const char c : text)
        out += c == '|' ? "\\|" : std::string(1, c);
    return out;
}

std::string row_of(const AddressKind& kind)
{
    const auto example = parse_tunable(kind.example);
    ENSURE(example); // tests/model/tunable_test.cpp
    return fmt::format("| `{}` | {} | {} | {} | `{}` |\n", cell(kind.form), cell(kind.help), cell(source_of(kind)),
                       to_text(natural_persistence(*example)), cell(undo_of(*example)));
}

} // namespace

std::string kinds_text()
{
    std::string text;
    for (const AddressKind* kind : address_kinds())
        text += fmt::format("{}\n    {}\n    for example {}\n", kind->form, kind->help, kind->example);
    return text;
}

std::string kinds_markdown()
{
    std::string text =
        "<!-- Written by `netwright list --kinds --markdown`; tests/cli/kinds_test.cpp compares. Do not edit. -->\n"
        "# What can be set\n\n"
        "Each address is one setting: `netwright get` shows it, `netwright set` changes it as a transaction, plans "
        "name it.\n"
        "Before the first write every old value, and that of every setting the kernel moves beside it, is on disk; "
        "`undo-N.sh`\n"
        "beside the journal holds the command of the last column, for the day when netwright itself is broken.\n"
        "What ethtool netlink keeps is read and set by ioctl (SIOCETHTOOL) on kernels built without it.\n\n"
        "What lasts in a systemd.link(5) file where its table has a word for it and udev knows the interface lasts in\n"
        "`netwright-restore.service` (\"boot unit\") elsewhere; `netwright status` shows where each confirmed value "
        "lasts.\n"
        "An MTU that systemd-networkd would set again lasts in a drop-in of its .network file, if that is for the one\n"
        "interface. What a shared .network file or NetworkManager would set again is set after them: the boot unit "
        "waits\n"
        "for network-online.target, and where NetworkManager manages the interface its dispatcher runs a script of "
        "ours\n"
        "each time it has come up (docs/decisions/018-after-networkmanager.md).\n\n"
        "| address | sets | kept by | lasts in | the way back by hand, for example |\n"
        "|---|---|---|---|---|\n";
    for (const AddressKind* kind : address_kinds())
        text += row_of(*kind);
    return text;
}

} // namespace netwright::cli
