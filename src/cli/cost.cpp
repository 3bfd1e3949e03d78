// SPDX-License-Identifier: GPL-2.0-or-later
// netwright cost: what the network work costs, and what a measured improvement is worth.
#include "plan/cost.h"

#include "base/text.h"
#include "cli/campaign.h"
#include "cli/look.h"
#include "model/yaml_tree.h"
#include "report/cost_text.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <map>
#include <memory>

namespace netwright::cli {
namespace {

constexpr std::size_t largest_file = 1U << 20;

// Every input by its name, which is the flag and the field of the file.
using Texts = std::map<std::string, std::string, std::less<>>;

struct CostFlags {
    std::string file;
    Texts texts;
    bool json = false;
};

struct Field {
    std::string_view name, type, help;
};
constexpr std::array fields{
    Field{"before", "FILE", "a capture of a typical instance before the change (netwright capture --seconds 30)"},
    Field{"after", "FILE", "a capture under the same load after it"},
    Field{"share-before", "RANGE", "CPU share of network work where no capture tells, such as 18-25%"},
    Field{"share-after", "RANGE", "the same after the change"},
    Field{"load", "RANGE", "work a second over all instances, such as 40000-60000"},
    Field{"unit", "TEXT", "what the load counts (default requests/s)"},
    Field{"capacity-before", "RANGE", "what one instance carries, measured"},
    Field{"capacity-after", "RANGE", "what one carries after the change, measured"},
    Field{"instances", "RANGE", "how many there are today, where load and capacity are not known"},
    Field{"utilisation", "SHARE", "share of the capacity that may be used, such as 60% (default 100%)"},
    Field{"price", "RANGE", "of one instance an hour"},
    Field{"core-price", "RANGE", "of one core an hour, with --cores"},
    Field{"cores", "N", "of one instance"},
    Field{"hours", "RANGE", "of engineering for the change"},
    Field{"rate", "RANGE", "an hour of it"},
    Field{"currency", "TEXT", "(default USD)"},
};

Result<void> add_file(const CostFlags& flags, Texts& texts)
{
    if (flags.file.empty()) return {};
    const std::string text = TRY(read_file(flags.file, largest_file));
    const YamlNode root = TRY(parse_yaml(text, flags.file));
    const YamlReader reader(flags.file);
    std::vector<std::string_view> names;
    for (const Field& field : fields)
        names.push_back(field.name);
    TRY_VOID(reader.only(root, names, "cost"));
    for (const std::string_view name : names)
        if (root.find(name) != nullptr) texts.try_emplace(std::string(name), TRY(reader.text_field(root, name)));
    return {};
}

const std::string* find(const Texts& texts, std::string_view name)
{
    const auto found = texts.find(name);
    return found == texts.end() || found->second.empty() ? nullptr : &found->second;
}

Result<std::optional<Range>> range_in(const Texts& texts, std::string_view name)
{
    const std::string* const text = find(texts, name);
    if (text == nullptr) return std::nullopt;
    auto range = plan::parse_range(*text);
    if (!range) return fail(Error::Kind::Rejected, fmt::format("{}: {}", name, range.error().what));
    return *range;
}

Result<std::optional<plan::Work>> work_in(const Texts& texts, std::string_view name, const Globals& globals)
{
    const std::string* const path = find(texts, name);
    if (path == nullptr) return std::nullopt;
    LookFlags look_flags;
    look_flags.from = *path;
    auto work = plan::work_of(TRY(look(look_flags, globals)));
    if (!work) return fail(work.error().kind, fmt::format("{}: {}", *path, work.error().what));
    return *work;
}

Result<plan::CostInputs> inputs_of(const Texts& texts, const Globals& globals)
{
    plan::CostInputs in;
    in.share_before = TRY(range_in(texts, "share-before"));
    in.share_after = TRY(range_in(texts, "share-after"));
    in.load = TRY(range_in(texts, "load"));
    in.capacity_before = TRY(range_in(texts, "capacity-before"));
    in.capacity_after = TRY(range_in(texts, "capacity-after"));
    in.instances = TRY(range_in(texts, "instances"));
    in.price = TRY(range_in(texts, "price"));
    in.core_price = TRY(range_in(texts, "core-price"));
    in.hours = TRY(range_in(texts, "hours"));
    in.rate = TRY(range_in(texts, "rate"));
    if (const auto cores = TRY(range_in(texts, "cores"))) in.cores = cores->least;
    if (const auto share = TRY(range_in(texts, "utilisation"))) in.utilisation = share->least;
    if (in.utilisation <= 0 || in.utilisation > 1)
        return fail(Error::Kind::Rejected, "utilisation: a share above 0 and up to 100% is expected");
    if (const std::string* unit = find(texts, "unit")) in.unit = *unit;
    if (const std::string* currency = find(texts, "currency")) in.currency = *currency;
    in.before = TRY(work_in(texts, "before", globals));
    in.after = TRY(work_in(texts, "after", globals));
    return in;
}

int run(const CostFlags& flags, const Globals& globals)
{
    Texts texts;
    for (const auto& [name, text] : flags.texts)
        if (!text.empty()) texts.emplace(name, text);
    if (auto added = add_file(flags, texts); !added) return complain(added.error());
    if (texts.empty()) return complain("give captures, prices or numbers (see: netwright cost --help)", usage);
    const auto inputs = inputs_of(texts, globals);
    if (!inputs) return complain(inputs.error(), inputs.error().kind == Error::Kind::Rejected ? usage : failed);
    const CostReport report = plan::cost_report(*inputs);
    const auto printed =
        print(flags.json ? report::cost_json(report) : report::cost_text(report, style_of(STDOUT_FILENO, globals)));
    return printed ? done : complain(printed.error());
}

} // namespace

Action declare_cost(CLI::App& app, const Globals& globals)
{
    auto flags = std::make_shared<CostFlags>();
    for (const Field& field : fields)
        app.add_option(fmt::format("--{}", field.name), flags->texts[std::string(field.name)], std::string(field.help))
            ->type_name(std::string(field.type));
    app.add_option("--inputs", flags->file, "the same names in a YAML file; flags win")->type_name("FILE");
    app.add_flag("--json", flags->json, "for machines");
    app.footer("A RANGE is a number or two with a dash: 10-14, 18-25%. Every figure is shown with its formula; what a "
               "capture cannot tell exactly stays a range.");
    return [flags, &globals] { return run(*flags, globals); };
}

} // namespace netwright::cli
