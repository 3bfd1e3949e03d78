// SPDX-License-Identifier: GPL-2.0-or-later
// netwright confirm, rollback and recover: how a transaction ends.
#include "apply/boot_unit.h"
#include "apply/recover.h"
#include "cli/transaction.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <memory>

namespace netwright::cli {
namespace {

struct Doors {
    kernel::Kernel kernel;
    apply::Journal journal;
};

Result<Doors> open_doors(const Globals& globals)
{
    kernel::Kernel kernel = TRY(open_kernel(globals));
    apply::Journal journal = TRY(apply::Journal::open(globals.state_dir, apply::Access::Change));
    return Doors{std::move(kernel), std::move(journal)};
}

int show(const Result<apply::Receipt>& receipt, const Globals& globals)
{
    if (!receipt) return complain(receipt.error());
    const auto printed = print(receipt_text(*receipt, style_of(STDOUT_FILENO, globals)));
    if (!printed) return complain(printed.error());
    return receipt->state == apply::State::Failed ? failed : done;
}

int confirm(std::optional<std::int64_t> id, const Globals& globals)
{
    auto doors = open_doors(globals);
    if (!doors) return complain(doors.error());
    return show(apply::confirm(doors->kernel, doors->journal, id), globals);
}

struct RollbackFlags {
    std::optional<std::int64_t> id;
    bool force = false, leave = false;
};

// Somebody changed a value after us: a person at a terminal is asked, a script must have said what it wants.
int rollback(const RollbackFlags& flags, const Globals& globals)
{
    auto doors = open_doors(globals);
    if (!doors) return complain(doors.error());
    auto wish = flags.force   ? apply::IfChanged::Overwrite
                : flags.leave ? apply::IfChanged::Leave
                              : apply::IfChanged::Refuse;
    auto receipt = apply::rollback(doors->kernel, doors->journal, flags.id, wish);
    if (receipt || receipt.error().kind != Error::Kind::Mismatch || wish != apply::IfChanged::Refuse)
        return show(receipt, globals);
    if (::isatty(STDIN_FILENO) != 1) return complain(receipt.error());
    fmt::print("{}\nWrite the old values over it (f), put back only the rest (l), or do nothing (n)? [f/l/N] ",
               receipt.error().what);
    std::fflush(stdout);
    char answer[16] = "";
    const ssize_t got = ::read(STDIN_FILENO, answer, sizeof answer - 1);
    if (got <= 0 || (answer[0] != 'f' && answer[0] != 'l')) return complain("nothing was changed", failed);
    wish = answer[0] == 'f' ? apply::IfChanged::Overwrite : apply::IfChanged::Leave;
    return show(apply::rollback(doors->kernel, doors->journal, flags.id, wish), globals);
}

struct RecoverFlags {
    std::string systemd_dir = "/etc/systemd/system";
    bool install = false, remove = false;
};

// So that a crash of the whole host is cleaned up at boot too, where no package brought the unit.
int boot_unit(const RecoverFlags& flags, const Globals& globals)
{
    if (flags.remove) {
        const auto removed = apply::remove_boot_unit(flags.systemd_dir);
        if (!removed) return complain(removed.error());
        fmt::print("Removed netwright-recover.service from {}.\n", flags.systemd_dir);
        return done;
    }
    std::error_code unknown;
    const auto binary = std::filesystem::read_symlink("/proc/self/exe", unknown);
    if (unknown) return complain("read /proc/self/exe: " + unknown.message(), failed);
    const auto installed = apply::install_boot_unit(flags.systemd_dir, binary, globals.state_dir);
    if (!installed) return complain(installed.error());
    fmt::print("Installed and enabled netwright-recover.service in {}: it runs {} recover at boot.\n",
               flags.systemd_dir, binary.string());
    return done;
}

int recover(const RecoverFlags& flags, const Globals& globals)
{
    if (flags.install || flags.remove) return boot_unit(flags, globals);
    auto journal = apply::Journal::open(globals.state_dir, apply::Access::Change);
    if (!journal && journal.error().kind == Error::Kind::Absent) {
        fmt::print("Nothing to recover: {}.\n", journal.error().what);
        return done;
    }
    if (!journal) return complain(journal.error());
    auto kernel = open_kernel(globals);
    if (!kernel) return complain(kernel.error());
    const auto receipts = apply::recover(*kernel, *journal);
    if (!receipts) return complain(receipts.error());
    if (receipts->empty()) fmt::print("Nothing to recover.\n");
    int code = done;
    for (const apply::Receipt& receipt : *receipts)
        code = std::max(code, show(receipt, globals));
    return code;
}

} // namespace

Action declare_confirm(CLI::App& app, const Globals& globals)
{
    auto id = std::make_shared<std::optional<std::int64_t>>();
    app.add_option("id", *id, "the transaction (default: the one that waits)")->type_name("ID");
    return [id, &globals] { return confirm(*id, globals); };
}

Action declare_rollback(CLI::App& app, const Globals& globals)
{
    auto flags = std::make_shared<RollbackFlags>();
    app.add_option("id", flags->id, "the transaction (default: the open one, else the last confirmed one)")
        ->type_name("ID");
    CLI::Option* const force =
        app.add_flag("--force", flags->force, "write old values over what somebody else has set since");
    app.add_flag("--leave", flags->leave, "leave what somebody else has set since, put back the rest")->excludes(force);
    return [flags, &globals] { return rollback(*flags, globals); };
}

Action declare_recover(CLI::App& app, const Globals& globals)
{
    auto flags = std::make_shared<RecoverFlags>();
    CLI::Option* const install =
        app.add_flag("--install-boot-unit", flags->install, "make systemd run recover at boot (the package does so)");
    app.add_flag("--remove-boot-unit", flags->remove, "take that unit away again")->excludes(install);
    app.add_option("--systemd-dir", flags->systemd_dir, "where units are")->type_name("DIR")->capture_default_str();
    return [flags, &globals] { return recover(*flags, globals); };
}

} // namespace netwright::cli
