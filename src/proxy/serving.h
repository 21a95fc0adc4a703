// What a Conversation is: the client's side (conversation.cc) and the way of an answer
// (serving.cc).
//
//            ┌────────────── the head ──────────────┐
//   reading ─┘ begin_turn() ─► application ─► answer() ─────────────────► answered ─► reading
//                                   ├──────► read_body(): collect, answer() ─┤          (the next)
//                                   └──────► pass(): body ─► link ─► answer ─┘
//
// Thread: one owner.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/body_reader.h"
#include "proxy/conversation.h"
#include "proxy/link.h"
#include "proxy/pool.h"
#include "proxy/turn.h"

namespace proxy {

struct Conversation::Body final : TurnHome, Receiver, std::enable_shared_from_this<Body> {
  // What becomes of the request's body.
  enum class Use : uint8_t { kHold, kCollect, kStream, kDrop };
  // Of a body, in either direction, that waits to be sent.
  static constexpr size_t kPieceMax = size_t{64} << 10;

  Body(Common common_in, io::Ip peer_in, std::function<void()> on_ready_in);

  // conversation.cc
  size_t feed(std::string_view bytes);
  size_t take_head(std::string_view bytes);
  size_t take_body(std::string_view bytes);
  void begin_turn(std::string_view text);
  void use(std::string_view data);
  void body_is_whole();
  void refuse(const http::Refusal& refusal);
  void expire();
  void hang_up();
  void die();
  base::Time deadline() const;
  bool link_is_full() const { return link != nullptr && link->unsent() >= kPieceMax; }

  // serving.cc
  void read_body(size_t bytes_max, std::function<void(std::string_view)> read) override;
  void answer(http::Answer&& answer) override;
  void pass(const Way& way, std::string_view client) override;
  void on_head(const ResponseHead& head) override;
  void on_piece(std::string_view data) override;
  void on_progress() override;
  void on_end() override;
  void on_failure(UpstreamFailure failure, bool stale) override;
  void open_link(bool fresh);
  void go_on_if_expected();
  bool can_keep() const;
  void give_up(int status, std::string_view detail);
  void break_off();
  void write(http::Answer&& answer, bool keep);
  void finish();
  void end_turn();
  void notify();

  Common common;
  const io::Ip peer;
  std::function<void()> on_ready;
  std::string out;

  base::Time now{};    // Of the last feed.
  base::Time since{};  // A head: its first byte. A body: the last bytes. Between requests: the end.
  size_t searched = 0;  // Of a head whose end has not come.
  size_t judged = 0;    // Of it, whether it can still become one.
  bool begun = false;   // A byte of the next head is there.

  std::shared_ptr<Turn> turn;  // Used again, if nobody else holds it.
  bool serving = false;        // From its head on until the next one may be read.
  bool answered = false;       // All of the answer is in `out`.
  bool head_sent = false;      // The beginning of it is.
  bool keep = false;           // The connection, behind this answer.
  bool chunk_out = false;      // The answer's body goes to the client in chunks.
  bool expected = false;       // The client waits for "100 Continue".

  BodyReader body;  // The request's.
  Use body_use = Use::kHold;
  std::string collected;
  size_t collect_max = 0;
  std::function<void(std::string_view)> on_collected;

  const Way* way = nullptr;
  std::string client;
  Link* link = nullptr;
  uint64_t passed = 0;  // Bytes of the request's body.

  bool full = false;  // `out` is: the link is paused, or the next request waits.
  bool closing = false;
  bool broken_off = false;
  bool last = false;
  bool feeding = false;
};

}  // namespace proxy
