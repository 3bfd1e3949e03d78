// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan/compare.h"

#include <doctest/doctest.h>

using namespace netwright;
using plan::lowers, plan::raises, plan::same;
using List = std::vector<std::int64_t>;

TEST_CASE("values are the same by meaning")
{
    const Tunable key = *parse_tunable("net.ipv4.tcp_rmem");
    CHECK(same(key, Value{std::string("1\t2  3")}, Value{List{1, 2, 3}}));
    CHECK(same(key, std::nullopt, std::nullopt));
    CHECK_FALSE(same(key, Value{std::int64_t{0}}, std::nullopt));
    CHECK_FALSE(same(key, Value{List{1, 2}}, Value{List{1, 2, 3}}));
}

TEST_CASE("raising and lowering compare lists element by element")
{
    CHECK(raises(Value{List{1, 2, 3}}, Value{List{1, 2, 4}}));
    CHECK_FALSE(raises(Value{List{1, 2, 3}}, Value{List{1, 2, 3}}));
    CHECK_FALSE(raises(Value{List{1, 2, 3}}, Value{List{0, 2, 4}}));
    CHECK(lowers(Value{List{1, 2, 3}}, Value{List{0, 2, 4}}));
    CHECK_FALSE(lowers(Value{List{1, 2, 3}}, Value{List{1, 2}}));
    CHECK_FALSE(raises(Value{std::string("cubic")}, Value{std::string("bbr")}));
    CHECK_FALSE(raises(std::nullopt, Value{std::int64_t{1}}));
    CHECK((plan::elementwise_most(Value{List{1, 9}}, Value{List{5, 2}}) == Value{List{5, 9}}));
}
