#include "proxy/passing.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "http/writer.h"
#include "proxy/field_names.h"
#include "proxy/forwarded.h"

namespace proxy {
namespace {

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

// The values of all fields of a kind, as one list.
void append_list(std::string& out, const Fields& fields, FieldKind kind) {
  for (size_t i = 0; i < fields.all.size(); ++i) {
    if (fields.kinds[i] == kind && !fields.all[i].value.empty()) {
      out.append(fields.all[i].value).append(", ");
    }
  }
}

bool has(const Fields& fields, FieldKind kind) {
  return std::ranges::find(fields.kinds, kind) != fields.kinds.end();
}

// What a trusted proxy says is kept as it is, but for the lists that it is added to.
bool kept_of_proxy(FieldKind kind) {
  return kind == FieldKind::kForwardedHost || kind == FieldKind::kForwardedProto ||
         kind == FieldKind::kManaged;
}

void append_forwarded_list(const Outbound& outbound, std::string& out) {
  std::string list;
  append_list(list, outbound.head.fields, FieldKind::kForwarded);
  if (list.empty()) return;
  list.resize(list.size() - 2);
  if (!parse_forwarded(list)) return;
  out.append("Forwarded: ").append(list).append(", ");
  append_forwarded(out, outbound.peer, outbound.head.authority);
  out += "\r\n";
}

bool says_real_ip(const Fields& fields) {
  return std::ranges::any_of(fields.all,
                             [](const Field& field) { return same_name(field.name, "x-real-ip"); });
}

void append_forwarding(const Outbound& outbound, std::string& out) {
  const Fields& fields = outbound.head.fields;
  out += "X-Forwarded-For: ";
  if (outbound.trusted) append_list(out, fields, FieldKind::kForwardedFor);
  out.append(outbound.peer.text()).append("\r\n");
  if (!outbound.trusted || !has(fields, FieldKind::kForwardedProto)) {
    out += "X-Forwarded-Proto: http\r\n";
  }
  if (!outbound.head.authority.empty() &&
      (!outbound.trusted || !has(fields, FieldKind::kForwardedHost))) {
    append_field(out, "X-Forwarded-Host", outbound.head.authority);
  }
  if (!outbound.client.empty() && (!outbound.trusted || !says_real_ip(fields))) {
    append_field(out, "X-Real-IP", outbound.client);
  }
  if (outbound.trusted) append_forwarded_list(outbound, out);
}

}  // namespace

void append_number(std::string& out, uint64_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

void append_chunk_head(std::string& out, size_t bytes) {
  std::array<char, 16> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), bytes, 16).ptr;
  out.append(digits.data(), end).append("\r\n");
}

void write_request(const Outbound& outbound, std::string& out) {
  const RequestHead& head = outbound.head;
  out.append(head.method).append(" ").append(head.target).append(" HTTP/1.1\r\n");
  append_field(out, "Host", head.authority.empty() ? outbound.authority : head.authority);
  for (size_t i = 0; i < head.fields.all.size(); ++i) {
    const bool kept = head.fields.kinds[i] == FieldKind::kDate ||
                      (outbound.trusted && kept_of_proxy(head.fields.kinds[i]));
    if (kept || head.fields.passes(i)) {
      append_field(out, head.fields.all[i].name, head.fields.all[i].value);
    }
  }
  append_forwarding(outbound, out);
  append_field(out, "X-Request-Id", outbound.request_id);
  if (head.framing.kind == Framing::Kind::kChunked) {
    out += "Transfer-Encoding: chunked\r\n";
  } else if (head.fields.length) {
    out += "Content-Length: ";
    append_number(out, *head.fields.length);
    out += "\r\n";
  }
  out += "\r\n";
}

void write_response(const Inbound& inbound, std::string& out) {
  const ResponseHead& head = inbound.head;
  out += "HTTP/1.1 ";
  append_number(out, static_cast<uint64_t>(head.status));
  out.append(" ").append(head.reason).append("\r\n");
  if (!head.fields.date) append_field(out, "Date", http::http_date(inbound.now));
  for (size_t i = 0; i < head.fields.all.size(); ++i) {
    // What is a request's to say is an ordinary field here.
    const FieldKind kind = head.fields.kinds[i];
    const bool framing = kind == FieldKind::kContentLength ||
                         kind == FieldKind::kTransferEncoding || kind == FieldKind::kConnection ||
                         kind == FieldKind::kHop || kind == FieldKind::kRequestId;
    if (framing || head.fields.is_named(i)) continue;
    append_field(out, head.fields.all[i].name, head.fields.all[i].value);
  }
  for (const auto& [name, value] : inbound.added) append_field(out, name, value);
  append_field(out, "X-Request-Id", inbound.request_id);
  if (inbound.chunked) {
    out += "Transfer-Encoding: chunked\r\n";
  } else if (head.fields.length && head.status != 204) {
    out += "Content-Length: ";
    append_number(out, *head.fields.length);
    out += "\r\n";
  }
  if (inbound.close) {
    out += "Connection: close\r\n";
  } else if (inbound.keep_alive) {
    out += "Connection: keep-alive\r\n";
  }
  out += "\r\n";
}

}  // namespace proxy
