// SPDX-License-Identifier: GPL-2.0-or-later
// Snapshots that strangers send: any bytes are refused or read back to the same JSON.
#include "model/snapshot_json.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace netwright;
    const auto snapshot = snapshot_from_json({reinterpret_cast<const char*>(data), size});
    if (!snapshot) return 0;
    const auto again = snapshot_from_json(to_json(*snapshot));
    if (!again || to_json(*again) != to_json(*snapshot)) std::abort();
    return 0;
}
