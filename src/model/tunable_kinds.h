// SPDX-License-Identifier: GPL-2.0-or-later
// The text forms of the kinds of tunables, one object a kind, each made in its own file (tunable_<kind>.cpp).
// tunable.cpp lists them; they are also what error messages and documentation are made from.
#pragma once

#include "model/tunable.h"

#include <algorithm>
#include <span>

namespace netwright {

// An address cut at its slashes, and the whole of it for complaints.
struct AddressText {
    std::string_view whole;
    std::vector<std::string_view> parts;
};

struct AddressKind {
    std::string_view name;    // "sysctl", "nic/ring": the prefix, and the group where a prefix has several
    std::string_view form;    // "queue/INTERFACE/rx-N/rps_cpus"
    std::string_view help;    // one line: what it sets, and the values it takes
    std::string_view example; // an address of this kind
    Result<Tunable> (*parse)(const AddressText& text);
    std::size_t alternative; // in Tunable
    std::string (*text)(const Tunable& tunable);
    Result<Value> (*value)(const Tunable& tunable, std::string_view text);
    Persistence (*persistence)(const Tunable& tunable);

    std::string_view prefix() const { return name.substr(0, name.find('/')); }
    std::string_view group() const { return name.substr(std::min(name.size(), prefix().size() + 1)); }
    bool is(const Tunable& tunable) const; // of this kind?
};

template <class Address, class... All>
consteval std::size_t place_in(const std::variant<All...>*)
{
    std::size_t place = 0;
    bool found = false;
    ((found = found || std::is_same_v<Address, All>, place += found ? 0 : 1), ...);
    return place;
}

// The same with the typed functions of one kind of address.
template <class Address>
struct TypedAddressKind {
    template <auto parse, auto text, auto value, auto persistence>
    static constexpr AddressKind of(std::string_view name, std::string_view form, std::string_view help,
                                    std::string_view example)
    {
        return {.name = name,
                .form = form,
                .help = help,
                .example = example,
                .parse = [](const AddressText& address) -> Result<Tunable> { return parse(address); },
                .alternative = place_in<Address>(static_cast<const Tunable*>(nullptr)),
                .text = [](const Tunable& tunable) { return text(std::get<Address>(tunable)); },
                .value = [](const Tunable& tunable,
                            std::string_view words) { return value(std::get<Address>(tunable), words); },
                .persistence = [](const Tunable& tunable) { return persistence(std::get<Address>(tunable)); }};
    }
};

// Every kind, in the order of the documentation; those of one prefix stand together.
std::span<const AddressKind* const> address_kinds();
const AddressKind& address_kind(const Tunable& tunable);

// One line a kind, each defined in its own file.
extern const AddressKind sysctl_address;
extern const AddressKind link_address;
extern const AddressKind queue_address;
extern const AddressKind qdisc_address;
extern const AddressKind route_address;
extern const AddressKind rule_address;
extern const AddressKind table_address;
extern const AddressKind notrack_address;
extern const AddressKind mptcp_address;
extern const AddressKind congestion_address;
extern const AddressKind irq_address;
extern const AddressKind cpu_address;
extern const AddressKind service_address;
extern const AddressKind xdp_address;
extern const AddressKind tc_address;
std::vector<const AddressKind*> nic_addresses(); // one a group

// ---- what the kinds' files share ----

std::unexpected<Error> refuse_address(std::string_view whole, std::string_view why);
bool plain_characters(std::string_view text); // no blanks, no control characters
// dev_valid_name() in net/core/dev.c: 1 to 15 bytes, no slash, colon or blank, neither "." nor "..".
bool valid_interface(std::string_view name);
Result<Value> count_value(std::string_view whole, std::string_view text);  // a number of at least 0
Result<Value> switch_value(std::string_view whole, std::string_view text); // "on" or "off"; 1 and 0 are taken for them
Result<Value> cpu_list_value(std::string_view text); // "0-1", "3", "list:0-1", "mask:3": bare text is a list
Result<Value> cpu_value(std::string_view text);      // "list:0-1", "mask:3", "0-1"; "3" is a mask

} // namespace netwright
