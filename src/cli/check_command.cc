// check: was what clients saw of a server allowed?
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>

#include "cli/cli.h"
#include "history/history.h"

namespace cli {
namespace {

struct AskedToCheck {
  std::vector<std::string> files;
  int64_t clock_skew_ms = 0;
};

constexpr int64_t kSkewMsMax = 3'600'000;
constexpr size_t kBlockBytes = size_t{1} << 20;
constexpr size_t kLineShown = 400;

base::Status read_file(const std::string& name, history::Reader& reader) {
  std::ifstream file(name, std::ios::binary);
  if (!file) return base::Error{base::Code::kIo, name + ": cannot be opened", {}};
  reader.begin_file();
  std::string block(kBlockBytes, '\0');
  base::Status status;
  while (!status.has_error() && file) {
    file.read(block.data(), static_cast<std::streamsize>(block.size()));
    status = reader.feed(std::string_view(block).substr(0, static_cast<size_t>(file.gcount())));
  }
  if (file.bad()) return base::Error{base::Code::kIo, name + ": cannot be read", {}};
  if (!status.has_error()) status = reader.end_file();
  if (!status.has_error()) return {};
  return base::invalid(name + ":" + std::to_string(reader.line()) + ": " + status.error().what);
}

// The texts of these lines. A file that has changed meanwhile shows fewer.
std::map<history::Where, std::string> texts(const std::vector<std::string>& files,
                                            const std::vector<history::Where>& wanted) {
  std::map<history::Where, std::string> found;
  for (const history::Where& where : wanted) found[where];
  std::ifstream file;
  history::Where open{~uint32_t{0}, 0};
  for (auto& [where, text] : found) {
    if (open.file != where.file) {
      file = std::ifstream(files[where.file], std::ios::binary);
      open = {where.file, 0};
    }
    while (open.line < where.line && std::getline(file, text)) ++open.line;
    if (text.size() > kLineShown) text = text.substr(0, kLineShown) + "…";
  }
  return found;
}

void print(const history::Finding& finding, const std::vector<std::string>& files) {
  std::printf("violated: %.*s: %s\n", static_cast<int>(finding.law.size()), finding.law.data(),
              finding.what.c_str());
  const auto found = texts(files, finding.lines);
  for (const history::Where& where : finding.lines) {
    std::printf("  %s:%u: %s\n", files[where.file].c_str(), where.line, found.at(where).c_str());
  }
}

int check(const AskedToCheck& asked) {
  history::Reader reader;
  for (const std::string& file : asked.files) {
    if (const auto status = read_file(file, reader); status.has_error()) {
      std::fprintf(stderr, "ratelimmq: %s\n", status.error().what.c_str());
      return kUsage;
    }
  }
  const history::Verdict verdict =
      history::check(reader.take(), {.clock_skew = asked.clock_skew_ms * history::kMillisecond});
  if (const history::Finding* first = verdict.findings.first()) {
    print(*first, asked.files);
    for (const auto& [law, count] : verdict.findings.counts())
      std::printf("%zu of law %.*s\n", count, static_cast<int>(law.size()), law.data());
    return kFailed;
  }
  std::printf("OK: %llu events, %llu messages, %llu deliveries, %llu lives of the server\n",
              static_cast<unsigned long long>(verdict.events),
              static_cast<unsigned long long>(verdict.messages),
              static_cast<unsigned long long>(verdict.deliveries),
              static_cast<unsigned long long>(verdict.lives));
  return kDone;
}

}  // namespace

void add_check(Program& program) {
  const auto asked =
      std::make_shared<AskedToCheck>();  // Shared: the options write, the body reads.
  CLI::App& command = program.add("check", "Judge a recorded history by the laws of the queue",
                                  [asked] { return check(*asked); });
  command.add_option("history", asked->files, "Files that clients, tests or the simulator wrote")
      ->required()
      ->type_name("HISTORY");
  command
      .add_option("--allow-clock-skew", asked->clock_skew_ms,
                  "Milliseconds by which clocks may differ without a fault")
      ->check(CLI::Range(int64_t{0}, kSkewMsMax))
      ->type_name("MS");
  command.footer(
      "Prints the earliest violation with the events that show it. Exit code: 0 if every law "
      "holds;\n"
      "1 if one does not; 2 if a file is no history.");
}

}  // namespace cli
