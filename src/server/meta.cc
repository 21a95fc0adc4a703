#include "server/meta.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/hash.h"

namespace server {
namespace {

constexpr const char* kFile = "meta";
constexpr const char* kTemporary = "meta.new";
constexpr std::string_view kHead = "ratelimmq data ";
constexpr uint32_t kVersion = 1;
constexpr size_t kBytesMax = 4096;

std::string hex(uint64_t value) {
  std::string out(16, '0');
  for (size_t i = 16; i-- > 0; value >>= 4) out[i] = "0123456789abcdef"[value & 15];
  return out;
}

uint64_t checksum(std::string_view text) { return base::hash128(text, kVersion).low; }

// Takes "NAME VALUE\n" from the front.
std::optional<uint64_t> take_line(std::string_view& text, std::string_view name, int radix) {
  const size_t end = text.find('\n');
  if (end == text.npos || !text.starts_with(name)) return std::nullopt;
  const std::string_view value = text.substr(0, end).substr(name.size());
  uint64_t number = 0;
  const auto [stop, error] =
      std::from_chars(value.data(), value.data() + value.size(), number, radix);
  if (error != std::errc() || stop != value.data() + value.size()) return std::nullopt;
  text.remove_prefix(end + 1);
  return number;
}

base::Error damaged() { return {base::Code::kIo, "meta: damaged", "data"}; }

base::Result<std::string> read_file(base::Disk& disk, const std::string& path) {
  base::Result<std::unique_ptr<base::File>> file = disk.open(path);
  if (!file) return file.error();
  std::string text(kBytesMax, '\0');
  const base::Result<size_t> got = (*file)->read(0, text);
  if (!got) return got.error();
  text.resize(*got);
  return text;
}

// Whole or not at all: a name that is there has all its bytes.
base::Status write_whole(base::Disk& disk, std::string_view text) {
  if (const base::Status left = disk.remove(kTemporary);
      !left && left.error().code != base::Code::kNotFound) {
    return left;
  }
  base::Result<std::unique_ptr<base::File>> file = disk.create(kTemporary);
  if (!file) return file.error();
  if (const base::Status done = (*file)->write(0, text); !done) return done;
  if (const base::Status done = (*file)->sync(); !done) return done;
  if (const base::Status done = disk.rename(kTemporary, kFile); !done) return done;
  return disk.sync_dir("");
}

}  // namespace

std::string write_meta(const Meta& meta) {
  std::string out = std::string(kHead) + std::to_string(kVersion) + "\nshards " +
                    std::to_string(meta.shards) + "\nseed " + hex(meta.seed) + '\n';
  return out + "check " + hex(checksum(out)) + '\n';
}

base::Result<Meta> read_meta(std::string_view text) {
  std::string_view rest = text;
  const auto version = take_line(rest, kHead, 10);
  if (!version) return damaged();
  if (*version > kVersion) {
    return base::Error{base::Code::kIo,
                       "written by a newer version: its format is " + std::to_string(*version) +
                           ", this program knows " + std::to_string(kVersion),
                       "data"};
  }
  const auto shards = take_line(rest, "shards ", 10);
  const auto seed = take_line(rest, "seed ", 16);
  if (!shards || !seed || *shards < 1 || *shards > kShardsMax) return damaged();
  const Meta meta{static_cast<uint32_t>(*shards), *seed};
  if (write_meta(meta) != text) return damaged();
  return meta;
}

base::Result<Meta> open_meta(base::Disk& disk, const Meta& fresh, uint32_t wanted) {
  const base::Result<std::string> text = read_file(disk, kFile);
  if (!text && text.error().code != base::Code::kNotFound) return text.error();
  if (!text) {
    if (const base::Status done = write_whole(disk, write_meta(fresh)); !done) return done.error();
    return fresh;
  }
  const base::Result<Meta> meta = read_meta(*text);
  if (!meta || wanted == 0 || meta->shards == wanted) return meta;
  return base::invalid("shards: the data directory was made with " + std::to_string(meta->shards) +
                           " and keeps them; " + std::to_string(wanted) +
                           " need a new directory (or say auto)",
                       "shards");
}

}  // namespace server
