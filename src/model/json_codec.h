// SPDX-License-Identifier: GPL-2.0-or-later
// Values to JSON and back, following the rows of describe.h. Include it from .cpp files only: it brings
// nlohmann/json.hpp.
#pragma once

#include "model/describe.h"
#include "model/histogram.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <ctime>
#include <optional>
#include <type_traits>

namespace netwright::json {

using Out = nlohmann::ordered_json; // keeps the order of the rows
using In = nlohmann::json;

// A reading that could not be made: {"unseen": {"kind": "refused", "why": "…", "errno": 13}}.
inline constexpr const char* unseen_key = "unseen";

template <class T>
Out write(const T& value);

template <class T>
Result<void> read(const In& in, T& out);

inline std::unexpected<Error> wrong(std::string_view expected)
{
    return fail(Error::Kind::Malformed, fmt::format(": {} is expected", expected));
}

// Errors grow their JSON pointer on the way up.
inline std::unexpected<Error> beneath(std::string_view name, Error error)
{
    error.what = fmt::format("/{}{}", name, error.what);
    return std::unexpected(std::move(error));
}

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_result = false;
template <class T>
inline constexpr bool is_result<std::expected<T, Error>> = true;
template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;
template <class T>
inline constexpr bool is_duration = false;
template <class R, class P>
inline constexpr bool is_duration<std::chrono::duration<R, P>> = true;

// Distributions of either kind travel as their parts.
template <class T>
inline constexpr bool has_parts = std::is_same_v<T, Distribution> || std::is_same_v<T, Histogram>;

inline Out write_error(const Error& error)
{
    Out detail{{"kind", to_text(error.kind)}, {"why", error.what}};
    if (error.code != 0) detail["errno"] = error.code;
    return Out{{unseen_key, std::move(detail)}};
}

template <class T>
Out write_fields(const T& value)
{
    Out object = Out::object();
    const auto one = [&](const auto& field) {
        const auto& member = value.*field.member;
        if constexpr (is_optional<std::remove_cvref_t<decltype(member)>>) {
            if (member) object.push_back({std::string(field.name), write(*member)});
        } else {
            object.push_back({std::string(field.name), write(member)});
        }
    };
    std::apply([&](const auto&... field) { (one(field), ...); }, describe::Rows<T>::fields);
    return object;
}

template <class T>
Out write(const T& value)
{
    if constexpr (std::is_same_v<T, Counter>) {
        return Out::array({value.total, value.growth});
    } else if constexpr (std::is_same_v<T, NamedCounter>) {
        return Out::array({value.name, value.counter.total, value.counter.growth});
    } else if constexpr (std::is_same_v<T, CounterTable> || std::is_same_v<T, SysctlTable>) {
        return write(value.all());
    } else if constexpr (std::is_same_v<T, CpuSet>) {
        return value.list();
    } else if constexpr (std::is_same_v<T, KernelVersion>) {
        return to_text(value);
    } else if constexpr (std::is_same_v<T, Bytes>) {
        return value.count;
    } else if constexpr (has_parts<T>) {
        return write(value.parts());
    } else if constexpr (std::is_same_v<T, std::chrono::sys_seconds>) {
        return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(value)));
    } else if constexpr (is_duration<T>) {
        return value.count();
    } else if constexpr (is_result<T>) {
        return value ? write(*value) : write_error(value.error());
    } else if constexpr (is_vector<T>) {
        Out array = Out::array();
        for (const auto& element : value)
            array.push_back(write(element));
        return array;
    } else if constexpr (describe::Described<T>) {
        return write_fields(value);
    } else {
        return value; // numbers, bool, text, arrays of numbers
    }
}

inline Result<Error> read_error(const In& in)
{
    if (!in.is_object() || !in.contains("kind") || !in["kind"].is_string()) return wrong("an object with a kind");
    Error error{TRY(parse_error_kind(in["kind"].get_ref<const std::string&>())), "", 0};
    if (in.contains("why") && in["why"].is_string()) error.what = in["why"].get<std::string>();
    if (in.contains("errno") && in["errno"].is_number_integer()) error.code = in["errno"].get<int>();
    return error;
}

template <class Number>
Result<void> read_number(const In& in, Number& out)
{
    if constexpr (std::is_floating_point_v<Number>) {
        if (!in.is_number()) return wrong("a number");
        out = in.get<Number>();
    } else if (in.is_number_unsigned()) {
        const auto value = in.get<std::uint64_t>();
        if (!std::in_range<Number>(value)) return wrong("a smaller number");
        out = static_cast<Number>(value);
    } else if (in.is_number_integer()) {
        const auto value = in.get<std::int64_t>();
        if (!std::in_range<Number>(value)) return wrong("a number of at least 0");
        out = static_cast<Number>(value);
    } else {
        return wrong("a whole number");
    }
    return {};
}

inline Result<void> read_text(const In& in, std::string& out)
{
    if (!in.is_string()) return wrong("text");
    out = in.get_ref<const std::string&>();
    return {};
}

