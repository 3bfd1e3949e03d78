// SPDX-License-Identifier: GPL-2.0-or-later
// Edit distance: known pairs, and the bounded form against the whole matrix on random words.
#include "base/text.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace netwright {
namespace {

std::size_t whole_matrix(const std::string& a, const std::string& b)
{
    std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) {
        for (std::size_t j = 0; j <= b.size(); ++j) {
            if (i == 0 || j == 0) {
                cost[i][j] = i + j;
                continue;
            }
            cost[i][j] = std::min(
                {cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
        }
    }
    return cost[a.size()][b.size()];
}

TEST_CASE("edit distance counts a swap of neighbours once")
{
    CHECK(edit_distance("", "") == 0);
    CHECK(edit_distance("somaxconn", "somaxconn") == 0);
    CHECK(edit_distance("somaxcnon", "somaxconn") == 1);
    CHECK(edit_distance("", "tcp") == 3);
    CHECK(edit_distance("tcp", "") == 3);
    CHECK(edit_distance("rmem", "wmen") == 2);
}

TEST_CASE("the bounded edit distance is the same up to its limit, and nothing beyond")
{
    std::mt19937 random(7);
    for (int round = 0; round < 4000; ++round) {
        std::string a(random() % 9, 'a'), b(random() % 9, 'a');
        for (char& c : a)
            c = static_cast<char>('a' + random() % 3);
        for (char& c : b)
            c = static_cast<char>('a' + random() % 3);
        const std::size_t known = whole_matrix(a, b), limit = random() % 9;
        CAPTURE(a);
        CAPTURE(b);
        CAPTURE(limit);
        REQUIRE(edit_distance(a, b) == known);
        const auto within = edit_distance_within(limit, a, b);
        REQUIRE(within.has_value() == (known <= limit));
        if (within) REQUIRE(*within == known);
    }
}

} // namespace
} // namespace netwright
