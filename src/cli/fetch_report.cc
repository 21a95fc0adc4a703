#include "cli/fetch_report.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <vector>

#include "protocol/json_text.h"

namespace cli {
namespace {

constexpr size_t kBytesAtOnce = size_t{64} << 10;
constexpr int kBarCells = 24;

std::string milliseconds(base::Duration span) {
  char text[32];
  const int64_t us = span.count() / 1000;
  std::snprintf(text, sizeof text, "%" PRId64 ".%03d", us / 1000, static_cast<int>(us % 1000));
  return text;
}

std::string size_text(uint64_t bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  size_t unit = 0;
  uint64_t tenths = bytes * 10;
  if (bytes >= (uint64_t{1} << 60)) return std::to_string(bytes >> 60) + " EiB";
  for (; tenths >= 10'240; tenths /= 1024) ++unit;
  char text[32];
  if (unit == 0)
    std::snprintf(text, sizeof text, "%" PRIu64 " B", bytes);
  else
    std::snprintf(text, sizeof text, "%" PRIu64 ".%d %s", tenths / 10,
                  static_cast<int>(tenths % 10), kUnits[unit]);
  return text;
}

// A terminal is not to be driven by what a server or a file says.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) out += static_cast<unsigned char>(c) < ' ' || c == 0x7f ? '?' : c;
  return out;
}

}  // namespace

void FetchReport::add(const fetch::Finished& finished, std::string_view file, base::Time now) {
  const fetch::Result& result = finished.result;
  if (terms_.json) {
    add_json(finished, file);
  } else {
    add_row(finished, file);
    Sums* sums = &other_;
    if (const auto found = hosts_.find(finished.host); found != hosts_.end())
      sums = &found->second;
    else if (!finished.host.empty() && hosts_.size() < kHostsMax)
      sums = &hosts_[std::string(finished.host)];
    for (Sums* const each : {sums, &all_}) {
      ++(result.ok ? each->ok : each->failed);
      each->bytes += result.bytes_read;
      each->elapsed += result.elapsed;
    }
  }
  failed_ += !result.ok;
  if (out_.size() >= kBytesAtOnce || now - flushed_ >= kFlush) flush(now);
}

void FetchReport::add_json(const fetch::Finished& finished, std::string_view file) {
  const fetch::Result& result = finished.result;
  constexpr auto kReplace = protocol::BadUtf8::kReplace;
  out_.append(result.ok ? R"({"ok":true,"status_code":)" : R"({"ok":false,"status_code":)")
      .append(std::to_string(result.status_code))
      .append(R"(,"bytes_read":)")
      .append(std::to_string(result.bytes_read))
      .append(R"(,"elapsed_ms":)")
      .append(milliseconds(result.elapsed))
      .append(R"(,"url":)");
  protocol::append_quoted(out_, result.url, kReplace);
  out_.append(R"(,"error":)");
  if (result.error.empty())
    out_.append("null");
  else
    protocol::append_quoted(out_, result.error, kReplace);
  if (!file.empty()) {
    out_.append(R"(,"file":)");
    protocol::append_quoted(out_, file, kReplace);
  }
  out_.append("}\n");
}

void FetchReport::add_row(const fetch::Finished& finished, std::string_view file) {
  const fetch::Result& result = finished.result;
  if (!std::exchange(headed_, true)) out_.append("STATUS       BYTES          MS  URL\n");
  char head[64];
  std::snprintf(head, sizeof head, "%-6s %11" PRIu64 " %11s  ",
                result.status_code == 0 ? "-" : std::to_string(result.status_code).c_str(),
                result.bytes_read, milliseconds(result.elapsed).c_str());
  out_.append(head).append(plain(result.url));
  if (!result.error.empty()) out_.append("  ").append(plain(result.error));
  if (!file.empty()) out_.append("  > ").append(file);
  out_.append("\n");
}

void FetchReport::flush(base::Time now) {
  flushed_ = now;
  if (out_.empty() || broken_) return;
  if (terms_.bar_over) clear_bar();
  std::string_view left = out_;
  while (!left.empty()) {
    const ssize_t put = ::write(STDOUT_FILENO, left.data(), left.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) {
      broken_ = true;
      if (errno != EPIPE) broken_why_ = std::string("standard output: ") + std::strerror(errno);
      break;
    }
    left.remove_prefix(static_cast<size_t>(put));
  }
  out_.clear();
}

void FetchReport::clear_bar() {
  if (std::exchange(bar_shown_, false)) std::fputs("\r\x1b[K", stderr);
}

void FetchReport::draw(const fetch::Progress& progress, std::optional<uint64_t> all,
                       base::Time now) {
  if (!terms_.bar) return;
  std::string bar;
  if (all && *all > 0) {
    const auto full = static_cast<int>(progress.finished * kBarCells / *all);
    bar = "[" + std::string(static_cast<size_t>(full), '#') +
          std::string(static_cast<size_t>(kBarCells - full), '.') + "] ";
  }
  const int64_t ms = std::max<int64_t>(1, (now - drawn_).count() / 1'000'000);
  const uint64_t rate = drawn_ == base::Time{} ? 0
                                               : (progress.finished - drawn_finished_) * 1000 /
                                                     static_cast<uint64_t>(ms);
  drawn_ = now;
  drawn_finished_ = progress.finished;
  std::fprintf(
      stderr, "\r\x1b[K%s%" PRIu64 "%s%s done, %zu in flight, %" PRIu64 "/s, %zu hosts blocked",
      bar.c_str(), progress.finished, all ? " of " : "", all ? std::to_string(*all).c_str() : "",
      progress.in_flight, rate, progress.blocked_hosts);
  std::fflush(stderr);
  bar_shown_ = true;
}

void FetchReport::total(std::string_view name, const Sums& sums) {
  const uint64_t count = sums.ok + sums.failed;
  if (count == 0) return;
  char row[128];
  std::snprintf(row, sizeof row, "%9" PRIu64 " %9" PRIu64 " %11s %11s  ", sums.ok, sums.failed,
                size_text(sums.bytes).c_str(),
                milliseconds(sums.elapsed / static_cast<int64_t>(count)).c_str());
  out_.append(row).append(plain(name)).append("\n");
}

void FetchReport::totals() {
  clear_bar();
  if (terms_.json || !headed_) return;
  std::vector<std::pair<std::string, Sums>> rows(hosts_.begin(), hosts_.end());
  const auto busier = [](const auto& a, const auto& b) {
    const uint64_t x = a.second.ok + a.second.failed, y = b.second.ok + b.second.failed;
    return x != y ? x > y : a.first < b.first;
  };
  std::ranges::sort(rows, busier);
  out_.append("\n       OK    FAILED       BYTES     MEAN MS  HOST\n");
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i < kHostsShown) {
      total(rows[i].first, rows[i].second);
      continue;
    }
    other_.ok += rows[i].second.ok;
    other_.failed += rows[i].second.failed;
    other_.bytes += rows[i].second.bytes;
    other_.elapsed += rows[i].second.elapsed;
  }
  total("(other)", other_);
  total("(all)", all_);
}

}  // namespace cli
