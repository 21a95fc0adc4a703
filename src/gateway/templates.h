// Descriptors that a route asks with, made of what the request says.
//
//   "tenant={header:X-Tenant},path={path}"  →  (tenant, acme), (path, /search)
//
// Entries are separated by ',', key and value by the first '='; keys and the literal parts of
// values are percent-decoded (%2C is a comma, %7B a brace). Placeholders: {client_ip} {method}
// {path} {host} {header:NAME}. What a placeholder stands for is taken as it is, whatever bytes it
// has: it never adds an entry. An entry with a placeholder whose value is absent or empty makes the
// whole descriptor not apply. Bytes of a value that is no UTF-8 become %XX, so that it can be sent
// as JSON and is the same key everywhere.
//
// Thread: any (immutable); a Rendering has one owner.
#pragma once
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "limiter/limits.h"
#include "proxy/exchange.h"

namespace gateway {

// What placeholders stand for.
struct Facts {
  const proxy::Head& head;
  std::string_view client;  // As limits know it.
  std::string_view path;    // As routes are matched with.
};

// Texts and entries of the descriptors of one request. Used again and again.
struct Rendering {
  std::deque<std::string> texts;  // Never move; the first texts_used are of this request.
  size_t texts_used = 0;
  std::vector<limiter::Entry> entries;
  std::vector<limiter::Descriptor> descriptors;

  std::string& text();  // A new one, empty.
};

class DescriptorTemplate {
 public:
  static base::Result<DescriptorTemplate> parse(std::string_view text);  // kInvalid ("descriptors")

  size_t size() const { return entries_.size(); }
  // Appends its entries, or nothing if it does not apply (false). REQUIRES: `to.entries` has room
  // for size() more.
  bool render(const Facts& facts, Rendering& to) const;

 private:
  enum class What : uint8_t { kLiteral, kClient, kMethod, kPath, kHost, kField };
  struct Part {
    What what;
    std::string text;  // Of a literal; a field's name.
  };
  struct EntryTemplate {
    std::string key;
    std::vector<Part> parts;  // One at least.
  };
  static base::Result<EntryTemplate> parse_entry(std::string_view text);
  static base::Result<Part> parse_placeholder(std::string_view name);
  static std::string_view value_of(const Part& part, const Facts& facts);
  static std::string_view value_of(const EntryTemplate& entry, const Facts& facts, Rendering& to);

  std::vector<EntryTemplate> entries_;
};

// Those that apply, in order. The views live until the next call, and as long as `facts` do.
std::span<const limiter::Descriptor> render(std::span<const DescriptorTemplate> templates,
                                            const Facts& facts, Rendering& to);

}  // namespace gateway
