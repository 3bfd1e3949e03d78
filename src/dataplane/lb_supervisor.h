// SPDX-License-Identifier: GPL-2.0-or-later
// A balancer that looks after its backends: checks them, gives those that fail no connections, and those that come back
// their share by and by. What it installs is pinned: when it ends or is killed, packets go on as they did last, and the
// next one takes over.
#pragma once

#include "dataplane/lb_page.h"
#include "dataplane/lb_prober.h"
#include "dataplane/lb_status.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace netwright::dataplane {

class LbSupervisor {
public:
    using Read = std::function<Result<LbConfig>()>; // the configuration as it is written now
    using Tell = std::function<void(const std::string&)>;
    // `directory` is pin_directory("lb"). The caller has blocked SIGHUP, SIGTERM and SIGINT.
    LbSupervisor(std::filesystem::path directory, std::string name, Read read, Tell tell);
    ~LbSupervisor();
    LbSupervisor(const LbSupervisor&) = delete;
    LbSupervisor& operator=(const LbSupervisor&) = delete;
    // Until SIGTERM or SIGINT; SIGHUP reads the configuration again. Fails where it cannot begin; Busy: another one
    // runs here.
    Result<void> run();

private:
    struct Target {
        LbCheck check;
        Nanoseconds due{};
        bool asked = false;
    };
    // What the status page's thread reads.
    struct Published {
        LbConfig config;
        LbHealths healths;
        std::string trouble;
    };

    Result<void> begin();
    Result<void> take(LbConfig config);
    Result<void> serve();
    std::optional<LbPage> page(std::string_view path) const;
    LbStatus status() const;
    void publish();
    void ask_due(Nanoseconds now);
    void take_looks(Nanoseconds now);
    bool all_known() const;
    Result<void> install(Nanoseconds now);
    Result<void> announce_healthy(Nanoseconds now);
    void settle(Nanoseconds now);
    Nanoseconds next(Nanoseconds now) const;
    bool handle_signal(); // false: it is over
    void reload();
    void answer_status() const;

    std::filesystem::path directory_;
    std::string name_;
    Read read_;
    Tell tell_;
    Fd lock_, signals_, listener_;
    LbConfig config_;
    LbHealths healths_;
    std::map<LbProber::Who, Target> targets_;
    std::optional<LbConfig> installed_; // as with_health made it
    std::string announced_;             // BIRD's configuration, which stands for what FRR was told as well
    std::vector<Prefix> told_;          // the addresses in it
    std::string trouble_;
    Nanoseconds wait_until_{}, retry_{}; // for first looks; after a failure
    Nanoseconds tell_again_ = Nanoseconds::max();
    std::unique_ptr<LbProber> prober_;
    mutable std::mutex mutex_;
    Published published_;
    std::unique_ptr<LbPageServer> server_; // last: its thread reads what stands above
};

// What the supervisor that runs here says of itself. Absent: none runs.
Result<LbStatus> ask_supervisor(const std::filesystem::path& directory);

} // namespace netwright::dataplane
