#include "config/limit_reader.h"

#include <algorithm>
#include <array>
#include <limits>

#include "limit/rate.h"

namespace config {
namespace {

using limiter::LimitSpec;
using yaml::Node;

constexpr int64_t kUnitsMax = std::numeric_limits<int64_t>::max();
constexpr base::Duration kHoldTtl =
    std::chrono::hours(12);  // Without `ttl`: the bound of an ACQUIRE.

enum class Form : uint8_t { kBucket, kWindow, kCounter, kLog, kCalendar, kConcurrency };
struct Algorithm {
  std::string_view name;
  Form form;
};
constexpr std::array<Algorithm, 8> kAlgorithms{{{"gcra", Form::kBucket},
                                                {"token_bucket", Form::kBucket},
                                                {"leaky_bucket", Form::kBucket},
                                                {"fixed_window", Form::kWindow},
                                                {"sliding_window", Form::kLog},
                                                {"sliding_counter", Form::kCounter},
                                                {"calendar", Form::kCalendar},
                                                {"concurrency", Form::kConcurrency}}};

constexpr std::array<std::string_view, 16> kKeys{
    "name", "algorithm", "rate",      "burst",   "zone",   "concurrency", "ttl",   "counts",
    "mode", "overdraft", "when_gone", "durable", "shadow", "unlimited",   "quota", "replaces"};

// Reads one map. Members are what later steps need of earlier ones.
class LimitReader {
 public:
  LimitReader(const Node& node, LimitContext& context, Reading& reading)
      : node_(node), context_(context), reading_(reading) {}

  std::optional<LimitSpec> read() {
    reading_.keys(node_, kKeys);
    spec_.mark = reading_.mark(node_);
    spec_.name = reading_.text(node_, "name").value_or("");
    read_terms();
    const bool unlimited = reading_.truth(node_, "unlimited").value_or(false);
    if (unlimited) {
      forbid({"rate", "burst", "zone", "concurrency", "ttl", "algorithm"}, "unlimited");
    } else if (node_.find("concurrency") != nullptr) {
      read_concurrency();
    } else {
      read_rate();
    }
    if (!unlimited && !spec_.law) return std::nullopt;
    return spec_;
  }

 private:
  void fail(const Node& node, std::string_view what) { reading_.fail(node, what); }
  const Node& at(std::string_view key) const {  // For problems: the value, else the whole limit.
    const Node* found = node_.find(key);
    return found == nullptr ? node_ : *found;
  }
  void forbid(std::initializer_list<std::string_view> keys, const std::string& with) {
    for (const std::string_view key : keys) {
      if (const Node* found = node_.find(key)) {
        fail(*found, std::string(key) + " does not go with " + with);
      }
    }
  }

  // What every limit may say.
  void read_terms() {
    static constexpr std::array<std::string_view, 2> kCounts{"cost", "requests"};
    static constexpr std::array<std::string_view, 2> kModes{"granted", "strict"};
    static constexpr std::array<std::string_view, 3> kWhenGone{"local", "refuse", "allow"};
    spec_.mode = context_.mode;
    spec_.when_gone = context_.when_gone;
    if (const auto word = reading_.word(node_, "counts", kCounts)) {
      spec_.counts = static_cast<limiter::Counts>(*word);
    }
    if (const auto word = reading_.word(node_, "mode", kModes)) {
      spec_.mode = static_cast<limiter::Mode>(*word);
    }
    if (const auto word = reading_.word(node_, "when_gone", kWhenGone)) {
      spec_.when_gone = static_cast<limiter::WhenGone>(*word);
    }
    spec_.overdraft = reading_.integer(node_, "overdraft", kUnitsMax).value_or(0);
    spec_.shadow = reading_.truth(node_, "shadow").value_or(false);
    spec_.quota = reading_.truth(node_, "quota").value_or(false);
    spec_.durable = reading_.truth(node_, "durable").value_or(false);
    if (const Node* replaces = node_.find("replaces")) {
      for (const Node& item : reading_.items(*replaces, "replaces")) {
        spec_.replaces.push_back(item.text);
      }
    }
  }

  void read_concurrency() {
    forbid({"rate", "burst", "zone", "counts", "overdraft"}, "concurrency");
    const std::optional<std::string> algorithm = reading_.text(node_, "algorithm");
    if (algorithm && *algorithm != "concurrency") {
      fail(at("algorithm"), "algorithm '" + shown(*algorithm) + "' does not go with concurrency");
    }
    spec_.algorithm = "concurrency";
    const auto cap = reading_.integer(node_, "concurrency", limit::Concurrency::kCapMax);
    const bool has_ttl = node_.find("ttl") != nullptr;
    const auto ttl = has_ttl ? reading_.span(node_, "ttl") : std::optional(kHoldTtl);
    if (!cap || !ttl) return;
    accept(limit::Concurrency::make(*cap, *ttl), "concurrency");
  }

