// SPDX-License-Identifier: GPL-2.0-or-later
// From a word to the enumerator it names; an unknown word is answered with the ones there are, nearest first.
#pragma once

#include "base/error.h"

#include <span>
#include <string_view>

namespace netwright {

// The position of `text` in `names`. Rejected: "unknown risk 'hihg': use high, low, none or medium".
Result<std::size_t> find_word(std::string_view what, std::span<const std::string_view> names, std::string_view text);

template <class Enum>
Result<Enum> word_to(std::string_view what, std::span<const std::string_view> names, std::string_view text)
{
    return static_cast<Enum>(TRY(find_word(what, names, text)));
}

} // namespace netwright
