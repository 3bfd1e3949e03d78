// SPDX-License-Identifier: GPL-2.0-or-later
// How many virtual functions an SR-IOV device shows: sriov_numvfs of its PCI device (drivers/pci/iov.c).
#include "base/text.h"
#include "tunable/kinds.h"

#include <fmt/format.h>

namespace netwright::tunable {
namespace {

std::string file_in_device(const NicSetting& setting, std::string_view file)
{
    return fmt::format("sys/class/net/{}/device/{}", setting.nic, file);
}

Result<std::int64_t> number_in(kernel::Kernel& kernel, const NicSetting& setting, std::string_view file)
{
    const auto text = kernel.files.read_line(file_in_device(setting, file));
    if (text) return TRY(parse_int(trim(*text)));
    if (text.error().kind != Error::Kind::Absent) return std::unexpected(text.error());
    if (!kernel.files.exists("sys/class/net/" + setting.nic)) return no_such_interface(setting.nic);
    return fail(Error::Kind::Absent, fmt::format("{}: {} is no SR-IOV device, or its firmware has that switched off",
                                                 to_text(setting), setting.nic));
}

struct Vfs : KindDefaults<NicSetting> {
    static Present read(kernel::Kernel& kernel, const NicSetting& setting)
    {
        return std::optional<Value>(TRY(number_in(kernel, setting, "sriov_numvfs")));
    }

    static Result<void> check(kernel::Kernel& kernel, const NicSetting& setting, const Value& value)
    {
        const std::int64_t now = TRY(number_in(kernel, setting, "sriov_numvfs"));
        const std::int64_t most = TRY(number_in(kernel, setting, "sriov_totalvfs"));
        const auto* number = std::get_if<std::int64_t>(&value);
        if (!number || *number < 0 || *number > most)
            return fail(Error::Kind::Rejected, fmt::format("{} {}: this device takes 0 to {}", to_text(setting),
                                                           to_text(value).substr(0, 64), most));
        if (now == 0 || *number == 0 || *number == now) return {};
        return fail(Error::Kind::Rejected,
                    fmt::format("{} {}: {} are in use; the kernel changes their number only by way of 0, which takes "
                                "them from whoever has them: set it to 0 first",
                                to_text(setting), *number, now));
    }

    static Result<void> write(kernel::Kernel& kernel, const NicSetting& setting, const Value& value)
    {
        auto written = kernel.files.write(file_in_device(setting, "sriov_numvfs"), to_text(value) + '\n');
        if (!written) return write_failed(setting, value, std::move(written).error());
        return {};
    }

    static Result<std::vector<Reading>> list(kernel::Kernel& kernel)
    {
        std::vector<Reading> found;
        for (const std::string& nic : TRY(kernel.files.list("sys/class/net"))) {
            const NicSetting setting{nic, "vfs", ""};
            if (auto value = read(kernel, setting)) found.push_back({setting, std::move(value)});
        }
        return found;
    }

    static std::string undo_command(const NicSetting& setting, const std::optional<Value>& from)
    {
        return write_file_command(file_in_device(setting, "sriov_numvfs"), from);
    }
};

} // namespace

constexpr Kind nic_vfs_kind = kind_of<Vfs>("nic/vfs", "/sys/class/net/INTERFACE/device/sriov_numvfs");

} // namespace netwright::tunable
