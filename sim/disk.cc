#include "sim/disk.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace sim {
namespace {

base::Error io_error(const std::string& path, std::string_view what) {
  return {base::Code::kIo, path + ": " + std::string(what), {}};
}

uint64_t sectors(uint64_t bytes) { return (bytes + kSectorBytes - 1) / kSectorBytes; }

std::string parent(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

}  // namespace

// ---- Inode

void Inode::touch(uint64_t first, uint64_t end) {
  for (uint64_t sector = first / kSectorBytes; sector < sectors(end); ++sector) {
    const auto [at, fresh] = platter_.try_emplace(sector);
    if (!fresh) continue;
    const uint64_t begin = sector * kSectorBytes;
    at->second.assign(kSectorBytes, '\0');
    if (begin < bytes_.size()) bytes_.copy(at->second.data(), kSectorBytes, begin);
  }
}

void Inode::write(uint64_t offset, std::string_view bytes) {
  if (bytes.empty()) return;
  touch(offset, offset + bytes.size());
  if (bytes_.size() < offset + bytes.size()) bytes_.resize(offset + bytes.size());
  std::memcpy(bytes_.data() + offset, bytes.data(), bytes.size());
  allocate(bytes_.size());
}

void Inode::resize(uint64_t bytes) {
  if (bytes < bytes_.size()) touch(bytes, bytes_.size());
  bytes_.resize(bytes);
  allocated_ = std::min(allocated_, sectors(bytes) * kSectorBytes);
}

void Inode::allocate(uint64_t bytes) {
  allocated_ = std::max(allocated_, sectors(bytes) * kSectorBytes);
}

void Inode::sync() {
  platter_.clear();
  synced_bytes_ = bytes_.size();
}

void Inode::lose_unsynced(base::Random& random) {
  const uint64_t mood = random.below(4);  // 0: all is lost, 1: all is kept, else some.
  const auto keeps = [&] { return mood == 1 || (mood > 1 && random.below(2) == 0); };
  const uint64_t live = bytes_.size();
  uint64_t end = keeps() ? live : synced_bytes_;
  bytes_.resize(std::max(live, synced_bytes_));
  for (const auto& [sector, old] : platter_) {
    const uint64_t begin = sector * kSectorBytes;
    const uint64_t length = std::min<uint64_t>(kSectorBytes, bytes_.size() - begin);
    const bool cut_off = end > live && begin + length > live;  // A truncate() that is undone.
    if (!cut_off && keeps()) {
      end = std::max(end, std::min(begin + length, live));
    } else {
      std::memcpy(bytes_.data() + begin, old.data(), length);
    }
  }
  bytes_.resize(end);
  sync();
}

void Inode::drop_unsynced() {
  for (const auto& [sector, old] : platter_) {
    const uint64_t begin = sector * kSectorBytes;
    if (begin >= bytes_.size()) continue;
    std::memcpy(bytes_.data() + begin, old.data(),
                std::min<uint64_t>(kSectorBytes, bytes_.size() - begin));
  }
  platter_.clear();
}

void Inode::flip(uint64_t byte, uint32_t bit) {
  CHECK(byte < bytes_.size());
  bytes_[byte] = static_cast<char>(bytes_[byte] ^ (1 << (bit % 8)));
}

// ---- OpenFile

class OpenFile : public base::File {
 public:
  OpenFile(Disk& disk, std::shared_ptr<Inode> inode, std::string path)
      : disk_(disk), inode_(std::move(inode)), path_(std::move(path)), life_(disk.life_) {}

