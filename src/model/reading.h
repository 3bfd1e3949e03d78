// SPDX-License-Identifier: GPL-2.0-or-later
// A value seen on a host, or the reason why it could not be seen. Never a silent zero.
#pragma once

#include "base/error.h"

namespace netwright {

// What a member holds until its collector has looked: a reading that was forgotten says so instead of passing for 0.
inline std::unexpected<Error> unseen() { return fail(Error::Kind::Absent, "not looked at"); }

} // namespace netwright