template <class T>
Result<void> read_fields(const In& in, T& out)
{
    if (!in.is_object()) return wrong("an object");
    Result<void> result;
    const auto one = [&](const auto& field) {
        if (!result) return;
        auto& member = out.*field.member;
        using Member = std::remove_cvref_t<decltype(member)>;
        const auto found = in.find(field.name);
        if (found == in.end()) {
            if constexpr (is_optional<Member>)
                member.reset();
            else if constexpr (is_result<Member>)
                member = fail(Error::Kind::Absent, "not in this file"); // written by an older netwright
            else
                result = beneath(field.name, Error{Error::Kind::Malformed, ": is missing", 0});
            return;
        }
        if (auto read_one = read(*found, member); !read_one) result = beneath(field.name, std::move(read_one).error());
    };
    std::apply([&](const auto&... field) { (one(field), ...); }, describe::Rows<T>::fields);
    return result;
}

template <class T>
Result<void> read_array(const In& in, std::vector<T>& out)
{
    if (!in.is_array()) return wrong("an array");
    out.clear();
    out.reserve(in.size());
    for (std::size_t i = 0; i < in.size(); ++i) {
        T element{};
        if (auto result = read(in[i], element); !result) return beneath(std::to_string(i), std::move(result).error());
        out.push_back(std::move(element));
    }
    return {};
}

inline Result<void> read_named_counter(const In& in, NamedCounter& out)
{
    if (!in.is_array() || in.size() != 3) return wrong("[name, total, growth]");
    TRY_VOID(read_text(in[0], out.name));
    TRY_VOID(read_number(in[1], out.counter.total));
    return read_number(in[2], out.counter.growth);
}

inline Result<void> read_time(const In& in, std::chrono::sys_seconds& out)
{
    std::string text;
    TRY_VOID(read_text(in, text));
    std::tm time{};
    const char* const end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &time);
    if (!end || *end != '\0') return wrong("a time such as 2026-11-21T09:00:00Z");
    out = std::chrono::sys_seconds{std::chrono::seconds{::timegm(&time)}};
    return {};
}

template <class T>
Result<void> read(const In& in, T& out)
{
    if constexpr (std::is_same_v<T, Counter>) {
        if (!in.is_array() || in.size() != 2) return wrong("[total, growth]");
        TRY_VOID(read_number(in[0], out.total));
        return read_number(in[1], out.growth);
    } else if constexpr (std::is_same_v<T, NamedCounter>) {
        return read_named_counter(in, out);
    } else if constexpr (std::is_same_v<T, CounterTable>) {
        std::vector<NamedCounter> counters;
        TRY_VOID(read(in, counters));
        out = CounterTable(std::move(counters));
        return {};
    } else if constexpr (std::is_same_v<T, SysctlTable>) {
        std::vector<SysctlValue> values;
        TRY_VOID(read(in, values));
        out = SysctlTable(std::move(values));
        return {};
    } else if constexpr (std::is_same_v<T, CpuSet>) {
        std::string text;
        TRY_VOID(read_text(in, text));
        auto set = CpuSet::parse_list(text);
        if (!set) return wrong("a CPU list such as 0-3,8");
        out = *std::move(set);
        return {};
    } else if constexpr (std::is_same_v<T, KernelVersion>) {
        std::string text;
        TRY_VOID(read_text(in, text));
        const auto version = KernelVersion::parse(text);
        if (!version) return wrong("a kernel version");
        out = *version;
        return {};
    } else if constexpr (std::is_same_v<T, Bytes>) {
        return read_number(in, out.count);
    } else if constexpr (has_parts<T>) {
        typename T::Parts parts;
        TRY_VOID(read(in, parts));
        auto whole = T::from(parts);
        if (!whole) return fail(Error::Kind::Malformed, ": " + whole.error().what);
        out = *std::move(whole);
        return {};
    } else if constexpr (std::is_same_v<T, std::array<std::uint64_t, 2>>) {
        if (!in.is_array() || in.size() != 2) return wrong("[bucket, count]");
        TRY_VOID(read_number(in[0], out[0]));
        return read_number(in[1], out[1]);
    } else if constexpr (std::is_same_v<T, std::chrono::sys_seconds>) {
        return read_time(in, out);
    } else if constexpr (is_duration<T>) {
        typename T::rep count{};
        TRY_VOID(read_number(in, count));
        out = T{count};
        return {};
    } else if constexpr (is_optional<T>) {
        typename T::value_type value{};
        TRY_VOID(read(in, value));
        out = std::move(value);
        return {};
    } else if constexpr (is_result<T>) {
        if (in.is_object() && in.size() == 1 && in.contains(unseen_key)) {
            out = std::unexpected(TRY(read_error(in[unseen_key])));
            return {};
        }
        typename T::value_type value{};
        TRY_VOID(read(in, value));
        out = std::move(value);
        return {};
    } else if constexpr (is_vector<T>) {
        return read_array(in, out);
    } else if constexpr (describe::Described<T>) {
        return read_fields(in, out);
    } else if constexpr (std::is_same_v<T, std::string>) {
        return read_text(in, out);
    } else if constexpr (std::is_same_v<T, bool>) {
        if (!in.is_boolean()) return wrong("true or false");
        out = in.get<bool>();
        return {};
    } else {
        return read_number(in, out);
    }
}

} // namespace netwright::json
