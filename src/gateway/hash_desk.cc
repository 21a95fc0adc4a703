#include "gateway/hash_desk.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace gateway {

struct HashDesk::Body : std::enable_shared_from_this<HashDesk::Body> {
  // Both replies are waited for: without its time a hash is not kept in memory.
  struct Look {
    Digest key;
    std::string name;
    std::optional<Digest> hash;
    base::Time until{};
    bool failed = false;
    int owed = 2;
  };

  Body(io::Loop& told_loop, HashShop& told_shop, const ComputeHash& told_options,
       const base::Clock& told_clock, Counts& told_counts, base::Duration told_patience)
      : loop(told_loop),
        shop(told_shop),
        options(told_options),
        clock(told_clock),
        counts(told_counts),
        patience(told_patience) {}

  std::string name_of(const Digest& key) const {
    return "rl:hash:" + std::to_string(options.rounds) + ":" + hex(key);
  }
  void look(const Digest& key);
  void ask(std::string_view command, const std::shared_ptr<Look>& look,
           void (Body::*take)(Look&, const redis::Reply&));
  void take_hash(Look& look, const redis::Reply& reply);
  void take_time(Look& look, const redis::Reply& reply);
  void end(const Look& look);
  void keep(const Digest& key, const Digest& hash);

  io::Loop& loop;
  HashShop& shop;
  const ComputeHash& options;
  const base::Clock& clock;
  Counts& counts;
  const base::Duration patience;
  std::unique_ptr<redis::Client> store;
};

void HashDesk::Body::look(const Digest& key) {
  if (store == nullptr) {
    counts.cache(Counts::Cache::kMiss);
    return shop.compute(key);
  }
  const auto look = std::make_shared<Look>();
  look->key = key;
  look->name = name_of(key);
  ask("GET", look, &Body::take_hash);
  ask("PTTL", look, &Body::take_time);
}

void HashDesk::Body::ask(std::string_view command, const std::shared_ptr<Look>& look,
                         void (Body::*take)(Look&, const redis::Reply&)) {
  const std::array<std::string_view, 2> words = {command, look->name};
  store->send(words, look->name, patience, [this, look, take](base::Result<redis::Reply>&& reply) {
    if (!reply || reply->kind == redis::Reply::Kind::kError) {
      look->failed = true;
    } else {
      (this->*take)(*look, *reply);
    }
    if (--look->owed == 0) end(*look);
  });
}

void HashDesk::Body::take_hash(Look& look, const redis::Reply& reply) {
  if (reply.kind == redis::Reply::Kind::kText) look.hash = parse_digest(reply.text);
}

void HashDesk::Body::take_time(Look& look, const redis::Reply& reply) {
  const base::Duration most = options.cache_ttl;
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(most).count();
  if (reply.kind != redis::Reply::Kind::kInteger || reply.integer <= 0) return;
  const std::chrono::milliseconds left(std::min<int64_t>(reply.integer, milliseconds));
  look.until = clock.now() + std::min<base::Duration>(left, most);
}

void HashDesk::Body::end(const Look& look) {
  if (look.hash) {
    counts.cache(Counts::Cache::kHit);
    return shop.found(look.key, *look.hash, look.until);
  }
  if (look.failed) counts.store_error();
  counts.cache(look.failed ? Counts::Cache::kBypass : Counts::Cache::kMiss);
  shop.compute(look.key);
}

void HashDesk::Body::keep(const Digest& key, const Digest& hash) {
  if (store == nullptr) return;
  const std::string name = name_of(key), value = hex(hash);
  const auto ttl = std::chrono::ceil<std::chrono::milliseconds>(options.cache_ttl).count();
  const std::string ms = std::to_string(std::max<int64_t>(ttl, 1));
  const std::array<std::string_view, 5> words = {"SET", name, value, "PX", ms};
  store->send(words, name, patience, [this](base::Result<redis::Reply>&& reply) {
    if (!reply || reply->kind == redis::Reply::Kind::kError) counts.store_error();
  });
}

HashDesk::HashDesk(io::Loop& loop, HashShop& shop, const ComputeHash& options,
                   const base::Clock& clock, Counts& counts,
                   const std::optional<redis::Options>& store, base::Duration patience)
    : body_(std::make_shared<Body>(loop, shop, options, clock, counts, patience)) {
  if (store) body_->store = std::make_unique<redis::Client>(loop, *store);
}

HashDesk::~HashDesk() {
  body_->store.reset();            // Its replies come no more,
  body_->shop.leave(body_.get());  // so nobody may wait for them.
}

void HashDesk::get(std::string_view data, Done done) {
  const Digest key = sha256(data);
  Body& body = *body_;
  if (const std::optional<Digest> hash = body.shop.find(key, body.clock.now())) {
    body.counts.cache(Counts::Cache::kHit);
    return done(HashShop::Made{.hash = *hash, .cached = true});
  }
  auto told = [weak = body.weak_from_this(), key, done](const base::Result<HashShop::Made>& made) {
    const std::shared_ptr<Body> here = weak.lock();
    if (here == nullptr) return;
    if (made && made->first) here->keep(key, made->hash);
    done(made);
  };
  const HashShop::Asker asker{&body.loop, &body};
  const HashShop::Asked asked = body.shop.ask(key, body.clock.now(), asker, std::move(told));
  if (asked.found == HashShop::Found::kFirst) return body.look(key);
  body.counts.cache(asked.found == HashShop::Found::kHit ? Counts::Cache::kHit
                                                         : Counts::Cache::kMiss);
  if (asked.found == HashShop::Found::kHit) {
    done(HashShop::Made{.hash = asked.hash, .cached = true});
  }
}

std::optional<bool> HashDesk::store_up() const {
  if (body_->store == nullptr) return std::nullopt;
  return body_->store->connected();
}

}  // namespace gateway
