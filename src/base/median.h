// SPDX-License-Identifier: GPL-2.0-or-later
// The middle of some numbers.
#pragma once

#include <algorithm>
#include <vector>

namespace netwright {

// The mean of the two in the middle where their number is even; 0 for none. None of them may be NaN.
inline double median(std::vector<double> values)
{
    if (values.empty()) return 0;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::ranges::nth_element(values, middle);
    if (values.size() % 2 == 1) return *middle;
    return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

} // namespace netwright
