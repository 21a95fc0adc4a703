#include "engine/template.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include "base/ascii.h"
#include "engine/host.h"

namespace engine {
namespace {

// Lengths are two bytes: a header's value has at most 8 KiB, a queue's name 200.
void put_text(std::string& to, std::string_view text) {
  const auto size = static_cast<uint16_t>(std::min<size_t>(text.size(), 65'535));
  to.push_back(static_cast<char>(size & 255));
  to.push_back(static_cast<char>(size >> 8));
  to.append(text.substr(0, size));
}

std::string_view get_text(std::string_view& from) {
  const size_t size = static_cast<uint8_t>(from[0]) | size_t{static_cast<uint8_t>(from[1])} << 8;
  const std::string_view text = from.substr(2, size);
  from.remove_prefix(2 + size);
  return text;
}

bool same_name(std::string_view name, std::string_view lower_name) {
  return std::equal(name.begin(), name.end(), lower_name.begin(), lower_name.end(),
                    [](char a, char b) { return base::lower(a) == b; });
}

std::string_view header(const Message& message, std::string_view lower_name) {
  for (const Header& each : message.headers) {
    if (same_name(each.name, lower_name)) return each.value;
  }
  return {};
}

std::optional<int> hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (base::lower(c) >= 'a' && base::lower(c) <= 'f') return base::lower(c) - 'a' + 10;
  return std::nullopt;
}

base::Result<std::string> decode_percent(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    const auto high = i + 2 < text.size() ? hex(text[i + 1]) : std::nullopt;
    const auto low = high ? hex(text[i + 2]) : std::nullopt;
    if (!low) return base::invalid("'%' must be followed by two hex digits");
    out.push_back(static_cast<char>(*high << 4 | *low));
    i += 2;
  }
  return out;
}

}  // namespace

base::Result<Templates::Entry> Templates::parse_entry(std::string_view text) {
  const size_t equal = text.find('=');
  if (equal == std::string_view::npos || equal == 0)
    return base::invalid("an entry of a template is key=value");
  base::Result<std::string> key = decode_percent(text.substr(0, equal));
  if (!key) return key.error();
  if (key->find_first_of("{}") != std::string::npos)
    return base::invalid("a key of a template takes no {…}");
  Entry entry{std::move(*key), {}};
  std::string_view rest = text.substr(equal + 1);
  if (rest.empty()) return base::invalid("an entry of a template needs a value");
  while (!rest.empty()) {
    const size_t open = rest.front() == '{' ? 0 : std::min(rest.find('{'), rest.size());
    if (open > 0) {
      base::Result<std::string> plain = decode_percent(rest.substr(0, open));
      if (!plain) return plain.error();
      if (plain->find('}') != std::string::npos && rest.substr(0, open).find('}') != rest.npos)
        return base::invalid("'}' without '{' in a template");
      entry.parts.push_back({From::kText, std::move(*plain)});
      rest.remove_prefix(open);
      continue;
    }
    const size_t close = rest.find('}');
    if (close == std::string_view::npos) return base::invalid("'{' without '}' in a template");
    const std::string_view name = rest.substr(1, close - 1);
    if (name == "queue") {
      entry.parts.push_back({From::kQueue, {}});
    } else if (name == "key") {
      entry.parts.push_back({From::kKey, {}});
    } else if (name == "host") {
      entry.parts.push_back({From::kHost, {}});
    } else if (name.starts_with("header:") && name.size() > 7) {
      entry.parts.push_back({From::kHeader, base::lower_case(name.substr(7))});
    } else {
      return base::invalid("a template knows {queue}, {key}, {host} and {header:NAME}, not '{" +
                           std::string(name) + "}'");
    }
    rest.remove_prefix(close + 1);
  }
  return entry;
}

base::Result<std::vector<Templates::Entry>> Templates::parse(std::string_view text) {
  std::vector<Entry> entries;
  for (;;) {
    const size_t comma = text.find(',');
    base::Result<Entry> entry = parse_entry(text.substr(0, comma));
    if (!entry) return entry.error();
    entries.push_back(std::move(*entry));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  if (entries.size() > limiter::kEntriesMax) {
    return base::invalid("a descriptor has at most " + std::to_string(limiter::kEntriesMax) +
                         " entries");
  }
  return entries;
}

base::Status validate_template(std::string_view text) {
  const auto entries = Templates::parse(text);
  if (!entries) return entries.error();
  return {};
}

namespace {

// The host of all URLs that the template makes; nothing: it depends on the message.
std::optional<std::string> fixed_host(std::string_view url) {
  const std::string_view fixed = url.substr(0, url.find('{'));
  const size_t scheme_end = fixed.find("://");
  if (scheme_end == std::string_view::npos) return std::nullopt;
  const bool whole = fixed.size() == url.size() ||
                     fixed.find_first_of("/?#", scheme_end + 3) != std::string_view::npos;
  if (!whole) return std::nullopt;
  return host_of(fixed);
}

}  // namespace

Templates::Templates(const queue::Decide& decide, const queue::Push& push)
    : domain_(decide.domain), push_(push.on()) {
  if (push_) {
    if (auto fixed = fixed_host(push.url)) {
      fixed_host_ = std::move(*fixed);
    } else if (auto url = UrlTemplate::make(push.url)) {
      url_ = std::move(*url);
    }
  }
  if (domain_.empty()) return;
  for (const std::string& text : decide.descriptors) {
    auto entries = parse(text);
    if (entries) descriptors_.push_back(std::move(*entries));
  }
}

// Empty: it cannot be told.
const std::string& Templates::host(std::string_view queue, const Message& message) {
  if (push_ && !url_) return fixed_host_;
  if (host_of_last_ != &message) {
    host_ = url_ ? host_of(url_->render(queue, message.key, message.headers))
                 : host_of(header(message, "url"));
    host_of_last_ = &message;
  }
  return host_;
}

bool Templates::render_entry(const Entry& entry, std::string_view queue, const Message& message) {
  value_.clear();
  for (const Part& part : entry.parts) {
    const size_t before = value_.size();
    switch (part.from) {
      case From::kText:
        value_ += part.text;
        break;
      case From::kQueue:
        value_ += queue;
        break;
      case From::kKey:
        value_ += message.key;
        break;
      case From::kHeader:
        value_ += header(message, part.text);
        break;
      case From::kHost:
        value_ += host(queue, message);
        break;
    }
    if (value_.size() == before) return false;
  }
  put_text(out_, entry.key);
  put_text(out_, value_);
  return true;
}

void Templates::render_host(std::string_view queue, const Message& message) {
  const std::string& to = host(queue, message);
  if (to.empty()) return;
  if (out_.empty()) put_text(out_, {});  // No domain of the queue's own.
  out_.push_back('\0');
  put_text(out_, kOutbound);
  out_.push_back('\1');
  put_text(out_, kHostKey);
  put_text(out_, to);
}

limiter::Ask Templates::complete(limiter::Ask ask) {
  const limiter::Descriptor stored = ask.also.empty() ? limiter::Descriptor() : ask.also.front();
  ask.also_domain = {};
  ask.also = {};
  if (!push_) return ask;
  size_t count = 0;
  if (url_ && !stored.empty()) {
    also_[count++] = stored;
  } else if (!url_ && !fixed_host_.empty()) {
    also_entries_[0] = {kHostKey, fixed_host_};
    also_[count++] = {&also_entries_[0], 1};
  }
  also_entries_[1] = {kGlobalKey, kGlobalValue};
  also_[count++] = {&also_entries_[1], 1};
  ask.also_domain = kOutbound;
  ask.also = std::span(also_).first(count);
  return ask;
}

std::string_view Templates::render(std::string_view queue, const Message& message) {
  if (empty()) return {};
  host_of_last_ = nullptr;
  out_.clear();
  put_text(out_, domain_);
  const size_t nothing = out_.size();
  for (const std::vector<Entry>& descriptor : descriptors_) {
    const size_t begin = out_.size();
    out_.push_back(static_cast<char>(descriptor.size()));
    const bool applies = std::all_of(descriptor.begin(), descriptor.end(), [&](const Entry& entry) {
      return render_entry(entry, queue, message);
    });
    if (!applies) out_.resize(begin);
  }
  if (out_.size() == nothing) out_.clear();  // A domain without descriptors is not asked.
  if (url_) render_host(queue, message);
  return out_;
}

limiter::Ask AskText::decode(std::string_view encoded, int64_t cost) {
  entries_.clear();
  descriptors_.clear();
  also_.clear();
  // Spans into it must stay.
  entries_.reserve(2 * limiter::kDescriptorsMax * limiter::kEntriesMax);
  limiter::Ask ask;
  ask.cost = cost;
  if (encoded.empty()) return ask;
  ask.domain = get_text(encoded);
  auto* descriptors = &descriptors_;
  while (!encoded.empty()) {
    const size_t count = static_cast<uint8_t>(encoded.front());
    encoded.remove_prefix(1);
    if (count == 0) {  // What follows is of the second domain.
      ask.also_domain = get_text(encoded);
      descriptors = &also_;
      continue;
    }
    if (descriptors->size() == limiter::kDescriptorsMax) break;
    const size_t begin = entries_.size();
    for (size_t i = 0; i < count; ++i) {
      const std::string_view key = get_text(encoded);
      const std::string_view value = get_text(encoded);
      entries_.push_back({key, value});
    }
    descriptors->emplace_back(entries_.data() + begin, count);
  }
  ask.descriptors = descriptors_;
  ask.also = also_;
  return ask;
}

std::string_view host_of(const limiter::Ask& ask) {
  if (ask.also.empty() || ask.also.front().front().key != kHostKey) return {};
  return ask.also.front().front().value;
}

std::string encode_ask(std::string_view domain, std::span<const limiter::Descriptor> descriptors) {
  std::string out;
  put_text(out, domain);
  for (const limiter::Descriptor descriptor : descriptors) {
    out.push_back(static_cast<char>(descriptor.size()));
    for (const limiter::Entry& entry : descriptor) {
      put_text(out, entry.key);
      put_text(out, entry.value);
    }
  }
  return out;
}

}  // namespace engine
