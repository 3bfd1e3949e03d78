// SPDX-License-Identifier: GPL-2.0-or-later
// A load balancer without any interface, for tests that send it frames.
#pragma once

#include "dataplane/lb_program.h"

#include <doctest/doctest.h>

#include <ctime>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace netwright::test {

using namespace dataplane;

using Frame = std::vector<std::uint8_t>;

inline LbConfig config_of(std::string_view text)
{
    auto config = parse_lb_config(text, "lb.yaml");
    REQUIRE_MESSAGE(config, config.error().what);
    return *std::move(config);
}

inline std::uint64_t monotonic()
{
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

// A balancer that goes from one configuration to the next.
class Desk {
public:
    explicit Desk(std::uint32_t connections = 1U << 17) { take(LbProgram::load(modes_, connections)); }
    void configure(const LbConfig& config)
    {
        if (const std::uint32_t wanted = modes_ | modes_of(config); wanted != modes_)
            take(program_->with_modes(modes_ = wanted));
        auto image = make_lb_image(config, image_ ? &*image_ : nullptr, monotonic());
        REQUIRE_MESSAGE(image, image.error().what);
        const auto configured = program_->configure(*image);
        REQUIRE_MESSAGE(configured, configured.error().what);
        image_ = *std::move(image);
    }
    Handled run(const Frame& frame) const
    {
        auto balanced = program_->run(frame);
        REQUIRE_MESSAGE(balanced, balanced.error().what);
        return *std::move(balanced);
    }
    lb_count counted(unsigned counter) const
    {
        const auto count = program_->read_count(counter);
        REQUIRE(count);
        return *count;
    }
    // The last byte of the backend's IPv4 address: whom a connection got.
    unsigned backend(const Frame& frame) const
    {
        const Handled balanced = run(frame);
        return balanced.action == XDP_TX ? balanced.frame.at(33) : 0;
    }
    const LbImage& image() const { return *image_; }
    LbProgram& program() { return *program_; }

private:
    void take(Result<LbProgram> loaded)
    {
        REQUIRE_MESSAGE(loaded, loaded.error().what);
        program_ = std::make_unique<LbProgram>(*std::move(loaded));
    }
    std::uint32_t modes_ = 0;
    std::unique_ptr<LbProgram> program_;
    std::optional<LbImage> image_;
};

// To 192.0.2.1, port 80 unless told otherwise.
inline Frame tcp(unsigned client, unsigned flags, unsigned port = 80)
{
    Frame frame{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0x12, 0, 40, 0, 0, 0x40, 0, 63, 6, 0, 0};
    for (const unsigned byte :
         {198U, 51U, 100U, 7U, 192U, 0U, 2U, 1U, client >> 8, client & 255, port >> 8, port & 255})
        frame.push_back(static_cast<std::uint8_t>(byte));
    frame.resize(54);
    frame[46] = 0x50;
    frame[47] = static_cast<std::uint8_t>(flags);
    return frame;
}
constexpr unsigned syn = 2, ack = 16;

inline std::string pool_of(std::initializer_list<std::pair<int, int>> backends)
{
    std::string text;
    for (const auto& [host, weight] : backends)
        text += (text.empty() ? "" : ", ") + std::string("{address: 10.0.0.") + std::to_string(host) +
                ", weight: " + std::to_string(weight) + "}";
    return "{source: 10.9.0.1, pools: {web: {backends: [" + text +
           "]}}, vips: [{address: 192.0.2.1, port: 80, protocol: tcp, pool: web}]}";
}

} // namespace netwright::test
