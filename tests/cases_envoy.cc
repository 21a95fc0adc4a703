// Cases of envoyproxy/ratelimit: windows through the law, lookups and `replaces` through a limit
// file, the configuration and the limiter.
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "cases.h"
#include "config/config.h"
#include "limit/limit.h"
#include "limiter/limiter.h"

namespace cases {
namespace {

using base::Duration;
using base::Time;
using limit::Decision;

Duration unit_of(const std::string& unit) {
  using std::chrono::hours;
  if (unit == "SECOND") return std::chrono::seconds(1);
  if (unit == "MINUTE") return std::chrono::minutes(1);
  if (unit == "HOUR") return hours(1);
  if (unit == "DAY") return hours(24);
  if (unit == "WEEK") return hours(24 * 7);
  return unit == "MONTH" ? hours(24 * 30) : hours(24 * 365);
}

// Their counters may stand above the limit, because they count what they refuse; ours never do.
void play_do_limit(const json::object& one, const json::object& step, Verdict& verdict) {
  const json::object& config = config_of(one);
  const json::object& expect = step.at("expect").as_object();
  const int64_t count = number(config, "requests_per_unit");
  const auto law = limit::FixedWindow::make({count, unit_of(text(config, "unit"))}).value();
  const Time now = base::time_from(number(step, "t") * 1'000'000'000);
  const auto state = law.with_used(number(step, "count_before"), now);
  const Decision d = law.check(state, now, number(step, "n")).decision;
  verdict.same_text("code", text(expect, "code"), d.allowed ? "OK" : "OVER_LIMIT");
  if (!d.allowed && d.remaining != number(expect, "limit_remaining"))
    return verdict.differs("a refusal costs nothing (P1): what was left is still there");
  verdict.same("limit_remaining", number(expect, "limit_remaining"), d.remaining);
  if (has(expect, "duration_until_reset"))
    verdict.same("duration_until_reset", number(expect, "duration_until_reset"),
                 base::nanoseconds(law.window_at(now).end) / 1'000'000'000 - number(step, "t"));
}

void play_repeat(const json::object& one, const json::object& step, Verdict& verdict) {
  const json::object& config = config_of(one);
  const json::object& expect = step.at("expect").as_object();
  const auto law =
      limit::FixedWindow::make({number(config, "requests_per_unit"), unit_of(text(config, "unit"))})
          .value();
  limit::WindowState state;
  int64_t allowed = 0, last = 0;
  for (int64_t i = 0; i < number(step, "times"); ++i) {
    const auto proposal = law.check(state, time_of(one, step), number(step, "n", 1));
    if (!proposal.decision.allowed) continue;
    state = proposal.next;
    last = proposal.decision.remaining;
    ++allowed;
  }
  verdict.same("first_ok", number(expect, "first_ok"), allowed);
  verdict.same("remaining_then", number(expect, "remaining_then"), last);
}

// A limiter fed with limit files, as a server is at its start.
class Loaded {
 public:
  explicit Loaded(const std::string& yaml) {
    namespace fs = std::filesystem;
    std::string name = (fs::temp_directory_path() / "ratelimmq-cases-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
      problems = "no temporary folder";
      return;
    }
    const fs::path folder = name;
    std::ofstream(folder / "ratelimmq.yaml") << "limit_files: [envoy.yaml]\n";
    std::ofstream(folder / "envoy.yaml") << yaml;
    const config::Loaded loaded = config::load(
        {.file = (folder / "ratelimmq.yaml").string(), .environment = {}, .flags = {}});
    fs::remove_all(folder);
    for (const config::Problem& problem : loaded.problems) problems += to_string(problem) + "\n";
    if (loaded.config) limiter.reload(loaded.config->domains);
  }

  const limiter::Answer& ask(const std::string& domain,
                             const std::vector<std::vector<limiter::Entry>>& descriptors,
                             Time now) {
    batch.clear();
    spans.assign(descriptors.begin(), descriptors.end());
    batch.add({.domain = domain, .descriptors = spans});
    limiter.decide(batch, now);
    return batch.answer(0);
  }

  std::string problems;
  limiter::Limiter limiter{{}};
  limiter::Batch batch;
  std::vector<limiter::Descriptor> spans;
};

std::vector<limiter::Entry> entries_of(const json::array& pairs) {
  std::vector<limiter::Entry> entries;
  for (const json::value& pair : pairs)
    entries.push_back({pair.as_array()[0].as_string(), pair.as_array()[1].as_string()});
  return entries;
}

// What the study's `yaml_description` describes, as a file.
constexpr const char* kBasicConfig = R"(
domain: test-domain
descriptors:
  - key: key1
    value: value1
    descriptors:
      - { key: subkey1, rate_limit: { unit: second, requests_per_unit: 5 } }
      - { key: subkey1, value: subvalue1, rate_limit: { unit: second, requests_per_unit: 10 } }
  - { key: key2, rate_limit: { unit: minute, requests_per_unit: 20 } }
  - { key: key2, value: value2, rate_limit: { unit: minute, requests_per_unit: 30 } }
  - { key: key2, value: value3 }
  - { key: key3, rate_limit: { unit: hour, requests_per_unit: 1 } }
  - { key: key4, rate_limit: { name: key4_rate_limit, unit: day, requests_per_unit: 1 } }
  - key: key5
    value: value5
    rate_limit: { unit: day, requests_per_unit: 15 }
    descriptors:
      - { key: subkey5, value: subvalue5, rate_limit: { unit: day, requests_per_unit: 25 } }
  - { key: key6, rate_limit: { unlimited: true } }
  - { key: key7, detailed_metric: true, rate_limit: { unit: minute, requests_per_unit: 70 } }
)";

void compare_limit(const limiter::Limit& ours, const json::object& expect, Verdict& verdict) {
  if (has(expect, "unlimited")) return verdict.same("unlimited", 1, !ours.spec.law);
  verdict.same("rpu", number(expect, "rpu"), ours.spec.rate.count);
  verdict.same("unit", unit_of(text(expect, "unit")).count(), ours.spec.rate.period.count());
  if (has(expect, "name")) verdict.same_text("name", text(expect, "name"), ours.name);
}

void play_get_limit(Loaded& loaded, const json::object& step, Verdict& verdict) {
  if (has(step, "override"))
    return verdict.differs("limits sent with a request belong to Envoy's front, a later version");
  const std::string domain = text(step, "domain");
  const std::vector<limiter::Entry> entries = entries_of(step.at("entries").as_array());
  const auto limits = loaded.limiter.limits();
  std::string key;
  const auto* found = limits->find(domain);
  const std::span<const limiter::Limit> matched =
      found == nullptr ? std::span<const limiter::Limit>() : limits->match(*found, entries, key);
  const json::value& expect = step.at("expect");
  if (expect.is_null()) return verdict.same("limits of " + domain, 0, std::ssize(matched));
  if (matched.size() != 1) return verdict.wrong("one limit should match in " + domain);
  compare_limit(matched[0], expect.as_object(), verdict);
}

std::string replaces_config(const json::object& config) {
  std::string yaml = "domain: replaces\ndescriptors:\n";
  for (const json::value& value : config.at("limits").as_array()) {
    const json::object& one = value.as_object();
    std::string indent = "  ";
    const json::array& path = one.at("descriptor").as_array();
    for (size_t i = 0; i < path.size(); ++i) {
      yaml += indent + "- key: " + std::string(path[i].as_array()[0].as_string()) + "\n";
      const std::string part(path[i].as_array()[1].as_string());
      yaml += indent + "  value: \"" + part + "\"\n";
      if (i + 1 < path.size()) yaml += indent + "  descriptors:\n";
      indent += "    ";
    }
    indent.resize(indent.size() - 2);
    yaml += indent + "rate_limit:\n" + indent + "  unit: " + text(one, "unit") + "\n" + indent +
            "  requests_per_unit: " + std::to_string(number(one, "rpu")) + "\n";
    if (has(one, "name")) yaml += indent + "  name: " + text(one, "name") + "\n";
    if (!has(one, "replaces")) continue;
    yaml += indent + "  replaces:\n";
    for (const json::value& name : one.at("replaces").as_array())
      yaml += indent + "    - name: " + std::string(name.as_string()) + "\n";
  }
  return yaml;
}

void play_replaces(const json::object& one, Verdict& verdict) {
  const json::object& config = config_of(one);
  Loaded loaded(replaces_config(config));
  if (!loaded.problems.empty()) return verdict.wrong(loaded.problems);
  for (const json::value& value : one.at("steps").as_array()) {
    const json::object& step = value.as_object();
    const json::object& headers = step.at("headers").as_object();
    std::vector<std::vector<limiter::Entry>> descriptors;
    for (const json::value& each : config.at("limits").as_array()) {
      std::vector<limiter::Entry> entries;
      for (const json::value& pair : each.as_object().at("descriptor").as_array()) {
        const json::string& key = pair.as_array()[0].as_string();
        if (const json::value* sent = headers.if_contains(key))
          entries.push_back({key, sent->as_string()});
      }
      if (entries.size() == each.as_object().at("descriptor").as_array().size())
        descriptors.push_back(entries);
    }
    const limiter::Answer& answer = loaded.ask("replaces", descriptors, time_of(one, step));
    verdict.same("ok", number(step.at("expect").as_object(), "ok"), answer.allowed);
  }
}

// Several descriptors in one decision. Theirs charge what still has room even when the whole is
// refused; ours charge all or none, as theirs with STOP_CACHE_KEY_INCREMENT_WHEN_OVERLIMIT.
void play_several(const json::object& one, Verdict& verdict) {
  const json::object& config = config_of(one);
  std::string yaml = "domain: several\ndescriptors:\n";
  std::vector<std::string> keys;
  for (const json::value& value : config.at("limits").as_array()) {
    keys.push_back("k" + std::to_string(keys.size()));
    yaml += "  - { key: " + keys.back() + ", rate_limit: { requests_per_unit: " +
            std::to_string(value.as_array()[0].to_number<int64_t>()) +
            ", unit: " + std::string(value.as_array()[1].as_string()) + " } }\n";
  }
  Loaded loaded(yaml);
  if (!loaded.problems.empty()) return verdict.wrong(loaded.problems);
  std::vector<std::vector<limiter::Entry>> descriptors;
  for (const std::string& key : keys) descriptors.push_back({{key, "v"}});
  for (const json::value& value : one.at("steps").as_array()) {
    const json::object& step = value.as_object();
    const json::object& expect = step.at("expect").as_object();
    int64_t allowed = 0;
    for (int64_t i = 0; i < number(step, "times"); ++i)
      allowed += loaded.ask("several", descriptors, time_of(one, step)).allowed;
    verdict.same("overall_ok_calls", number(expect, "overall_ok_calls"), allowed);
    const auto first = loaded.ask("several", {{{keys[0], "v"}}}, time_of(one, step));
    const int64_t left = first.numbers.remaining + 1;  // Asking took one.
    const int64_t expected = number(expect, "first_descriptor_remaining_after_15");
    if (number(config, "stop_increment_when_over") == 0 && left != expected)
      verdict.differs("a refused decision charges none of its limits (P1)");
    else
      verdict.same("first_descriptor_remaining", expected, left);
  }
}

void play_envoy(const json::object& one, Verdict& verdict) {
  const json::object& config = config_of(one);
  if (text(one, "algorithm") == "fixed_window_epoch_multi") return play_several(one, verdict);
  if (has(config, "limits")) return play_replaces(one, verdict);
  std::optional<Loaded> loaded;
  if (has(config, "yaml_description")) {
    loaded.emplace(kBasicConfig);
    if (!loaded->problems.empty()) return verdict.wrong(loaded->problems);
  }
  for (const json::value& value : one.at("steps").as_array()) {
    const json::object& step = value.as_object();
    const std::string op = text(step, "op");
    if (op == "do_limit")
      play_do_limit(one, step, verdict);
    else if (op == "repeat")
      play_repeat(one, step, verdict);
    else if (op == "get_limit")
      play_get_limit(*loaded, step, verdict);
    else if (op == "check_then_debit")
      verdict.differs(
          "a refused debit charges nothing; RESERVE and COMMIT settle what is known late");
    else
      verdict.wrong("unknown op " + op);
  }
}

}  // namespace

void add_envoy_players(Players& players) { players["envoyratelimit"] = play_envoy; }

}  // namespace cases
