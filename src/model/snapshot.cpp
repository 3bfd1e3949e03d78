// SPDX-License-Identifier: GPL-2.0-or-later
// Walking a snapshot for what it could not see.
#include "model/snapshot.h"

#include "model/describe.h"

#include <fmt/format.h>

#include <algorithm>

namespace netwright {
namespace {

struct GapWalk {
    std::vector<Gap> found;

    template <class T>
    void visit(const std::string& where, const Result<T>& reading)
    {
        if (reading) {
            visit(where, *reading);
        } else {
            found.push_back({where, reading.error()});
        }
    }

    template <class T>
    void visit(const std::string& where, const std::vector<T>& values)
    {
        if constexpr (describe::Described<T>) {
            for (std::size_t i = 0; i < values.size(); ++i)
                visit(fmt::format("{}[{}]", where, label(values[i], i)), values[i]);
        }
    }

    void visit(const std::string& where, const SysctlTable& table)
    {
        for (const auto& sysctl : table.all())
            if (!sysctl.value) found.push_back({fmt::format("{}[{}]", where, sysctl.key), sysctl.value.error()});
    }

    template <class T>
    void visit(const std::string& where, const T& value)
    {
        if constexpr (describe::Described<T>) {
            std::apply(
                [&](const auto&... field) {
                    (visit(where.empty() ? std::string(field.name) : fmt::format("{}.{}", where, field.name),
                           value.*field.member),
                     ...);
                },
                describe::Rows<T>::fields);
        }
    }

    template <class T>
    static std::string label(const T& value, std::size_t index)
    {
        if constexpr (requires { value.name; })
            return value.name;
        else
            return fmt::format("{}", index);
    }
};

} // namespace

std::vector<Gap> gaps(const Snapshot& snapshot)
{
    GapWalk walk;
    walk.visit("", snapshot);
    return std::move(walk.found);
}

const Nic* find_nic(const Snapshot& snapshot, std::string_view name)
{
    if (!snapshot.nics) return nullptr;
    const auto found = std::ranges::find(*snapshot.nics, name, &Nic::name);
    return found == snapshot.nics->end() ? nullptr : &*found;
}

} // namespace netwright
