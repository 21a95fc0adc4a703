#include "http/url.h"

#include <curl/curl.h>
#include <locale.h>

#include <algorithm>
#include <memory>

#include "base/ascii.h"
#include "base/number.h"

namespace http {
namespace {

constexpr size_t kUrlBytesMax = size_t{16} << 10;
constexpr size_t kHostBytesMax = 253;  // RFC 1035, without the last dot.
constexpr uint16_t kHttpPort = 80, kHttpsPort = 443;

using Curlu = std::unique_ptr<CURLU, decltype(&::curl_url_cleanup)>;
using CurlText = std::unique_ptr<char, decltype(&::curl_free)>;

base::Error wrong(std::string what) { return base::invalid(std::move(what), "url"); }

bool digit(char c) { return c >= '0' && c <= '9'; }
bool name_byte(char c) {
  const char low = base::lower(c);
  return (low >= 'a' && low <= 'z') || digit(c) || c == '-' || c == '.' || c == '_';
}
// In a path or a query, what no parser changes.
bool plain_byte(char c) {
  return name_byte(c) || std::string_view("~/?!$&'()*+,;=:@").find(c) != std::string_view::npos;
}

// Between "://" and the path; nothing if the text does not begin as a URL of ours does.
std::optional<std::string_view> authority_of(std::string_view text) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!std::ranges::equal(text.substr(0, scheme.size()), scheme, {}, base::lower)) continue;
    const std::string_view rest = text.substr(scheme.size());
    return rest.substr(0, rest.find_first_of("/?#"));
  }
  return std::nullopt;
}

// What no parser may be asked about, since two of them might understand it differently.
base::Status check_bytes(std::string_view text) {
  if (text.size() > kUrlBytesMax) return wrong("the URL is longer than 16 KiB");
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte == 0x7f) return wrong("the URL holds a space or a control byte");
    if (c == '\\') return wrong("the URL holds a \\");
  }
  const std::optional<std::string_view> authority = authority_of(text);
  if (!authority) return wrong("a URL begins with http:// or https://");
  if (authority->empty()) return wrong("the URL names no host");
  if (authority->find('@') != std::string_view::npos) {
    return wrong("the URL holds a user name or password");
  }
  if (authority->starts_with('[') && authority->find('%') != std::string_view::npos) {
    return wrong("the URL's address has a zone");
  }
  return {};
}

