#include "store/line.h"

#include <utility>

#include "io/loop.h"
#include "store/script.h"

namespace store {
namespace {

constexpr std::string_view kGone = "the store is gone";

// So many presences may be lost before an instance is counted no more.
constexpr int kPresencesLost = 3;

}  // namespace

Line::Line(io::Loop& loop, Common::Body& common)
    : common_(common),
      client_(loop, common.options.redis, common.redis),
      presence_(loop.poll(), [this] { be_present(); }),
      soon_(loop.poll(), [this] {
        const std::shared_ptr<bool> alive = alive_;
        for (const std::function<void()>& each : std::exchange(later_, {})) {
          if (*alive) each();
        }
      }) {
  const auto changed = [this](bool connected) {
    if (std::exchange(reachable_, connected) == connected) return;
    common_.reachable.fetch_add(connected ? 1u : ~0u, std::memory_order_relaxed);
    if (connected) presence_.within({});
  };
  client_.on_change(changed);
  changed(client_.connected());
  presence_.within(common.options.presence);
}

Line::~Line() {
  *alive_ = false;
  presence_.stop();
  if (reachable_) common_.reachable.fetch_sub(1, std::memory_order_relaxed);
}

uint16_t Line::place_of(std::string_view key) const {
  return common_.options.redis.layout == redis::Layout::kCluster ? redis::slot_of(key) : 0;
}

// One line of the process at a time says that the process is there.
void Line::be_present() {
  const base::Duration period = common_.options.presence;
  presence_.within(period);
  const base::Time now = common_.clock.now();
  common_.gone.tick(now);
  int64_t until = common_.present_until_ns.load(std::memory_order_relaxed);
  if (until > base::nanoseconds(now) || !common_.present_until_ns.compare_exchange_strong(
                                            until, base::nanoseconds(now + period * 9 / 10)))
    return;
  const std::string key = common_.names.instances();
  const std::string span = std::to_string(whole_us(kPresencesLost * period));
  const std::string_view keys[] = {key};
  const std::string_view arguments[] = {common_.instance, span};
  Replied counted = [this](base::Result<redis::Reply>&& reply) {
    if (reply && reply->kind == redis::Reply::Kind::kInteger && reply->integer > 0)
      common_.counted.store(static_cast<unsigned>(reply->integer), std::memory_order_relaxed);
  };
  if (!enter(now + common_.options.deadline, counted)) return;
  client_.run(presence_script(), keys, arguments, common_.options.deadline,
              watched(std::move(counted)));
}

// False: `replied` is told later that nothing was sent.
bool Line::enter(base::Time deadline, Replied& replied) {
  const base::Time now = common_.clock.now();
  if (now < deadline && common_.breaker.enter(now)) return true;
  later([replied = std::move(replied)] {
    replied(base::Error{base::Code::kIo, std::string(kGone), {}});
  });
  return false;
}

void Line::later(std::function<void()> task) {
  later_.push_back(std::move(task));
  soon_.ask();
}

Line::Replied Line::watched(Replied replied) {
  common_.calls.add();
  return [this, replied = std::move(replied)](base::Result<redis::Reply>&& reply) {
    if (reply && reply->kind == redis::Reply::Kind::kError) {
      reply = base::Error{base::Code::kIo, reply->text, {}};
    }
    if (reply) {
      common_.breaker.succeeded();
    } else {
      common_.errors.add();
      common_.breaker.failed(common_.clock.now());
    }
    replied(std::move(reply));
  };
}

void Line::run(const redis::Client::Script& script, const Frame& frame, std::string_view rest,
               const std::vector<std::string>& extra, base::Time deadline, Told told) {
  Replied replied = [this, told = std::move(told)](base::Result<redis::Reply>&& reply) {
    if (!reply) return told(reply.error(), 0);
    std::string& bytes = reply->text;
    if (reply->kind != redis::Reply::Kind::kText || bytes.size() < sizeof(double))
      return told(base::Error{base::Code::kUnknown, "the store answered something else", {}}, 0);
    const int64_t now = number_at(bytes, 0);
    common_.heard(now);
    bytes.erase(0, sizeof(double));
    told(std::move(bytes), now);
  };
  if (!enter(deadline, replied)) return;
  const std::string clock = common_.clock_argument();
  const Frame::Words words = frame.words(clock, rest, extra);
  client_.run(script, words.keys, words.arguments, deadline - common_.clock.now(),
              watched(std::move(replied)));
}

void Line::send(std::span<const std::string_view> words, std::string_view key, base::Time deadline,
                Replied replied) {
  if (!enter(deadline, replied)) return;
  client_.send(words, key, deadline - common_.clock.now(), watched(std::move(replied)));
}

}  // namespace store
