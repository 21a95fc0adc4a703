// One request of the client and what came back so far, on a libcurl handle that is used again and
// again: what a handle has been told already is not told again.
//
//   set_up() ─► (the client runs it) ─► conclude() ─► follows()? ─ yes ─► follow() ─► run again
//                                                        └ no ─► the response is whole
//
// Thread: its client's.
#pragma once
#include <curl/curl.h>

#include <array>
#include <string>
#include <string_view>

#include "http/answer_head.h"
#include "http/client.h"
#include "http/curl_sockets.h"
#include "http/field_lines.h"

namespace http {

// What all exchanges of a client share.
struct Setting {
  ClientOptions options;
  CurlSockets& sockets;
  std::string encodings;          // Of Accept-Encoding: those that are undone here.
  curl_slist* resolve = nullptr;  // ClientOptions::resolve.
};

class Exchange {
 public:
  enum class State : uint8_t { kFree, kWaiting, kRunning, kEnded };

  Exchange(Setting& setting, uint32_t slot) : setting_(setting), slot_(slot) {}
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // Takes a new request; copies what must outlive send(). False: it cannot be sent, and the
  // response says why.
  [[nodiscard]] bool set_up(const Outgoing& outgoing, Client::Done&& done);
  [[nodiscard]] bool prepare();  // Tells the handle of the next hop; as set_up().
  void conclude(CURLcode code);  // The hop has ended.
  bool follows() const { return following_ && response.failure == Failure::kNone; }
  [[nodiscard]] bool follow();  // As set_up().
  void fail(Failure failure, std::string error);
  void rest();         // Between two requests: holds nothing of the last one's owner.
  void drop_handle();  // Gives its memory back.

  CURL* easy() const { return easy_; }
  uint32_t slot() const { return slot_; }

  Response response;
  Client::Done done;
  State state = State::kFree;
  uint32_t generation = 0;  // Of the requests that have had this slot.

 private:
  enum class Kind : uint8_t { kGet, kHead, kUpload };

  static curl_socket_t on_open(void* self, curlsocktype, curl_sockaddr* address);
  static int on_close(void* sockets, curl_socket_t fd);
  static size_t on_header(char* line, size_t, size_t size, void* self);
  static size_t on_bytes(char* bytes, size_t, size_t size, void* self);

  void make_handle();
  void tell_method();
  void tell_reuse(bool reuse);
  void stop(Failure failure, std::string_view why);
  Failure failure_of(CURLcode code) const;
  bool would_follow() const;
  void take_phases();

  Setting& setting_;
  const uint32_t slot_;
  CURL* easy_ = nullptr;

  Url url_;
  std::string method_;
  std::string_view body_;
  FieldLines fields_;
  size_t header_bytes_max_ = 0;
  uint64_t body_bytes_max_ = 0;
  size_t kept_bytes_ = 0;
  unsigned redirects_left_ = 0, redirects_max_ = 0;
  bool strict_redirects_ = false;
  bool decompress_ = true;
  std::function<bool(std::string_view)> on_body_;
  base::Duration started_{}, deadline_{}, hop_started_{};  // By the monotonic clock.

  // Of the present hop.
  AnswerHead head_;
  uint64_t hop_bytes_ = 0;  // Of a body that nobody gets, since the answer is a redirect.
  unsigned opened_ = 0, refused_ = 0;
  bool following_ = false;  // The answer is a redirect that is to be followed.
  Failure stop_ = Failure::kNone;
  std::string_view stop_why_;

  // What the handle has been told.
  struct Told {
    std::string url;
    Kind kind = Kind::kGet;
    std::string method;  // CURLOPT_CUSTOMREQUEST. Empty: none.
    const curl_slist* fields = nullptr;
    long timeout_ms = 0;
    bool decompress = false;
    bool reuse = true;  // The connection may be kept.
  } told_;
  std::array<char, CURL_ERROR_SIZE> error_{};
};

}  // namespace http
