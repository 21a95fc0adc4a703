#include "wal/memory_disk.h"

#include <algorithm>

#include "base/check.h"

namespace wal {
namespace {

base::Error io_error(const std::string& what) { return {base::Code::kIo, what, {}}; }

base::Error not_found(const std::string& path) {
  return {base::Code::kNotFound, path + ": no such file", {}};
}

}  // namespace

struct MemoryDisk::Inode {
  std::string now, durable;
  std::set<uint64_t> dirty;  // Sectors of `now` that may differ from `durable`.

  void touch(uint64_t begin, uint64_t end) {
    for (uint64_t sector = begin / kSectorBytes; sector * kSectorBytes < end; ++sector)
      dirty.insert(sector);
  }
  void resize(uint64_t bytes) {
    touch(std::min<uint64_t>(bytes, now.size()), std::max<uint64_t>(bytes, now.size()));
    now.resize(bytes, '\0');
  }
  void copy(uint64_t sector) {
    const uint64_t begin = sector * kSectorBytes;
    if (begin >= now.size() || begin >= durable.size()) return;
    const size_t bytes = std::min({kSectorBytes, now.size() - begin, durable.size() - begin});
    durable.replace(begin, bytes, now, begin, bytes);
  }
  void sync() {
    durable.resize(now.size(), '\0');
    for (const uint64_t sector : dirty) copy(sector);
    dirty.clear();
  }
  // The lengths first: what only the longer one holds may be lost or kept as zeros.
  void crash(base::Random& random) {
    const uint64_t mood = random.below(4);  // All, nothing, or sector by sector.
    const auto keeps = [&] { return mood == 0 || (mood > 1 && random.below(2) == 0); };
    if (keeps()) durable.resize(now.size(), '\0');
    for (const uint64_t sector : dirty)
      if (keeps()) copy(sector);
    now = durable;
    dirty.clear();
  }
};

class MemoryDisk::OpenFile final : public base::File {
 public:
  OpenFile(MemoryDisk& disk, std::string path, std::shared_ptr<Inode> inode)
      : disk_(disk), path_(std::move(path)), inode_(std::move(inode)), life_(disk.life_) {}

  base::Status write(uint64_t offset, std::string_view bytes) override {
    if (auto s = alive(); !s) return s;
    if (auto s = disk_.may_change(); !s) return s;
    const base::Status may = disk_.may_write();
    if (!may) bytes = bytes.substr(0, bytes.size() / 2);
    if (auto s = disk_.grow(*inode_, offset + bytes.size()); !s) return s;
    inode_->now.replace(offset, bytes.size(), bytes);
    inode_->touch(offset, offset + bytes.size());
    return may;
  }
  base::Status sync() override {
    if (auto s = alive(); !s) return s;
    if (auto s = disk_.may_change(); !s) return s;
    if (auto s = disk_.may_sync(); !s) return s;
    inode_->sync();
    return {};
  }
  base::Status reserve(uint64_t bytes) override {
    if (auto s = alive(); !s) return s;
    if (auto s = disk_.may_change(); !s) return s;
    return disk_.grow(*inode_, bytes);
  }
  base::Status truncate(uint64_t bytes) override {
    if (auto s = alive(); !s) return s;
    if (auto s = disk_.may_change(); !s) return s;
    inode_->resize(bytes);
    return {};
  }
  base::Result<size_t> read(uint64_t offset, std::span<char> to) const override {
    if (auto s = alive(); !s) return s.error();
    ++disk_.reads_;
    if (offset >= inode_->now.size()) return size_t{0};
    return inode_->now.copy(to.data(), to.size(), offset);
  }
  base::Result<uint64_t> size() const override {
    if (auto s = alive(); !s) return s.error();
    return inode_->now.size();
  }

 private:
  base::Status alive() const {
    if (life_ != disk_.life_) return io_error(path_ + ": of a life before the crash");
    return {};
  }

