// A disk in memory that loses what was not synced, for tests. Deterministic: what a crash keeps is
// drawn from the generator it is given.
//
// Model. A file's bytes live in sectors of 512; a crash keeps of each sector that was written since
// the last sync() either the old or the new content, and of the length either. The entries of a
// directory change in order; a crash keeps a prefix of the changes since the last sync_dir().
// make_dir() is durable at once. Space is counted by the length of files; directories are free.
//
// Thread: one.
#pragma once
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/disk.h"
#include "base/random.h"

namespace wal {

class MemoryDisk final : public base::Disk {
 public:
  static constexpr size_t kSectorBytes = 512;
  static constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();

  MemoryDisk();
  ~MemoryDisk() override;

  base::Result<std::unique_ptr<base::File>> create(const std::string& path) override;
  base::Result<std::unique_ptr<base::File>> open(const std::string& path) override;
  base::Result<std::vector<std::string>> list(const std::string& dir) override;
  base::Status make_dir(const std::string& dir) override;
  base::Status rename(const std::string& from, const std::string& to) override;
  base::Status remove(const std::string& path) override;
  base::Status sync_dir(const std::string& dir) override;

  // Power is lost and comes back. Files that were open answer kIo from now on.
  void crash(base::Random& random);

  // Faults. Counts are of calls from now on: 0 is the next one. A write that fails has written the
  // first half of its bytes; a sync that fails has synced nothing.
  void fail_write(uint64_t after, base::Code code = base::Code::kIo);
  void fail_sync(uint64_t after);    // Of a file.
  void die(uint64_t after);          // Every call that changes the disk fails, until crash().
  void limit_space(uint64_t bytes);  // Of all files together.
  uint64_t space_used() const;
  uint64_t changes() const { return changes_; }  // Calls so far that changed the disk.
  uint64_t writes() const { return writes_; }
  uint64_t syncs() const { return syncs_; }
  uint64_t reads() const { return reads_; }

  // Behind the back of everybody, durable at once. REQUIRES: the file is there.
  std::string contents(const std::string& path) const;
  void set_contents(const std::string& path, std::string bytes);
  void flip(const std::string& path, uint64_t offset, uint8_t bits);

 private:
  struct Inode;
  class OpenFile;
  using Entries = std::map<std::string, std::shared_ptr<Inode>>;
  struct Change {  // Of a directory; an inode that is null: removed.
    std::vector<std::pair<std::string, std::shared_ptr<Inode>>> entries;
  };
  struct Directory {
    Entries now, durable;
    std::vector<Change> since;
  };

  base::Status may_change();
  base::Status may_write();
  base::Status may_sync();
  base::Status grow(Inode& inode, uint64_t bytes);
  Directory* directory_of(const std::string& path, std::string& name);
  std::shared_ptr<Inode> find(const std::string& path) const;

  std::map<std::string, Directory> directories_;
  uint64_t life_ = 0;
  uint64_t changes_ = 0, writes_ = 0, syncs_ = 0, reads_ = 0;
  uint64_t write_fails_at_ = kNever, sync_fails_at_ = kNever, dies_at_ = kNever;
  base::Code write_fails_with_ = base::Code::kIo;
  uint64_t space_ = kNever;
};

}  // namespace wal
