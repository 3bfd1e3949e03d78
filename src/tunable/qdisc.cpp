// SPDX-License-Identifier: GPL-2.0-or-later
// The queueing disciplines of an interface: RTM_GETQDISC, RTM_NEWQDISC, RTM_DELQDISC.
//
// A root qdisc that the kernel chose has the handle 0 and reads as nothing: deleting ours brings it back. The queues of
// an mq have no such state, for deleting theirs leaves a queue that drops everything (mq_graft() in
// net/sched/sch_mq.c); so they always read as what they are, and are put back by name.
// A qdisc is always made anew (NLM_F_EXCL, see tc_modify_qdisc() in net/sched/sch_api.c): changing the old one would
// keep options that nobody named.
#include "base/text.h"
#include "kernel/namespace.h"
#include "tunable/kinds.h"
#include "tunable/qdisc_kind.h"

#include <fmt/format.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cerrno>

namespace netwright::tunable {
namespace {

using Payload = std::span<const std::byte>;

struct Device {
    int index = 0;
    std::uint32_t queues = 1;
    QueueingLink link;
};

struct Found {
    std::uint32_t handle = 0, parent = 0;
    std::string kind;
    std::vector<std::byte> options;
};

std::unexpected<Error> refuse(const QdiscPlace& place, std::string_view why, Error::Kind kind = Error::Kind::Rejected)
{
    return fail(kind, fmt::format("qdisc/{}/{}: {}", place.nic, place.place, why));
}

Device parse_device(const nlmsghdr& message)
{
    Device device;
    const auto head = kernel::fixed_part<ifinfomsg>(message);
    if (!head) return device;
    device.index = head->ifi_index;
    std::int64_t mtu = 0;
    kernel::each_attribute(message, sizeof *head, [&](std::uint16_t type, Payload payload) {
        if (type == IFLA_MTU) mtu = kernel::as_u32(payload);
        if (type == IFLA_TXQLEN) device.link.queue_length = kernel::as_u32(payload);
        if (type == IFLA_NUM_TX_QUEUES) device.queues = kernel::as_u32(payload);
    });
    const bool ethernet = head->ifi_type == ARPHRD_ETHER || head->ifi_type == ARPHRD_LOOPBACK;
    device.link.frame = mtu + (ethernet ? 14 : 0);
    return device;
}

Result<Device> find_device(kernel::Kernel& kernel, const QdiscPlace& place)
{
    kernel::Request question(RTM_GETLINK, 0);
    question.header(ifinfomsg{}).put_text(IFLA_IFNAME, place.nic).put_u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    Device device;
    const auto asked =
        kernel.netlink->ask(NETLINK_ROUTE, question, [&](const nlmsghdr& message) { device = parse_device(message); });
    if (!asked && asked.error().kind != Error::Kind::Absent) return std::unexpected(asked.error());
    if (device.index == 0) return refuse(place, "there is no such interface here", Error::Kind::Absent);
    return device;
}

Result<std::vector<Found>> qdiscs_of(kernel::Kernel& kernel, const Device& device)
{
    kernel::Request question(RTM_GETQDISC, NLM_F_DUMP);
    question.header(tcmsg{});
    std::vector<Found> found;
    TRY_VOID(kernel.netlink->ask_whole(
        NETLINK_ROUTE, question,
        [&](const nlmsghdr& message) {
            const auto head = kernel::fixed_part<tcmsg>(message);
            if (!head || head->tcm_ifindex != device.index) return;
            Found one{head->tcm_handle, head->tcm_parent, {}, {}};
            kernel::each_attribute(message, sizeof *head, [&](std::uint16_t type, Payload payload) {
                if (type == TCA_KIND) one.kind = kernel::as_text(payload);
                if (type == TCA_OPTIONS) one.options.assign(payload.begin(), payload.end());
            });
            found.push_back(std::move(one));
        },
        [&] { found.clear(); }));
    return found;
}

const Found* child_of(const std::vector<Found>& qdiscs, std::uint32_t parent)
{
    const auto found = std::ranges::find(qdiscs, parent, &Found::parent);
    return found == qdiscs.end() ? nullptr : &*found;
}

bool is_root(const QdiscPlace& place) { return place.place == "root"; }

// "tx-3" is the fourth class of the mq at the root.
std::uint32_t class_of(const QdiscPlace& place, const Found& root)
{
    const auto queue = parse_unsigned(std::string_view(place.place).substr(3)).value_or(0);
    return TC_H_MAJ(root.handle) | static_cast<std::uint32_t>(queue + 1);
}

Result<const Found*> find_place(const QdiscPlace& place, const std::vector<Found>& qdiscs)
{
    const Found* root = child_of(qdiscs, TC_H_ROOT);
    if (is_root(place)) return root;
    if (!root || root->kind != "mq")
        return refuse(
            place,
            fmt::format("the root qdisc is {}: only mq has one for each queue", root ? root->kind : "the driver's own"),
            Error::Kind::Absent);
    const Found* queue = child_of(qdiscs, class_of(place, *root));
    if (!queue) return refuse(place, "there is no such queue", Error::Kind::Absent);
    return queue;
}

QdiscSpec spec_of(const Found& present)
{
    const QdiscKind* kind = find_qdisc_kind(present.kind);
    return kind ? parse_qdisc_options(*kind, present.options) : QdiscSpec{};
}

std::string text_of(const Found& present, const QueueingLink& link)
{
    const QdiscSpec spec = spec_of(present);
    if (!spec.kind) return present.kind;
    return spec.foreign.empty() ? to_text(spec, link) : fmt::format("{} with {}", to_text(spec, link), spec.foreign);
}

// ---- what could be lost ----

// How many answers a dump of classes or filters below `parent` gives.
Result<std::size_t> count_below(kernel::Kernel& kernel, std::uint16_t question_type, const Device& device,
                                std::uint32_t parent)
{
    kernel::Request question(question_type, NLM_F_DUMP);
    tcmsg head{};
    head.tcm_ifindex = device.index;
    head.tcm_parent = parent;
    question.header(head);
    std::size_t count = 0;
    TRY_VOID(kernel.netlink->ask_whole(NETLINK_ROUTE, question, [&](const nlmsghdr&) { ++count; }, [&] { count = 0; }));
    return count;
}

std::unexpected<Error> would_lose(const QdiscPlace& place, std::string_view what)
{
    return refuse(
        place,
        fmt::format("it holds {}, which netwright could not put back: it is left alone (tc qdisc show dev {})", what,
                    place.nic),
        Error::Kind::Unsupported);
}

Result<void> refuse_loss(kernel::Kernel& kernel, const QdiscPlace& place, const Device& device, const Found& present)
{
    if (present.handle == 0) return {};
    const QdiscSpec spec = spec_of(present);
    if (!spec.kind) return would_lose(place, fmt::format("the qdisc {}", present.kind));
    if (!spec.foreign.empty()) return would_lose(place, fmt::format("{} with {}", present.kind, spec.foreign));
    if (present.kind == "htb")
        if (const auto classes = TRY(count_below(kernel, RTM_GETTCLASS, device, present.handle)); classes != 0)
            return would_lose(place, fmt::format("a tree of {} htb classes", classes));
    // Filters; a kind that takes none says so with an error.
    const auto filters = count_below(kernel, RTM_GETTFILTER, device, present.handle);
    if (filters && *filters != 0) return would_lose(place, fmt::format("{} filters", *filters));
    return {};
}

// Below an mq stand its queues; below anything else somebody has put them by hand.
Result<void> refuse_loss_below(kernel::Kernel& kernel, const QdiscPlace& place, const Device& device,
                               const std::vector<Found>& qdiscs, const Found& root)
{
    for (const Found& one : qdiscs) {
        const bool below = root.handle != 0 && one.handle != 0 && TC_H_MAJ(one.parent) == TC_H_MAJ(root.handle);
        if (!below) continue;
        if (root.kind != "mq") return would_lose(place, fmt::format("a {} below its {}", one.kind, root.kind));
        TRY_VOID(refuse_loss(kernel, place, device, one));
    }
    return {};
}

// ---- writing ----

kernel::Request request_for(const QdiscSpec& spec, int index, std::uint32_t parent, const QueueingLink& link)
{
    kernel::Request request(RTM_NEWQDISC, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE | NLM_F_EXCL);
    tcmsg head{};
    head.tcm_ifindex = index;
    head.tcm_parent = parent;
    request.header(head).put_text(TCA_KIND, spec.kind->name);
    put_qdisc_options(request, spec, link);
    return request;
}

std::string module_hint(std::string_view kind)
{
    return fmt::format("this kernel has no qdisc {0} (module sch_{0})", kind);
}

// The kernel itself says whether it has the qdisc and takes these options: on lo of a namespace that is gone at once.
Result<void> try_out(const QdiscPlace& place, const QdiscSpec& spec, const QueueingLink& link)
{
    const auto tried = kernel::in_scratch_namespace([&](kernel::Netlink& netlink) {
        kernel::Request request = request_for(spec, 1, TC_H_ROOT, link);
        return netlink.ask(NETLINK_ROUTE, request, [](const nlmsghdr&) {});
    });
    if (tried || tried.error().kind == Error::Kind::Refused) return {}; // without the rights the write will tell
    if (tried.error().kind == Error::Kind::Absent)
        return refuse(place, module_hint(spec.kind->name), Error::Kind::Unsupported);
    return refuse(place, fmt::format("{}: {}", to_text(spec, link), tried.error().what));
}

Result<QdiscSpec> wanted(const QdiscPlace& place, const Value& value)
{
    auto spec = parse_qdisc(to_text(value));
    if (!spec) return refuse(place, spec.error().what);
    if (!spec->kind && !is_root(place))
        return refuse(place, "a queue has no default of its own: name a qdisc, or clear the root's");
    return spec;
}

Result<void> erase(kernel::Kernel& kernel, const QdiscPlace& place, const Device& device)
{
    kernel::Request request(RTM_DELQDISC, 0);
    tcmsg head{};
    head.tcm_ifindex = device.index;
    head.tcm_parent = TC_H_ROOT;
    request.header(head);
    auto done = kernel.netlink->ask(NETLINK_ROUTE, request, [](const nlmsghdr&) {});
    if (!done && done.error().kind != Error::Kind::Absent) return refuse(place, done.error().what, done.error().kind);
    return {};
}

Result<void> refuse_captured(kernel::Kernel& kernel, const QdiscPlace& place)
{
    if (kernel.files.is_live()) return {};
    return refuse(place, "a captured tree answers no netlink", Error::Kind::Unsupported);
}

std::optional<Value> shown(const Found& present, const Device& device) { return Value{text_of(present, device.link)}; }

struct QdiscFunctions : KindDefaults<QdiscPlace> {
    static Present read(kernel::Kernel& kernel, const QdiscPlace& place)
    {
        TRY_VOID(refuse_captured(kernel, place));
        const Device device = TRY(find_device(kernel, place));
        const auto qdiscs = TRY(qdiscs_of(kernel, device));
        const Found* present = TRY(find_place(place, qdiscs));
        if (!present || (is_root(place) && present->handle == 0)) return std::optional<Value>{};
        return std::optional<Value>(text_of(*present, device.link));
    }