  MemoryDisk& disk_;
  std::string path_;
  std::shared_ptr<Inode> inode_;
  uint64_t life_;
};

MemoryDisk::MemoryDisk() { directories_[""]; }
MemoryDisk::~MemoryDisk() = default;

base::Status MemoryDisk::may_change() {
  if (changes_++ >= dies_at_) return io_error("the disk is dead");
  return {};
}

base::Status MemoryDisk::may_write() {
  if (writes_++ != write_fails_at_) return {};
  return base::Error{write_fails_with_, "write failed on purpose", {}};
}

base::Status MemoryDisk::may_sync() {
  if (syncs_++ != sync_fails_at_) return {};
  return io_error("sync failed on purpose");
}

base::Status MemoryDisk::grow(Inode& inode, uint64_t bytes) {
  if (bytes <= inode.now.size()) return {};
  if (space_ != kNever && space_used() + bytes - inode.now.size() > space_)
    return base::Error{base::Code::kReadOnly, "no space left on the disk in memory", {}};
  inode.resize(bytes);
  return {};
}

uint64_t MemoryDisk::space_used() const {
  uint64_t used = 0;
  for (const auto& [dir, directory] : directories_)
    for (const auto& [name, inode] : directory.now) used += inode->now.size();
  return used;
}

MemoryDisk::Directory* MemoryDisk::directory_of(const std::string& path, std::string& name) {
  const size_t slash = path.rfind('/');
  name = slash == path.npos ? path : path.substr(slash + 1);
  const auto found = directories_.find(slash == path.npos ? "" : path.substr(0, slash));
  return found == directories_.end() ? nullptr : &found->second;
}

std::shared_ptr<MemoryDisk::Inode> MemoryDisk::find(const std::string& path) const {
  std::string name;
  const Directory* directory = const_cast<MemoryDisk*>(this)->directory_of(path, name);
  if (directory == nullptr) return nullptr;
  const auto found = directory->now.find(name);
  return found == directory->now.end() ? nullptr : found->second;
}

base::Result<std::unique_ptr<base::File>> MemoryDisk::create(const std::string& path) {
  if (auto s = may_change(); !s) return s.error();
  std::string name;
  Directory* directory = directory_of(path, name);
  if (directory == nullptr) return not_found(path);
  if (directory->now.contains(name)) return io_error(path + ": is there already");
  auto inode = std::make_shared<Inode>();
  directory->now[name] = inode;
  directory->since.push_back({{{name, inode}}});
  return std::make_unique<OpenFile>(*this, path, std::move(inode));
}

base::Result<std::unique_ptr<base::File>> MemoryDisk::open(const std::string& path) {
  auto inode = find(path);
  if (inode == nullptr) return not_found(path);
  return std::make_unique<OpenFile>(*this, path, std::move(inode));
}

base::Result<std::vector<std::string>> MemoryDisk::list(const std::string& dir) {
  const auto found = directories_.find(dir);
  if (found == directories_.end()) return not_found(dir);
  std::vector<std::string> names;
  for (const auto& [name, inode] : found->second.now) names.push_back(name);
  const std::string prefix = dir.empty() ? "" : dir + "/";
  for (const auto& [path, directory] : directories_) {
    const bool child = !path.empty() && path.starts_with(prefix) && path != dir &&
                       path.find('/', prefix.size()) == path.npos;
    if (child) names.push_back(path.substr(prefix.size()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

base::Status MemoryDisk::make_dir(const std::string& dir) {
  if (auto s = may_change(); !s) return s;
  for (size_t slash = dir.find('/'); slash != dir.npos; slash = dir.find('/', slash + 1))
    directories_[dir.substr(0, slash)];
  directories_[dir];
  return {};
}

base::Status MemoryDisk::rename(const std::string& from, const std::string& to) {
  if (auto s = may_change(); !s) return s;
  std::string old_name, new_name;
  Directory* directory = directory_of(from, old_name);
  CHECK(directory != nullptr && directory == directory_of(to, new_name));
  const auto found = directory->now.find(old_name);
  if (found == directory->now.end()) return not_found(from);
  auto inode = found->second;
  directory->now.erase(found);
  directory->now[new_name] = inode;
  directory->since.push_back({{{old_name, nullptr}, {new_name, inode}}});
  return {};
}

base::Status MemoryDisk::remove(const std::string& path) {
  if (auto s = may_change(); !s) return s;
  std::string name;
  Directory* directory = directory_of(path, name);
  if (directory == nullptr || directory->now.erase(name) == 0) return not_found(path);
  directory->since.push_back({{{name, nullptr}}});
  return {};
}

base::Status MemoryDisk::sync_dir(const std::string& dir) {
  if (auto s = may_change(); !s) return s;
  const auto found = directories_.find(dir);
  if (found == directories_.end()) return not_found(dir);
  found->second.durable = found->second.now;
  found->second.since.clear();
  return {};
}

void MemoryDisk::crash(base::Random& random) {
  ++life_;
  write_fails_at_ = sync_fails_at_ = dies_at_ = kNever;
  for (auto& [path, directory] : directories_) {
    const uint64_t kept = random.below(directory.since.size() + 1);
    for (uint64_t i = 0; i < kept; ++i) {
      for (const auto& [name, inode] : directory.since[i].entries) {
        if (inode == nullptr) {
          directory.durable.erase(name);
        } else {
          directory.durable[name] = inode;
        }
      }
    }
    directory.since.clear();
    directory.now = directory.durable;
    for (const auto& [name, inode] : directory.now) inode->crash(random);
  }
}

void MemoryDisk::fail_write(uint64_t after, base::Code code) {
  write_fails_at_ = writes_ + after;
  write_fails_with_ = code;
}
void MemoryDisk::fail_sync(uint64_t after) { sync_fails_at_ = syncs_ + after; }
void MemoryDisk::die(uint64_t after) { dies_at_ = changes_ + after; }
void MemoryDisk::limit_space(uint64_t bytes) { space_ = bytes; }

std::string MemoryDisk::contents(const std::string& path) const {
  const auto inode = find(path);
  CHECK(inode != nullptr);
  return inode->now;
}

void MemoryDisk::set_contents(const std::string& path, std::string bytes) {
  const auto inode = find(path);
  CHECK(inode != nullptr);
  inode->now = inode->durable = std::move(bytes);
  inode->dirty.clear();
}

void MemoryDisk::flip(const std::string& path, uint64_t offset, uint8_t bits) {
  std::string bytes = contents(path);
  CHECK(offset < bytes.size());
  bytes[offset] = static_cast<char>(static_cast<uint8_t>(bytes[offset]) ^ bits);
  set_contents(path, std::move(bytes));
}

}  // namespace wal