  base::Status write(uint64_t offset, std::string_view bytes) override {
    CHECK(life_ == disk_.life_);
    if (const base::Status status = disk_.spend(); !status) {
      inode_->write(offset, bytes.substr(0, disk_.random_.below(bytes.size() + 1)));  // Torn.
      return status;
    }
    if (auto& left = disk_.faults.fail_write_after; left && (*left)-- == 0) {
      left.reset();
      inode_->write(offset, bytes.substr(0, disk_.random_.below(bytes.size() + 1)));
      return io_error(path_, "Input/output error");
    }
    const uint64_t end = sectors(offset + bytes.size()) * kSectorBytes;
    if (end > inode_->allocated() && !disk_.has_space(end - inode_->allocated())) return full();
    inode_->write(offset, bytes);
    return {};
  }

  base::Status sync() override {
    CHECK(life_ == disk_.life_);
    const base::Status status = disk_.spend_sync();
    if (status) {
      inode_->sync();
    } else if (!disk_.powerless()) {
      inode_->drop_unsynced();
    }
    return status;
  }

  base::Status reserve(uint64_t bytes) override {
    CHECK(life_ == disk_.life_);
    if (const base::Status status = disk_.spend(); !status) return status;
    const uint64_t end = sectors(bytes) * kSectorBytes;
    if (end > inode_->allocated() && !disk_.has_space(end - inode_->allocated())) return full();
    inode_->allocate(bytes);
    if (inode_->bytes().size() < bytes) inode_->resize(bytes);
    inode_->allocate(bytes);
    return {};
  }

  base::Status truncate(uint64_t bytes) override {
    CHECK(life_ == disk_.life_);
    if (const base::Status status = disk_.spend(); !status) return status;
    inode_->resize(bytes);
    return {};
  }

  base::Result<size_t> read(uint64_t offset, std::span<char> to) const override {
    CHECK(life_ == disk_.life_);
    if (disk_.powerless()) return io_error(path_, "no power");
    const std::string& bytes = inode_->bytes();
    if (offset >= bytes.size()) return size_t{0};
    return bytes.copy(to.data(), to.size(), offset);
  }

  base::Result<uint64_t> size() const override {
    if (disk_.powerless()) return io_error(path_, "no power");
    return uint64_t{inode_->bytes().size()};
  }

 private:
  base::Error full() const {
    return {base::Code::kReadOnly, path_ + ": No space left on device", {}};
  }