  void read_rate() {
    forbid({"ttl"}, "a rate");
    const Algorithm* algorithm = read_algorithm();
    if (node_.find("rate") == nullptr) {
      fail(node_, "a limit needs rate or concurrency");
      return;
    }
    const Node& rate = at("rate");
    if (!rate.is_text()) {
      fail(rate, "rate must be text as in 100/s, not " + std::string(kind_name(rate)));
      return;
    }
    const base::Result<limit::RateText> text = limit::parse_rate(rate.text);
    if (!text) {
      fail(rate, text.error().what);
    } else if (algorithm != nullptr) {
      spec_.rate = text->rate;
      make_law(*algorithm, *text);
    }
  }

  const Algorithm* read_algorithm() {
    std::array<std::string_view, kAlgorithms.size() - 1> names;  // All but concurrency.
    std::ranges::transform(kAlgorithms.begin(), kAlgorithms.end() - 1, names.begin(),
                           &Algorithm::name);
    const bool named = node_.find("algorithm") != nullptr;
    const auto word = named ? reading_.word(node_, "algorithm", names) : std::optional<size_t>(0);
    if (!word) return nullptr;
    spec_.algorithm = kAlgorithms[*word].name;
    return &kAlgorithms[*word];
  }

  void make_law(const Algorithm& algorithm, const limit::RateText& text) {
    const bool calendar = algorithm.form == Form::kCalendar;
    if (!calendar) forbid({"zone"}, "algorithm " + std::string(algorithm.name));
    if (!calendar && text.calendar_only) {
      fail(at("rate"), "month and year go with algorithm: calendar only");
      return;
    }
    if (algorithm.form == Form::kBucket) {
      if (const std::optional<int64_t> burst = read_burst(text)) {
        accept(limit::Gcra::make(text.rate, *burst), "rate");
      }
      return;
    }
    forbid({"burst"}, "algorithm " + std::string(algorithm.name));
    if (text.burst) {
      fail(at("rate"), "burst does not go with algorithm " + std::string(algorithm.name));
    }
    if (calendar) return make_calendar(text);
    if (algorithm.form == Form::kWindow) accept(limit::FixedWindow::make(text.rate), "rate");
    if (algorithm.form == Form::kCounter) accept(limit::SlidingCounter::make(text.rate), "rate");
    if (algorithm.form == Form::kLog) accept(limit::SlidingLog::make(text.rate), "rate");
  }

  // Of `100/s`: the count of its period.
  std::optional<int64_t> read_burst(const limit::RateText& text) {
    if (node_.find("burst") == nullptr) return text.burst.value_or(text.rate.count);
    if (text.burst) fail(at("burst"), "burst stands in the rate already");
    return reading_.integer(node_, "burst", kUnitsMax);
  }

  void make_calendar(const limit::RateText& text) {
    if (!text.calendar) {
      fail(at("rate"), "algorithm: calendar wants a rate per d, w, month or year, not '" +
                           shown(at("rate").text) + "'");
      return;
    }
    const bool named = node_.find("zone") != nullptr;
    const std::optional<std::string> name = named ? reading_.text(node_, "zone") : "UTC";
    if (!name) return;
    const auto zone = context_.zones.find(*name);
    if (!zone) {
      fail(at("zone"), zone.error().what);
      return;
    }
    spec_.zone = *name;
    accept(limit::FixedWindow::make_calendar(text.rate.count, *text.calendar, *zone), "rate");
  }

  template <typename LawType>
  void accept(const base::Result<LawType>& law, std::string_view fallback) {
    if (law) {
      spec_.law = *law;
      return;
    }
    const std::string& field = law.error().field;
    fail(at(node_.find(field) != nullptr ? std::string_view(field) : fallback), law.error().what);
  }

  const Node& node_;
  LimitContext& context_;
  Reading& reading_;
  LimitSpec spec_;
};

}  // namespace

std::optional<LimitSpec> read_limit(const Node& node, LimitContext& context, Reading& reading) {
  if (node.is_map()) return LimitReader(node, context, reading).read();
  if (!node.is_text()) {
    reading.fail(node, "a limit is text as in \"100/s burst 200\" or a map, not " +
                           std::string(kind_name(node)));
    return std::nullopt;
  }
  // Text is the short form of a map that has a rate only.
  Node rate_key = node;
  rate_key.text = "rate";
  Node map = node;
  map.kind = Node::Kind::kMap;
  map.entries.push_back({std::move(rate_key), node});
  return LimitReader(map, context, reading).read();
}

}  // namespace config
