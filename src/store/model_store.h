// For tests: what the scripts do with one state of a gcra or a fixed window, in exact arithmetic
// and without a Redis. model_store_test.cc plays the same histories to a real one.
#pragma once
#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>

#include "base/wide.h"
#include "limit/rate.h"
#include "store/grants.h"

namespace store {

class ModelStore {
 public:
  // u units every v µs, or `burst` units a window of so many µs.
  struct Terms {
    int64_t burst = 0;
    int64_t u = 0, v = 0;
    int64_t window_us = 0, life_us = 0;
  };
  static Terms gcra(limit::Rate rate, int64_t burst, int64_t life_us) {
    const int64_t period = whole_us(rate.period), common = std::gcd(rate.count, period);
    return {.burst = burst, .u = rate.count / common, .v = period / common, .life_us = life_us};
  }
  static Terms window(limit::Rate rate) {
    return {.burst = rate.count, .window_us = whole_us(rate.period)};
  }

  // All or nothing; returns whether it is charged.
  bool charge(const Terms& terms, int64_t now, int64_t cost) {
    if (terms.window_us > 0) {
      Window window = read_window(terms, now);
      if (cost > terms.burst - window.used) return false;
      window.used += cost;
      window_ = window;
      return true;
    }
    Gcra state = read(terms, now);
    if (cost > terms.burst || state.ahead + wide(cost) * terms.v > most(terms, state)) return false;
    state.ahead += wide(cost) * terms.v;
    write(terms, now, state);
    return true;
  }

  Grants::Granted grant(const Terms& terms, int64_t now, int64_t units) {
    if (terms.window_us > 0) {
      Window window = read_window(terms, now);
      const int64_t given = std::clamp<int64_t>(terms.burst - window.used, 0, units);
      window.used += given;
      if (given > 0) window_ = window;
      return {.units = given,
              .room = std::max<int64_t>(terms.burst - window.used, 0),
              .charged_us = std::max(now, window.start),
              .window_us = window.end - now};
    }
    Gcra state = read(terms, now);
    state.life = std::max(state.life, terms.life_us);
    const int64_t given = std::min(room(terms, state), units);
    state.ahead += wide(given) * terms.v;
    if (given > 0) write(terms, now, state);
    return {.units = given, .room = room(terms, state), .charged_us = now};
  }

  void give_back(const Terms& terms, int64_t now, int64_t units, int64_t charged) {
    if (terms.window_us > 0) {
      Window window = read_window(terms, now);
      if (charged < window.start || charged >= window.end) return;
      window.used = std::max<int64_t>(window.used - units, 0);
      window_ = window;
      return;
    }
    if (gcra_ && gcra_->life > 0) charged -= std::max<int64_t>(gcra_->last - now, 0);
    const base::Int128 back =
        wide(units) * terms.v - wide(std::max<int64_t>(now - charged, 0)) * terms.u;
    if (back <= 0) return;
    Gcra state = read(terms, now);
    state.ahead = std::max<base::Int128>(state.ahead - back, 0);
    write(terms, now, state);
  }

  int64_t window_start() const { return window_.start; }  // Of the last charge.

 private:
  struct Stored {  // The TAT in u-ths of a µs.
    base::Int128 tat = 0;
    int64_t u = 0, v = 0, life = 0, last = 0;
  };
  struct Gcra {
    base::Int128 ahead = 0;
    int64_t life = 0;
  };
  struct Window {
    int64_t start = 0, end = 0, used = 0;
  };
  static base::Int128 wide(int64_t n) { return n; }
  static base::Int128 most(const Terms& terms, const Gcra& state) {
    return wide(terms.burst) * terms.v - wide(state.life) * terms.u;
  }
  static int64_t room(const Terms& terms, const Gcra& state) {
    const base::Int128 free = most(terms, state) - state.ahead;
    return free <= 0 ? 0 : static_cast<int64_t>(free / terms.v);
  }

  Gcra read(const Terms& terms, int64_t now) const {
    if (!gcra_) return {};
    Gcra out;
    if (gcra_->tat / gcra_->u + gcra_->life > now) out.life = gcra_->life;
    const base::Int128 ahead = std::max<base::Int128>(gcra_->tat - wide(now) * gcra_->u, 0);
    if (gcra_->u == terms.u && gcra_->v == terms.v) {
      out.ahead = ahead;
    } else {  // Another rate: what was used, rounded up.
      out.ahead = (ahead + gcra_->v - 1) / gcra_->v * terms.v;
    }
    return out;
  }
  void write(const Terms& terms, int64_t now, const Gcra& state) {
    const int64_t last = gcra_ && gcra_->life > 0 ? std::max(gcra_->last, now) : now;
    gcra_ = {wide(now) * terms.u + state.ahead, terms.u, terms.v, state.life, last};
    if (state.ahead == 0 && state.life == 0) gcra_.reset();
  }
  Window read_window(const Terms& terms, int64_t now) const {
    const int64_t t = std::max(now, window_.start), start = t - t % terms.window_us;
    return {start, start + terms.window_us, now < window_.end ? window_.used : 0};
  }

  std::optional<Stored> gcra_;
  Window window_;
};

}  // namespace store