    static Result<void> check(kernel::Kernel& kernel, const QdiscPlace& place, const Value& value)
    {
        TRY_VOID(refuse_captured(kernel, place));
        const QdiscSpec spec = TRY(wanted(place, value));
        const Device device = TRY(find_device(kernel, place));
        const auto qdiscs = TRY(qdiscs_of(kernel, device));
        if (spec.kind && spec.kind->name == "mq" && (!is_root(place) || device.queues < 2))
            return refuse(place,
                          "mq stands at the root of an interface with several transmit queues, which this is not");
        if (const auto present = find_place(place, qdiscs); present && *present) {
            TRY_VOID(refuse_loss(kernel, place, device, **present));
            if (is_root(place)) TRY_VOID(refuse_loss_below(kernel, place, device, qdiscs, **present));
        }
        if (!spec.kind || spec.kind->name == "mq") return {};
        return try_out(place, spec, device.link);
    }

    static Result<void> write(kernel::Kernel& kernel, const QdiscPlace& place, const Value& value)
    {
        const QdiscSpec spec = TRY(wanted(place, value));
        const Device device = TRY(find_device(kernel, place));
        const auto qdiscs = TRY(qdiscs_of(kernel, device));
        const Found* present = TRY(find_place(place, qdiscs));
        if (!spec.kind) return present && present->handle != 0 ? erase(kernel, place, device) : Result<void>{};
        std::uint32_t parent = TC_H_ROOT;
        if (!is_root(place)) {
            const Found* root = child_of(qdiscs, TC_H_ROOT);
            if (root->handle == 0)
                return refuse(place,
                              fmt::format("set qdisc/{}/root to mq first: the kernel's own has no number to name its "
                                          "queues by",
                                          place.nic));
            parent = class_of(place, *root);
        }
        kernel::Request request = request_for(spec, device.index, parent, device.link);
        auto done = kernel.netlink->ask(NETLINK_ROUTE, request, [](const nlmsghdr&) {});
        if (done) return {};
        if (done.error().kind == Error::Kind::Absent)
            return refuse(place, module_hint(spec.kind->name), Error::Kind::Unsupported);
        return refuse(place, fmt::format("{}: {}", to_text(value), done.error().what), done.error().kind);
    }

