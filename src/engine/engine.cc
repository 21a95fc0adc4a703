#include "engine/engine.h"

#include "engine/body.h"

namespace engine {

base::Result<std::unique_ptr<Engine>> Engine::open(EngineOptions options, base::Disk& disk,
                                                   const std::string& dir, limiter::Taker& taker,
                                                   base::Time now) {
  auto body = std::make_unique<Body>(std::move(options), disk, dir, taker);
  if (const base::Status opened = body->open(now); !opened) return opened.error();
  return std::unique_ptr<Engine>(new Engine(std::move(body)));
}

Engine::Engine(std::unique_ptr<Body> body) : body_(std::move(body)) {}
Engine::~Engine() = default;

base::Time Engine::last_instant() const { return body_->last_instant; }
void Engine::on_done(std::function<void(Request&)> done) { body_->answers.done = std::move(done); }
void Engine::on_push(std::function<void(std::string_view, const queue::Push&)> told) {
  body_->on_push(std::move(told));
}
void Engine::run(Request& request, base::Time now) { body_->run(request, now); }
void Engine::tick(base::Time now) { body_->tick(now); }
base::Time Engine::due() const { return body_->due(); }
void Engine::release() { body_->answers.release(); }

bool Engine::has_batch() const {
  return body_->status && body_->out == 0 && (body_->dirty || !body_->log->idle());
}

wal::Batch Engine::take(base::Time now) { return body_->take(now); }

void Engine::give_back(wal::Batch batch, base::Time now) {
  body_->give_back(std::move(batch), now);
  body_->answers.release();
}

void Engine::written(wal::Sequence) {
  body_->written = body_->out;
  body_->answers.written(body_->out);
  body_->answers.release();
}

bool Engine::wants_written() const { return body_->promises_os.load(std::memory_order_relaxed); }

wal::Writer& Engine::writer() { return body_->log->writer(); }

std::function<void()> Engine::take_chore() { return body_->keeper->take_chore(); }
void Engine::chore_done(base::Time now) { body_->keeper->chore_done(now); }

bool Engine::stalled() const { return !body_->deferred.empty(); }

void Engine::freed(base::Hash128 state, base::Time now) { body_->gate.freed(state, now); }
void Engine::limits_changed(base::Time) { body_->gate.recheck(); }

void Engine::declare(Declared declared, queue::Settings defaults, bool creation_open,
                     base::Time now) {
  body_->options.declared = std::move(declared);
  body_->options.defaults = std::move(defaults);
  body_->options.creation_open = creation_open;
  if (body_->status) body_->declare(body_->options.declared, now);
}

void Engine::stop(base::Time now) {
  body_->stop(now);
  body_->answers.release();
}

void Engine::close() { body_->log->close(); }

const base::Status& Engine::status() const { return body_->status; }
base::Status Engine::check() const { return body_->books.check(); }
const Engine::Metrics& Engine::metrics() const { return body_->metrics; }
Engine::Metrics& Engine::metrics() { return body_->metrics; }

}  // namespace engine
