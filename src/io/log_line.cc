#include "io/log_line.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace io {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"debug", "info", "warn", "error"};

// How many bytes the UTF-8 sequence at the front of `text` has; 0: it is none.
size_t sequence_size(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  const size_t size = first < 0x80   ? 1
                      : first < 0xc2 ? 0
                      : first < 0xe0 ? 2
                      : first < 0xf0 ? 3
                      : first < 0xf5 ? 4
                                     : 0;
  if (size == 0 || size > text.size()) return 0;
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  if (first == 0xe0 && byte(1) < 0xa0) return 0;  // Overlong.
  if (first == 0xed && byte(1) > 0x9f) return 0;  // Surrogates.
  if (first == 0xf0 && byte(1) < 0x90) return 0;  // Overlong.
  if (first == 0xf4 && byte(1) > 0x8f) return 0;  // Above U+10FFFF.
  return size;
}

void append_escaped(std::string& out, char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  switch (c) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    default:
      if (byte < 0x20 || byte == 0x7f) {
        out.append("\\u00").append({kHex[byte >> 4], kHex[byte & 15]});
      } else {
        out += c;
      }
  }
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const size_t size = sequence_size(text);
    if (size == 0) {
      out += "\xef\xbf\xbd";
    } else if (size == 1) {
      append_escaped(out, text[0]);
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(std::max<size_t>(size, 1));
  }
  out += '"';
}

bool bare(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
  });
}

void append_text(std::string& out, std::string_view event, LogFields fields) {
  out += event;
  for (const auto& [name, value] : fields) {
    out.append(1, ' ').append(name).append(1, '=');
    if (bare(value)) {
      out += value;
    } else {
      append_quoted(out, value);
    }
  }
}

void append_json(std::string& out, std::string_view name, std::string_view value) {
  out += out.empty() ? '{' : ',';
  append_quoted(out, name);
  out += ':';
  append_quoted(out, value);
}

}  // namespace

std::string utc_milliseconds(base::Time at) {
  const int64_t ms = base::nanoseconds(at) / 1'000'000;
  const time_t seconds = ms / 1000;
  tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text;
  const size_t size = strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  const int more =
      std::snprintf(text.data() + size, text.size() - size, ".%03dZ", static_cast<int>(ms % 1000));
  return {text.data(), size + static_cast<size_t>(more)};
}

std::string log_line(LogFormat format, base::Time at, Level level, std::string_view event,
                     LogFields fields) {
  const std::string_view name = kNames[static_cast<size_t>(level)];
  std::string out;
  if (format == LogFormat::kText) {
    out.append(utc_milliseconds(at)).append(1, ' ').append(name);
    out.append(6 - name.size(), ' ');
    append_text(out, event, fields);
  } else {
    append_json(out, "time", utc_milliseconds(at));
    append_json(out, "level", name);
    append_json(out, "event", event);
    for (const auto& [field, value] : fields) append_json(out, field, value);
    out += '}';
  }
  out += '\n';
  return out;
}

}  // namespace io
