#include <sys/prctl.h>

#include <list>
#include <optional>
#include <thread>

#include "io/signals.h"
#include "load/driver.h"
#include "load/load.h"
#include "load/wakes.h"

namespace load {
namespace {

constexpr base::Duration kTick = std::chrono::milliseconds(500);
constexpr base::Duration kPatience = std::chrono::seconds(10);     // For the last answers.
constexpr base::Duration kInterruptMax = std::chrono::seconds(1);  // The same, once interrupted.
constexpr base::Duration kConnectMax = std::chrono::seconds(60);   // For all connections.
constexpr base::Duration kHead = std::chrono::milliseconds(2);     // For the threads to be told.

// One connection that prepares the server before all others come.
class Preparation final : private Connection::Told {
 public:
  Preparation(io::Loop& loop, const Options& options, std::function<void(base::Status)> done)
      : done_(std::move(done)), connection_(loop.poll(), *this, {options.to, options.work, 0}) {
    connection_.open(true);
  }

 private:
  void on_ready(Connection&) override { done_({}); }
  void on_answer(Connection&, const Open&, const Answer&) override {}
  void on_answers(Connection&) override {}
  void on_lost(Connection& from, const std::string& why) override {
    (void)from;
    done_(base::Error{base::Code::kIo, why, {}});
  }

  std::function<void(base::Status)> done_;
  Connection connection_;
};

// A driver and its thread.
struct Hand {
  explicit Hand(Driver::Terms terms) : driver(std::move(terms)) {}
  ~Hand() {
    driver.loop().stop();
    if (thread.joinable()) thread.join();
  }
  void begin() {
    thread = std::thread([this] {
      ::prctl(PR_SET_TIMERSLACK, 1UL);  // Wakes up when it said.
      driver.loop().run();
    });
  }
  Driver driver;
  std::thread thread;
};

class Run {
 public:
  Run(const Options& options, const std::function<void(const Live&)>& on_tick)
      : options_(options),
        on_tick_(on_tick),
        claims_(options.count,
                options.work.shape == Shape::kTake || options.work.shape == Shape::kDrain) {}

  base::Result<Outcome> run() {
    if (!options_.record.empty()) {
      auto made = Recorder::make(options_.record);
      if (!made) return made.error();
      recorder_ = *std::move(made);
      recorder_->add(Lines::head(options_.work, options_.law ? &*options_.law : nullptr));
    }
    if (const auto use = use_of(options_.servers); !use) return use.error();
    const io::Signals signals(
        loop_, [this] { interrupt(); }, [] {});
    loop_.after(kConnectMax, [this] {
      if (!started_) end(timed_out());
    });
    preparation_.emplace(loop_, options_, [this](base::Status done) { prepared(std::move(done)); });
    loop_.run();
    hands_.clear();
    if (!status_) return status_.error();
    if (recorder_) {
      if (const base::Status closed = recorder_->close(); !closed) return closed.error();
    }
    return std::move(outcome_);
  }

 private:
  base::Status timed_out() const {
    return base::Error{
        base::Code::kIo, options_.to.text() + ": connections are not made in time", {}};
  }

  void prepared(base::Status done) {
    if (!done) {
      const std::string text = options_.to.text() + ": " + done.error().what;
      return end(base::Error{done.error().code, text, {}});
    }
    loop_.post([this] {
      preparation_.reset();
      open_all();
    });
  }

  void open_all() {
    for (unsigned i = 0; i < options_.threads; ++i) {
      Hand& hand = hands_.emplace_back(
          Driver::Terms{.options = options_,
                        .thread = i,
                        .claims = claims_,
                        .recorder = recorder_.get(),
                        .on_opened = [this] { loop_.post([this] { opened(); }); },
                        .on_done = [this](base::Status s) { loop_.post([this, s] { done(s); }); }});
      hand.driver.loop().post([&hand] { hand.driver.open(); });
      hand.begin();
    }
  }

  void opened() {
    if (++opened_ < options_.threads) return;
    started_ = true;
    const base::Time begin = steady_now() + kHead;
    phases_ = {begin, begin + options_.warm_up, begin + options_.warm_up + options_.span};
    if (options_.warm_up > base::Duration::zero()) {
      loop_.after(phases_.measured - steady_now(), [this] { measure(); });
    } else {
      measure();
    }
    for (Hand& hand : hands_)
      hand.driver.loop().post([this, &hand] { hand.driver.start(phases_); });
    const auto wait = std::chrono::milliseconds(options_.work.wait_ms);
    loop_.after(phases_.end - steady_now() + wait + kPatience, [this] { stop_all(); });
    loop_.every(kTick, [this] { tick(); });
  }

  // The warm-up is over.
  void measure() {
    if (auto use = use_of(options_.servers)) before_ = *use;
    own_before_ = own_cpu_s();
    measured_ = true;
  }

  void tick() {
    Live live{.since = steady_now() - phases_.begin, .measured = measured_};
    for (const Hand& hand : hands_) {
      live.answers += hand.driver.answers();
      live.errors += hand.driver.errors();
    }
    on_tick_(live);
  }

  void interrupt() {
    outcome_.interrupted = true;
    if (!started_) return end(base::Error{base::Code::kShutdown, "interrupted", {}});
    for (Hand& hand : hands_) hand.driver.loop().post([&hand] { hand.driver.wind_up(); });
    loop_.after(kInterruptMax, [this] { stop_all(); });
  }

  void stop_all() {
    for (Hand& hand : hands_) hand.driver.loop().post([&hand] { hand.driver.stop(); });
  }

  void done(const base::Status& status) {
    if (!status) return end(status);
    if (++done_ < options_.threads) return;
    const double own = own_cpu_s();
    const auto use = use_of(options_.servers);
    for (const Hand& hand : hands_) outcome_.tally.merge(hand.driver.tally());
    const base::Time last = std::max(outcome_.tally.last, phases_.measured);
    outcome_.seconds = static_cast<double>((last - phases_.measured).count()) / 1e9;
    outcome_.client_cpu_s = measured_ ? own - own_before_ : 0;
    if (!options_.servers.empty() && use) outcome_.server = between(before_, *use);
    if (options_.law) {
      outcome_.precision = judge(*options_.law, outcome_.tally.let_pass);
      record_wakes();
    }
    end({});
  }

  // Only where all that the law was charged with is known.
  void record_wakes() {
    Tally& tally = outcome_.tally;
    const bool known =
        tally.lost == 0 && tally.unanswered == 0 && tally.let_pass.size() < Tally::kAdmittedMax;
    if (!recorder_ || options_.work.shape == Shape::kMix || options_.work.wait_ms == 0 || !known)
      return;
    recorder_->add(
        wake_lines(options_.work, *options_.law, tally.let_pass, std::move(tally.in_vain)));
  }

  void end(const base::Status& status) {
    if (!status && status_) status_ = status;
    loop_.stop();
  }

  const Options& options_;
  const std::function<void(const Live&)>& on_tick_;
  Claims claims_;
  std::unique_ptr<Recorder> recorder_;
  io::Loop loop_;
  std::optional<Preparation> preparation_;
  unsigned opened_ = 0, done_ = 0;
  bool started_ = false, measured_ = false;
  Phases phases_{};
  ProcessUse before_;
  double own_before_ = 0;
  base::Status status_;
  Outcome outcome_;
  std::list<Hand> hands_;  // Ends before what its threads call.
};

}  // namespace

base::Result<Outcome> run(const Options& options, const std::function<void(const Live&)>& on_tick) {
  return Run(options, on_tick).run();
}

}  // namespace load