    // Options whose default is the link's count as equal when one side leaves them out: which link is not known here.
    static bool same(const QdiscPlace&, const Value& a, const Value& b)
    {
        const auto left = parse_qdisc(to_text(a)), right = parse_qdisc(to_text(b));
        if (!left || !right || !left->kind || !right->kind) return false;
        const auto by_link = [](const QdiscSpec& spec, const QdiscSpec& other) {
            QdiscSpec cut = spec;
            std::erase_if(cut.settings, [&](const auto& one) {
                using Default = QdiscOption::Default;
                const bool links = one.option->when_missing == Default::Frames ||
                                   one.option->when_missing == Default::QueueLength ||
                                   one.option->when_missing == Default::QueueBytes;
                return links && std::ranges::find(other.settings, one.option, &QdiscSpec::Setting::option) ==
                                    other.settings.end();
            });
            return cut;
        };
        return tunable::same(by_link(*left, *right), by_link(*right, *left), QueueingLink{});
    }

    // A new root takes the queues' own qdiscs away.
    static std::vector<Tunable> also_changed_by(kernel::Kernel& kernel, const QdiscPlace& place)
    {
        std::vector<Tunable> found;
        if (!is_root(place)) return found;
        const auto device = find_device(kernel, place);
        if (!device || device->queues < 2) return found;
        for (std::uint32_t queue = 0; queue < device->queues; ++queue)
            found.emplace_back(QdiscPlace{place.nic, fmt::format("tx-{}", queue)});
        return found;
    }

