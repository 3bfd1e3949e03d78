// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as a sysctl file: lint ends, names places inside the text, and its fixes keep every other line.
#include "lint/fix.h"
#include "lint/lint.h"
#include "report/lint_report.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace netwright;
    const std::string text(reinterpret_cast<const char*>(data), size);
    const std::vector<SourceText> sources{{"fuzz.conf", text, {}, false}};
    lint::Target target;
    target.kernel = {6, 18, 0};
    const auto found = lint::lint(sources, target);
    const auto lines = static_cast<std::uint32_t>(std::ranges::count(text, '\n')) + 1;
    for (const Diagnostic& one : found)
        if (one.at.line < 1 || one.at.line > lines || one.at.column < 1 || one.at.column + one.at.length > size + 1)
            std::abort();
    const auto rules = lint::rules();
    const report::LintView view{sources, found, rules, "6.18.0", "Linux 6.18.0"};
    (void)report::lint_text(view, {});
    (void)report::lint_json(view);
    (void)report::lint_sarif(view);
    const auto fixed = lint::fixed(sources[0], 0, found);
    if (fixed.lines == 0 && fixed.text != text) std::abort();
    if ((fixed.lines == 0) != fixed.diff.empty()) std::abort();
    return 0;
}