  Disk& disk_;
  std::shared_ptr<Inode> inode_;
  std::string path_;
  uint64_t life_;
};

// ---- Disk

base::Status Disk::spend() {
  if (powerless_) return io_error("disk", "no power");
  ++calls_;
  if (faults.power_cut_after && (*faults.power_cut_after)-- == 0) {
    faults.power_cut_after.reset();
    powerless_ = true;
    return io_error("disk", "no power");
  }
  return {};
}

base::Status Disk::spend_sync() {
  if (const base::Status status = spend(); !status) return status;
  if (faults.fail_sync_after && (*faults.fail_sync_after)-- == 0) {
    faults.fail_sync_after.reset();
    return io_error("disk", "Input/output error");
  }
  return {};
}

void Disk::note(Change change) {
  for (const auto& [path, inode] : change.names) {
    if (inode) {
      names_[path] = inode;
    } else {
      names_.erase(path);
    }
  }
  changes_.push_back(std::move(change));
}

base::Result<std::unique_ptr<base::File>> Disk::create(const std::string& path) {
  if (const base::Status status = spend(); !status) return status.error();
  if (names_.contains(path)) return io_error(path, "File exists");
  if (!dirs_.contains(parent(path))) return base::Error{base::Code::kNotFound, path, {}};
  auto inode = std::make_shared<Inode>();
  note({parent(path), {{path, inode}}});
  return std::unique_ptr<base::File>(new OpenFile(*this, std::move(inode), path));
}

base::Result<std::unique_ptr<base::File>> Disk::open(const std::string& path) {
  if (powerless_) return io_error(path, "no power");
  const auto found = names_.find(path);
  if (found == names_.end()) {
    return base::Error{base::Code::kNotFound, path + ": No such file or directory", {}};
  }
  return std::unique_ptr<base::File>(new OpenFile(*this, found->second, path));
}

base::Result<std::vector<std::string>> Disk::list(const std::string& dir) {
  if (powerless_) return io_error(dir, "no power");
  if (!dirs_.contains(dir)) {
    return base::Error{base::Code::kNotFound, dir + ": No such file or directory", {}};
  }
  std::vector<std::string> found;
  for (const auto& [path, inode] : names_) {
    if (parent(path) == dir) found.push_back(path.substr(dir.empty() ? 0 : dir.size() + 1));
  }
  return found;  // Of one directory in the order of paths: sorted.
}

base::Status Disk::make_dir(const std::string& dir) {
  if (const base::Status status = spend(); !status) return status;
  for (std::string each = dir; !each.empty(); each = parent(each)) dirs_.insert(each);
  dirs_.insert("");
  return {};
}

base::Status Disk::rename(const std::string& from, const std::string& to) {
  if (const base::Status status = spend(); !status) return status;
  const auto found = names_.find(from);
  if (found == names_.end()) {
    return base::Error{base::Code::kNotFound, from + ": No such file or directory", {}};
  }
  CHECK(parent(from) == parent(to));  // Across directories nobody asks for it.
  note({parent(to), {{to, found->second}, {from, nullptr}}});
  return {};
}

base::Status Disk::remove(const std::string& path) {
  if (const base::Status status = spend(); !status) return status;
  if (!names_.contains(path)) {
    return base::Error{base::Code::kNotFound, path + ": No such file or directory", {}};
  }
  note({parent(path), {{path, nullptr}}});
  return {};
}

base::Status Disk::sync_dir(const std::string& dir) {
  if (const base::Status status = spend_sync(); !status) return status;
  for (const Change& change : changes_) {
    if (change.dir != dir) continue;
    for (const auto& [path, inode] : change.names) {
      if (inode) {
        durable_[path] = inode;
      } else {
        durable_.erase(path);
      }
    }
  }
  std::erase_if(changes_, [&](const Change& change) { return change.dir == dir; });
  return {};
}

void Disk::cut() {
  const bool ordered =
      random_.below(2) == 0;  // A journal keeps a prefix; others whatever they like.
  const uint64_t prefix = random_.below(changes_.size() + 1);
  for (size_t i = 0; i < changes_.size(); ++i) {
    if (ordered ? i >= prefix : random_.below(2) == 0) continue;
    for (const auto& [path, inode] : changes_[i].names) {
      if (inode) {
        durable_[path] = inode;
      } else {
        durable_.erase(path);
      }
    }
  }
  names_ = durable_;
  changes_.clear();
  std::set<Inode*> seen;
  for (const auto& [path, inode] : names_) {
    if (seen.insert(inode.get()).second) inode->lose_unsynced(random_);
  }
  kill();
}

void Disk::kill() {
  ++life_;
  powerless_ = false;
  faults.power_cut_after.reset();
  faults.fail_write_after.reset();
  faults.fail_sync_after.reset();
}

std::unique_ptr<Disk> Disk::copy(base::Random& random) const {
  auto other = std::make_unique<Disk>(random);
  for (const auto& [path, inode] : names_) {
    other->names_[path] = std::make_shared<Inode>(*inode);
    other->names_[path]->sync();
  }
  other->durable_ = other->names_;
  other->dirs_ = dirs_;
  return other;
}

uint64_t Disk::used() const {
  uint64_t sum = 0;
  for (const auto& [path, inode] : names_) sum += inode->allocated();
  return sum;
}

std::vector<std::string> Disk::files() const {
  std::vector<std::string> paths;
  for (const auto& [path, inode] : names_) paths.push_back(path);
  return paths;
}

const std::string* Disk::bytes(const std::string& path) const {
  const auto found = names_.find(path);
  return found == names_.end() ? nullptr : &found->second->bytes();
}

void Disk::flip(const std::string& path, uint64_t byte, uint32_t bit) {
  names_.at(path)->flip(byte, bit);
}

}  // namespace sim