    static Result<std::vector<Reading>> list(kernel::Kernel& kernel)
    {
        if (!kernel.files.is_live()) return fail(Error::Kind::Unsupported, "a captured tree answers no netlink");
        std::vector<Reading> found;
        for (const std::string& name : TRY(kernel.files.list("sys/class/net"))) {
            const auto device = find_device(kernel, {name, "root"});
            if (!device) continue; // bonding_masters, or gone
            const auto qdiscs = TRY(qdiscs_of(kernel, *device));
            const Found* root = child_of(qdiscs, TC_H_ROOT);
            found.push_back(
                {QdiscPlace{name, "root"}, root && root->handle != 0 ? shown(*root, *device) : std::nullopt});
            for (std::uint32_t queue = 0; device->queues > 1 && queue < device->queues; ++queue) {
                const QdiscPlace place{name, fmt::format("tx-{}", queue)};
                if (const auto present = find_place(place, qdiscs)) found.push_back({place, shown(**present, *device)});
            }
        }
        return found;
    }

    static std::string undo_command(const QdiscPlace& place, const std::optional<Value>& from)
    {
        const std::string nic = shell_word(place.nic);
        if (is_root(place))
            return from && !to_text(*from).empty() ? fmt::format("tc qdisc replace dev {} root {}", nic, to_text(*from))
                                                   : fmt::format("tc qdisc del dev {} root", nic);
        const auto queue = parse_unsigned(std::string_view(place.place).substr(3)).value_or(0);
        return fmt::format("tc qdisc replace dev {0} parent \"$(tc qdisc show dev {0} root | cut -d' ' -f3){1:x}\" {2}",
                           nic, queue + 1, from ? to_text(*from) : "pfifo_fast");
    }
};

} // namespace

constexpr Kind qdisc_kind = kind_of<QdiscFunctions>("qdisc", "rtnetlink RTM_GETQDISC, RTM_NEWQDISC, RTM_DELQDISC");

} // namespace netwright::tunable
