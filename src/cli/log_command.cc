// log: what is in the log of a server that does not run, and taking out what is corrupt in it.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>

#include "cli/cli.h"
#include "io/file_lock.h"
#include "io/posix_disk.h"
#include "wal/inspect.h"

namespace cli {
namespace {

namespace fs = std::filesystem;

struct Asked {
  std::string action;
  std::string directory;
  bool yes = false;
};

bool is_log(const fs::path& directory) {
  std::error_code error;
  for (fs::directory_iterator i(directory, error), end; !error && i != end; i.increment(error)) {
    const std::string name = i->path().filename().string();
    if (wal::segment_number(name) || wal::snapshot_sequence(name)) return true;
  }
  return false;
}

// The directory itself, or those of its folders that are logs: a data directory holds one a shard.
std::vector<std::string> find_logs(const std::string& directory) {
  if (is_log(directory)) return {"."};
  std::vector<std::string> found;
  std::error_code error;
  for (fs::directory_iterator i(directory, error), end; !error && i != end; i.increment(error))
    if (i->is_directory(error) && is_log(i->path())) found.push_back(i->path().filename().string());
  std::sort(found.begin(), found.end());
  return found;
}

// The data directory has the lock: this one or the one above.
std::string locked_directory(const fs::path& directory) {
  const fs::path above = fs::absolute(directory).lexically_normal() / "..";
  if (!fs::exists(directory / "LOCK") && fs::exists(above / "LOCK"))
    return above.lexically_normal().string();
  return directory.string();
}

void print_segment(const wal::SegmentReport& segment) {
  if (segment.spare) {
    std::printf("  %s  %llu bytes, not used\n", segment.path.c_str(),
                static_cast<unsigned long long>(segment.size));
    return;
  }
  std::printf("  %s  start %u, records %llu to %llu: %llu, marks: %llu, gaps: %llu, %u bytes\n",
              segment.path.c_str(), segment.header.start,
              static_cast<unsigned long long>(segment.header.first),
              static_cast<unsigned long long>(segment.last),
              static_cast<unsigned long long>(segment.records),
              static_cast<unsigned long long>(segment.marks),
              static_cast<unsigned long long>(segment.gaps), segment.data_end);
}

void print(const wal::Inspection& found) {
  for (const wal::SegmentReport& segment : found.segments) print_segment(segment);
  for (size_t kind = 0; kind < found.kinds.size(); ++kind) {
    if (found.kinds[kind] != 0) {
      std::printf("  kind %zu: %llu records\n", kind,
                  static_cast<unsigned long long>(found.kinds[kind]));
    }
  }
  if (found.snapshot) {
    std::printf("  snapshot: replay from %llu, %llu records\n",
                static_cast<unsigned long long>(found.snapshot->from),
                static_cast<unsigned long long>(found.snapshot_records));
  }
  std::printf("  synced: at least up to record %llu\n",
              static_cast<unsigned long long>(found.synced));
  if (found.torn) {
    std::printf("  torn tail: the next start cuts at segment %u, offset %u; never answered\n",
                found.torn->segment, found.torn->offset);
  }
  for (const wal::Damage& damage : found.damages)
    std::printf("  DAMAGED %s\n", wal::to_string(damage).c_str());
}

int failed(const std::string& what) {
  std::fprintf(stderr, "ratelimmq: %s\n", what.c_str());
  return kFailed;
}

int repair_one(base::Disk& disk, const std::string& log, const wal::Inspection& found, bool yes) {
  if (found.damages.empty()) {
    std::printf("  nothing to repair\n");
    return kDone;
  }
  if (!yes) {
    std::printf("  nothing was changed; --yes takes the damage out and keeps copies in %s\n",
                (log + "/quarantine").c_str());
    return kFailed;
  }
  if (const auto repaired = wal::repair(disk, log, found); !repaired)
    return failed(repaired.error().what);
  const auto after = wal::inspect(disk, log);
  if (!after) return failed(after.error().what);
  if (!after->damages.empty()) return failed(wal::to_string(after->damages.front()));
  std::printf("  repaired; the files as they were are in %s\n", (log + "/quarantine").c_str());
  return kDone;
}

int run_one(base::Disk& disk, const std::string& log, const Asked& asked) {
  const auto found = wal::inspect(disk, log);
  if (!found) return failed(found.error().what);
  std::printf("log %s\n", (asked.directory + "/" + log).c_str());
  print(*found);
  if (asked.action == "repair") return repair_one(disk, log, *found, asked.yes);
  return found->damages.empty() ? kDone : kFailed;
}

int run(const Asked& asked) {
  const std::vector<std::string> logs = find_logs(asked.directory);
  if (logs.empty()) return failed(asked.directory + ": holds no log");
  const auto lock = io::FileLock::take(locked_directory(asked.directory));
  if (!lock) return failed(lock.error().what);
  io::PosixDisk disk(asked.directory);
  int worst = kDone;
  for (const std::string& log : logs) worst = std::max(worst, run_one(disk, log, asked));
  return worst;
}

}  // namespace

void add_log(Program& program) {
  const auto asked = std::make_shared<Asked>();  // Shared: the options write, the body reads.
  CLI::App& command = program.add("log", "Inspect or repair the log of a server that does not run",
                                  [asked] { return run(*asked); });
  command.add_option("action", asked->action, "inspect: tell; repair: take out what is corrupt")
      ->required()
      ->check(CLI::IsMember({"inspect", "repair"}));
  command.add_option("directory", asked->directory, "The data directory, or one log of it")
      ->required()
      ->type_name("DIR");
  command.add_flag("--yes", asked->yes, "Repair; without it only what would be done is told");
  command.footer(
      "A repair copies each damaged file to DIR/quarantine, keeps every valid record where it is, "
      "and\nnames the bytes and records that it takes out. Exit code: 0 if nothing is damaged (any "
      "more);\nelse 1.");
}

}  // namespace cli
