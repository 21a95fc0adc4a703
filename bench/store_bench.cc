// What a decision costs the Redis that keeps the limits: decisions for each second of its CPU, here
// and by the usual way, one EVALSHA a request.
//
//   store_bench [seconds of each row]
//
// Each row keeps so many requests in flight over 20,000 keys that have room. The usual way has a
// connection for each of them (and once more all in one connection, pipelined by our client).
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/clock.h"
#include "io/loop.h"
#include "limiter/limiter.h"
#include "redis/test_server.h"
#include "store/store.h"

namespace {

constexpr size_t kKeys = 20'000;

double cpu_seconds(redis_bed::TestServer& server) {
  const std::string info = server.command({"INFO", "cpu"});
  double sum = 0;
  for (const char* const name : {"\nused_cpu_sys:", "\nused_cpu_user:"}) {
    const size_t at = info.find(name);
    if (at != std::string::npos) sum += std::atof(info.c_str() + at + std::strlen(name));
  }
  return sum;
}

const char* const kUsual = R"lua(
local tat = tonumber(redis.call('GET', KEYS[1]) or '0')
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local per_unit, tolerance, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
if tat < now then tat = now end
local after = tat + cost * per_unit
if after - now > tolerance then
  return {0, math.floor((tolerance - tat + now) / per_unit), after - tolerance - now, tat - now}
end
redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000))
return {1, math.floor((tolerance - after + now) / per_unit), 0, after - now}
)lua";

std::vector<std::string> key_names() {
  std::vector<std::string> out;
  for (size_t i = 0; i < kKeys; ++i) out.push_back("client-" + std::to_string(i));
  return out;
}

class Row {
 public:
  Row(const char* name, size_t in_flight, double seconds)
      : name_(name), in_flight_(in_flight), seconds_(seconds) {}
  virtual ~Row() = default;

  double run() {
    set_up();
    for (size_t i = 0; i < in_flight_; ++i) next(i);
    spin(0.3);
    const uint64_t before = done_;
    const double cpu = cpu_seconds(server);
    spin(seconds_);
    const double used = cpu_seconds(server) - cpu;
    const auto made = static_cast<double>(done_ - before);
    const double each = made / used;
    std::printf("%-44s %6zu %12.0f %12.2f %14.0f\n", name_, in_flight_, made / seconds_, 1e6 / each,
                each);
    return each;
  }

 protected:
  virtual void set_up() = 0;
  virtual void next(size_t lane) = 0;
  void spin(double seconds) {
    bool over = false;
    loop.after(base::Duration(static_cast<int64_t>(seconds * 1e9)), [&] { over = true; });
    while (!over) loop.poll().wait();
  }
  const std::string& a_key() { return keys_[(at_ += 7919) % kKeys]; }

  redis_bed::TestServer server;
  io::Loop loop;
  uint64_t done_ = 0;

 private:
  const char* name_;
  const size_t in_flight_;
  const double seconds_;
  const std::vector<std::string> keys_ = key_names();
  size_t at_ = 0;
};

class Usual final : public Row {
 public:
  Usual(bool pipelined, size_t in_flight, double seconds)
      : Row(pipelined ? "one EVALSHA a request, pipelined"
                      : "one EVALSHA a request, own connections",
            in_flight, seconds),
        clients_(pipelined ? 1 : in_flight) {}

 private:
  void set_up() override {
    redis::Options options;
    options.nodes = {{"127.0.0.1", server.port()}};
    for (auto& client : clients_) client = std::make_unique<redis::Client>(loop, options);
    while (!std::ranges::all_of(clients_, [](const auto& each) { return each->connected(); }))
      spin(0.01);
  }
  void next(size_t lane) override {
    const std::string_view keys[] = {a_key()};
    const std::string_view arguments[] = {"1000", "1000000", "1"};
    clients_[lane % clients_.size()]->run(script_, keys, arguments, std::chrono::seconds(5),
                                          [this, lane](base::Result<redis::Reply>&& reply) {
                                            if (!reply || reply->list.size() != 4) std::abort();
                                            ++done_;
                                            next(lane);
                                          });
  }

  const redis::Client::Script script_{std::string(kUsual)};
  std::vector<std::unique_ptr<redis::Client>> clients_;
};

class Ours final : public Row {
 public:
  Ours(bool granted, size_t in_flight, double seconds)
      : Row(granted ? "the store, a hot key, granted" : "the store", in_flight, seconds),
        granted_(granted) {}

 private:
  void set_up() override {
    limiter::NodeSpec node;
    node.key = "k";
    limiter::LimitSpec spec;
    const int64_t count = granted_ ? 10'000'000 : 1000;
    spec.rate = {count, std::chrono::seconds(1)};
    spec.law = limit::Gcra::make(spec.rate, count).value();
    spec.mode = granted_ ? limiter::Mode::kGranted : limiter::Mode::kStrict;
    node.limits = {spec};
    limiter::DomainSpec domain;
    domain.name = "d";
    domain.nodes = {node};
    if (!limits_.reload({domain}).empty()) std::abort();
    store::Options options;
    options.redis.nodes = {{"127.0.0.1", server.port()}};
    options.deadline = std::chrono::seconds(5);
    common_.emplace(options, limits_, clock_);
    store_.emplace(loop, *common_);
    while (!common_->up()) spin(0.01);
  }
  void next(size_t lane) override {
    const limiter::Entry entry[] = {{"k", granted_ ? "hot" : std::string_view(a_key())}};
    const limiter::Descriptor descriptors[] = {entry};
    const limiter::Ask ask{.domain = "d", .descriptors = descriptors};
    store_->decide({&ask, 1}, [this, lane](std::span<const limiter::Answer> answers) {
      if (answers[0].decided_by > limiter::DecidedBy::kGrant) std::abort();
      ++done_;
      next(lane);
    });
  }

  const bool granted_;
  io::SystemClock clock_;
  limiter::Limiter limits_{{.seed = 1}};
  std::optional<store::Common> common_;
  std::optional<store::Store> store_;
};

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 3;
  std::printf("%-44s %6s %12s %12s %14s\n", "", "flight", "decisions/s", "CPU us each",
              "per CPU second");
  for (const size_t in_flight : {1u, 8u, 32u, 128u}) {
    const double usual = Usual(false, in_flight, seconds).run();
    const double pipelined = Usual(true, in_flight, seconds).run();
    const double ours = Ours(false, in_flight, seconds).run();
    const double granted = Ours(true, in_flight, seconds).run();
    std::printf("%-44s %6zu %10.2f x %10.2f x %10.1f x\n",
                "  to own connections, to pipelined; granted", in_flight, ours / usual,
                ours / pipelined, granted / ours);
  }
}
