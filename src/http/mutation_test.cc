// Requests with small faults, cut anywhere: nothing breaks, and the cuts change nothing.
#include <gtest/gtest.h>

#include <array>

#include "http/connection.h"

namespace http {
namespace {

// Writes down what it was asked.
class Scribe : public Application {
 public:
  explicit Scribe(const ConnectionOptions& options) : connection_(options, *this, ids_, {}) {}

  void on_request(const Request& request) override {
    notes_.append(request.method).append(" ").append(request.target).append(" ");
    notes_.append(request.host).append(" ").append(request.body).append("\n");
    connection_.answer({}, {});
  }
  Answer refused(const Refusal&) override {
    refused_ = true;
    return {};
  }

  // Each piece in memory of its own size, so that a sanitizer sees a step too far.
  void feed(std::string_view piece) {
    rest_ += piece;
    const std::vector<char> exact(rest_.begin(), rest_.end());
    rest_.erase(0, connection_.feed({exact.data(), exact.size()}, {}));
    connection_.out().clear();
  }
  bool closing() const { return connection_.closing(); }
  size_t held() const { return rest_.size(); }
  const std::string& notes() const { return notes_; }
  bool refused() const { return refused_; }

 private:
  base::Random ids_{1};
  Connection connection_;
  std::string rest_, notes_;
  bool refused_ = false;
};

const std::array<std::string, 5> kSeeds = {
    "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
    "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: v\r\n\r\n",
    "GET http://h:1/x?y HTTP/1.1\r\nHost: h\r\nOrigin: q\r\nConnection: keep-alive, "
    "upgrade\r\n\r\n",
    "HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "POST /p HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi"};
const std::array<std::string, 14> kBits = {"\r\n",
                                           "\r\n\r\n",
                                           " ",
                                           "\t",
                                           ":",
                                           "0\r\n\r\n",
                                           "Transfer-Encoding: chunked\r\n",
                                           "0\r\n",
                                           ";",
                                           "\n",
                                           "\r",
                                           "\r\n x",
                                           "Content-Length: 3\r\n",
                                           "ffffffffffffffff"};

std::string mutated(base::Random& random) {
  std::string out;
  for (uint64_t i = 0, n = 1 + random.below(3); i < n; ++i) out += kSeeds[random.below(5)];
  for (uint64_t i = 0, n = random.below(5); i < n; ++i) {
    const size_t at = random.below(out.size());
    switch (random.below(4)) {
      case 0:
        out[at] = static_cast<char>(random.next());
        break;
      case 1:
        out.insert(at, kBits[random.below(kBits.size())]);
        break;
      case 2:
        out.erase(at, random.below(8));
        break;
      default:
        out.insert(at, out.substr(random.below(out.size()), random.below(30)));
    }
    if (out.empty()) out = "G";
  }
  return out;
}

TEST(HttpMutation, CutsChangeNothingAndWhatIsHeldIsBounded) {
  ConnectionOptions options;
  options.reader = {.header_bytes_max = 512, .body_bytes_max = 256};
  base::Random random(20261121);
  for (int i = 0; i < 20'000; ++i) {
    const std::string bytes = mutated(random);
    Scribe whole(options), cut(options);
    whole.feed(bytes);
    for (size_t at = 0; at < bytes.size() && !cut.closing();) {
      const size_t size = random.below(2) == 0 ? 1 : 1 + random.below(bytes.size() - at);
      cut.feed(std::string_view(bytes).substr(at, size));
      at += size;
      ASSERT_LE(cut.held(), options.reader.header_bytes_max) << bytes;
    }
    ASSERT_EQ(cut.notes(), whole.notes()) << bytes;
    // Half a header is not judged before its end is there.
    ASSERT_TRUE(whole.refused() || !cut.refused()) << bytes;
  }
}

}  // namespace
}  // namespace http
