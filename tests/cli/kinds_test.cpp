// SPDX-License-Identifier: GPL-2.0-or-later
// The documentation of what can be set says what the program says.
#include "cli/kinds.h"
#include "model/tunable_kinds.h"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>

using namespace netwright;

TEST_CASE("docs/tunables.md is what netwright list --kinds --markdown writes")
{
    std::ifstream in(NETWRIGHT_SOURCE_DIR "/docs/tunables.md", std::ios::binary);
    const std::string file{std::istreambuf_iterator<char>(in), {}};
    CHECK_MESSAGE(file == cli::kinds_markdown(), "run: netwright list --kinds --markdown > docs/tunables.md");
}

TEST_CASE("every kind is in the list of kinds, with an example")
{
    const std::string text = cli::kinds_text();
    for (const AddressKind* kind : address_kinds()) {
        CAPTURE(kind->name);
        CHECK(text.find(std::string(kind->form) + "\n") != std::string::npos);
        CHECK(text.find("for example " + std::string(kind->example)) != std::string::npos);
    }
}
