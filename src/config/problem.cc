#include "config/problem.h"

#include <algorithm>
#include <numeric>

namespace config {
namespace {

constexpr size_t kEditsMax = 2;
constexpr size_t kWordMax = 64;  // A longer word is no misspelled key; keeps distance() cheap.

// Optimal string alignment: three rows of the table.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

}  // namespace

std::string to_string(const Problem& problem) {
  std::string text = problem.file;
  if (problem.line > 0) text += ':' + std::to_string(problem.line);
  if (problem.line > 0 && problem.column > 0) text += ':' + std::to_string(problem.column);
  return text.empty() ? problem.what : text + ": " + problem.what;
}

void Problems::add(limiter::Mark where, std::string_view what) {
  if (found_.size() == kMax) {
    ++left_out_;
    return;
  }
  found_.push_back({std::move(where.file), where.line, where.column, shown(what, kWhatMax)});
}

std::vector<Problem> Problems::sorted() const {
  std::vector<std::string_view> files;
  for (const Problem& problem : found_) {
    if (std::ranges::find(files, problem.file) == files.end()) files.push_back(problem.file);
  }
  const auto place = [&](const Problem& problem) {
    return std::tuple(std::ranges::find(files, problem.file) - files.begin(), problem.line,
                      problem.column);
  };
  std::vector<Problem> all = found_;
  std::ranges::stable_sort(all, {}, place);
  if (left_out_ > 0) all.push_back({{}, 0, 0, std::to_string(left_out_) + " more problems"});
  return all;
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> known) {
  if (word.size() > kWordMax) return {};
  std::string_view best;
  size_t least = std::min(kEditsMax, word.size() / 2) + 1;
  for (const std::string_view candidate : known) {
    const size_t edits = distance(word, candidate);
    if (edits >= least) continue;
    least = edits;
    best = candidate;
  }
  return best;
}

std::string suggestion(std::string_view word, std::span<const std::string_view> known) {
  const std::string_view near = nearest(word, known);
  return near.empty() ? std::string() : " (" + std::string(near) + "?)";
}

std::string shown(std::string_view text, size_t most) {
  std::string out(text.substr(0, most));
  // Not in the middle of a character: drop a cut-off UTF-8 sequence.
  if (text.size() > most) {
    while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xC0) == 0x80) out.pop_back();
    if (!out.empty() && static_cast<unsigned char>(out.back()) >= 0xC0) out.pop_back();
    out += "…";
  }
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return out;
}

}  // namespace config
