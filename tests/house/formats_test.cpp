// SPDX-License-Identifier: GPL-2.0-or-later
// docs/formats/snapshot.md describes every member that a snapshot's JSON can hold.
#include "model/describe.h"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>

using namespace netwright;

namespace {

std::set<std::string> member_names;

template <class T>
void gather();

template <class T>
struct Inside {
    static void gather_it() { gather<T>(); }
};
template <class T>
struct Inside<std::vector<T>> : Inside<T> {};
template <class T>
struct Inside<std::optional<T>> : Inside<T> {};
template <class T>
struct Inside<std::expected<T, Error>> : Inside<T> {};

template <class Struct, class Member>
void gather_member(const describe::Field<Struct, Member>& field)
{
    member_names.insert(std::string(field.name));
    Inside<Member>::gather_it();
}

template <class T>
void gather()
{
    if constexpr (describe::Described<T>)
        std::apply([](const auto&... field) { (gather_member(field), ...); }, describe::Rows<T>::fields);
}

} // namespace

TEST_CASE("every member of a snapshot is described")
{
    gather<Snapshot>();
    REQUIRE(member_names.size() > 150);
    std::ifstream in(NETWRIGHT_SOURCE_DIR "/docs/formats/snapshot.md");
    const std::string page(std::istreambuf_iterator<char>(in), {});
    for (const std::string& name : member_names) {
        CAPTURE(name);
        CHECK(page.find("| `" + name + "` |") != std::string::npos);
    }
}
