#include <set>

#include "wal/inspect.h"

namespace wal {
namespace {

constexpr size_t kCopyBytes = size_t{1} << 20;

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

base::Status copy_all(base::File& from, base::File& to) {
  std::string block(kCopyBytes, '\0');
  for (uint64_t at = 0;;) {
    const auto got = from.read(at, block);
    if (!got) return got.error();
    if (*got == 0) return to.sync();
    if (auto written = to.write(at, std::string_view(block).substr(0, *got)); !written)
      return written;
    at += *got;
  }
}

// A copy of an earlier repair is kept: the new one gets a number behind its name.
base::Status put_aside(base::Disk& disk, const std::string& dir, const std::string& path) {
  const std::string quarantine = dir + "/quarantine";
  if (auto made = disk.make_dir(quarantine); !made) return made;
  const auto names = disk.list(quarantine);
  if (!names) return names.error();
  const std::set<std::string> taken(names->begin(), names->end());
  std::string name = name_of(path);
  for (int count = 1; taken.contains(name); ++count)
    name = name_of(path) + "." + std::to_string(count);
  auto from = disk.open(path);
  if (!from) return from.error();
  auto to = disk.create(quarantine + "/" + name);
  if (!to) return to.error();
  if (auto copied = copy_all(**from, **to); !copied) return copied;
  return disk.sync_dir(quarantine);
}

base::Status write_gap(base::File& file, const Damage& damage, uint64_t salt) {
  std::string gap;
  append_record(gap, kGapKind, std::string(damage.end - damage.begin - kRecordHeaderBytes, '\0'),
                damage.last_lost, seed_of(salt, damage.segment));
  return file.write(damage.begin, gap);
}

const SegmentReport* find(const Inspection& found, uint32_t number) {
  for (const SegmentReport& report : found.segments)
    if (report.number == number) return &report;
  return nullptr;
}

base::Status take_out(base::Disk& disk, const Inspection& found, const Damage& damage) {
  if (damage.what == Damage::What::kSnapshot) return disk.remove(damage.path);
  auto file = disk.open(damage.path);
  if (!file) return file.error();
  const SegmentHeader& header = find(found, damage.segment)->header;
  base::Status written;
  if (damage.what == Damage::What::kHeader) {
    const auto bytes = encode(header);
    written = (*file)->write(0, {bytes.data(), bytes.size()});
  } else {
    written = write_gap(**file, damage, header.salt);
  }
  return written ? (*file)->sync() : written;
}

}  // namespace

base::Status repair(base::Disk& disk, const std::string& dir, const Inspection& found) {
  std::set<std::string> files;
  for (const Damage& damage : found.damages) {
    if (!damage.repairable()) return base::invalid("cannot be repaired: " + to_string(damage));
    files.insert(damage.path);
  }
  for (const std::string& path : files) {
    if (auto aside = put_aside(disk, dir, path); !aside) return aside;
  }
  for (const Damage& damage : found.damages) {
    if (auto taken = take_out(disk, found, damage); !taken) return taken;
  }
  return disk.sync_dir(dir);
}

}  // namespace wal