// Empty: there is no such part.
std::string part_of(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (::curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  const CurlText owner(text, ::curl_free);
  return text;
}

#if LIBCURL_VERSION_NUM >= 0x075800
// libidn2 reads in the thread's locale, which is not UTF-8 unless somebody has said so.
class Utf8 {
 public:
  Utf8() : before_(::uselocale(utf8())) {}
  ~Utf8() { ::uselocale(before_); }

 private:
  static locale_t utf8() {
    static const locale_t locale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return locale;
  }
  locale_t before_;
};
#endif

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// The URL with its international name as xn--. Empty: it is none, or libcurl knows none.
std::string with_ascii_host([[maybe_unused]] CURLU* url) {
#if LIBCURL_VERSION_NUM >= 0x075800
  const Utf8 utf8;
  // All of it: asked for the host alone, libcurl 7.88 leaks what it cannot convert.
  std::string text = part_of(url, CURLUPART_URL, CURLU_PUNYCODE);
  if (is_ascii(text)) return text;
#endif
  return {};
}

bool number_like(std::string_view label) {
  if (label.starts_with("0x")) {
    return std::ranges::all_of(label.substr(2),
                               [](char c) { return digit(c) || (c >= 'a' && c <= 'f'); });
  }
  return !label.empty() && std::ranges::all_of(label, digit);
}

base::Status check_name(std::string_view host) {
  if (host.empty()) return wrong("the URL names no host");
  if (host.size() > kHostBytesMax) return wrong("the URL's host is too long");
  if (!std::ranges::all_of(host, name_byte)) {
    return wrong("the URL's host holds a byte that no name has");
  }
  if (host.starts_with('.') || host.ends_with('.') || host.find("..") != std::string_view::npos) {
    return wrong("the URL's host has an empty label");
  }
  if (number_like(host.substr(host.rfind('.') + 1))) {
    return wrong("the URL's host ends in a number but is no IPv4 address");
  }
  return {};
}

// REQUIRES: `out.host` as libcurl has read it.
base::Status settle_host(Url& out) {
  std::string& host = out.host;
  if (host.starts_with('[') && host.ends_with(']')) {
    out.ip = io::Ip::parse(std::string_view(host).substr(1, host.size() - 2));
    if (!out.ip) return wrong("the URL has brackets around what is no IPv6 address");
  } else {
    if (host.ends_with('.')) host.pop_back();
    out.ip = io::Ip::parse(host);
    if (!out.ip) return check_name(host);
  }
  host = out.ip->text();
  return {};
}

std::string bracketed(const Url& url) {
  return url.ip && !url.ip->v4() ? "[" + url.host + "]" : url.host;
}

base::Result<Url> read(std::string_view text) {
  const Curlu url(::curl_url(), ::curl_url_cleanup);
  if (url == nullptr) return wrong("no memory");
  const CURLUcode code =
      ::curl_url_set(url.get(), CURLUPART_URL, std::string(text).c_str(), CURLU_URLENCODE);
  if (code != CURLUE_OK) return wrong(::curl_url_strerror(code));

  Url out;
  out.host = part_of(url.get(), CURLUPART_HOST);
  if (!is_ascii(out.host)) {
    const std::string ascii = with_ascii_host(url.get());
    if (ascii.empty()) return wrong("the URL's host is not ASCII, and no name known here");
    return read(ascii);
  }
  std::ranges::transform(out.host, out.host.begin(), base::lower);
  out.tls = part_of(url.get(), CURLUPART_SCHEME) == "https";
  if (const base::Status settled = settle_host(out); !settled) return settled.error();
  const std::optional<int64_t> port =
      base::parse_integer(part_of(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT));
  if (!port || *port < 1 || *port > 65535) return wrong("the URL's port is not 1 to 65535");
  out.port = static_cast<uint16_t>(*port);

  const std::string query = part_of(url.get(), CURLUPART_QUERY);
  out.text = (out.tls ? "https://" : "http://") + out.authority() +
             part_of(url.get(), CURLUPART_PATH) + (query.empty() ? "" : "?" + query);
  return out;
}

// What nobody reads in two ways is its own normal form: a lower-case name or a plain IPv4 address,
// and a path of plain bytes without dot segments. Most URLs; nothing about any other.
std::optional<Url> read_plain(std::string_view text) {
  Url out;
  out.tls = text.starts_with("https://");
  if (!out.tls && !text.starts_with("http://")) return std::nullopt;
  const std::string_view rest = text.substr(out.tls ? 8 : 7);
  const size_t slash = rest.find('/');
  if (slash == std::string_view::npos || text.size() > kUrlBytesMax) return std::nullopt;
  const std::string_view path = rest.substr(slash);
  if (!std::ranges::all_of(path, plain_byte)) return std::nullopt;
  if (path.substr(0, path.find('?')).find("/.") != std::string_view::npos) return std::nullopt;
  if (path.ends_with('?')) return std::nullopt;  // Such a query is left out.

  std::string_view host = rest.substr(0, slash);
  const uint16_t usual = out.tls ? kHttpsPort : kHttpPort;
  out.port = usual;
  if (const size_t colon = host.find(':'); colon != std::string_view::npos) {
    const std::string_view digits = host.substr(colon + 1);
    const std::optional<int64_t> port = base::parse_integer(digits);
    const bool normal = port && digit(digits.front()) && digits.front() != '0';
    if (!normal || *port > 65535 || *port == usual) return std::nullopt;
    out.port = static_cast<uint16_t>(*port);
    host = host.substr(0, colon);
  }
  if (std::ranges::any_of(host, [](char c) { return c != base::lower(c); })) return std::nullopt;
  out.host = host;
  if (!check_name(host)) {  // An IPv4 address has one spelling that is parsed here.
    out.ip = io::Ip::parse(host);
    if (!out.ip) return std::nullopt;
  }
  out.text = text;
  return out;
}

}  // namespace

std::string Url::authority() const {
  const bool usual = port == (tls ? kHttpsPort : kHttpPort);
  return usual ? bracketed(*this) : bracketed(*this) + ":" + std::to_string(port);
}

std::string Url::origin() const {
  return (tls ? "https://" : "http://") + bracketed(*this) + ":" + std::to_string(port);
}

base::Result<Url> parse_url(std::string_view text) {
  if (std::optional<Url> plain = read_plain(text)) return *std::move(plain);
  if (const base::Status checked = check_bytes(text); !checked) return checked.error();
  base::Result<Url> first = read(text);
  // Without its last dot, decoded, or in its one spelling a host might read as something else: only
  // what reads as itself is taken.
  if (!first || first->text == text) return first;
  base::Result<Url> second = read(first->text);
  if (second && (second->text != first->text || second->host != first->host)) {
    return wrong("the URL has no one meaning");
  }
  return second;
}

base::Result<Url> resolve_url(const Url& base, std::string_view location) {
  const Curlu url(::curl_url(), ::curl_url_cleanup);
  const unsigned flags = CURLU_URLENCODE | CURLU_ALLOW_SPACE;
  char* text = nullptr;
  if (url == nullptr ||
      ::curl_url_set(url.get(), CURLUPART_URL, base.text.c_str(), 0) != CURLUE_OK ||
      ::curl_url_set(url.get(), CURLUPART_URL, std::string(location).c_str(), flags) != CURLUE_OK ||
      ::curl_url_get(url.get(), CURLUPART_URL, &text, 0) != CURLUE_OK) {
    return wrong("the location is no URL");
  }
  return parse_url(CurlText(text, ::curl_free).get());
}

}  // namespace http
