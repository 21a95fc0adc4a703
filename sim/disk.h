// A disk that keeps its promises and not a byte more. What was written and not synced is lost at a
// power cut, in any subset of its sectors; so are names that no sync_dir() covered. It can fill up,
// fail a write or a sync, lose its power in the middle of a call, and flip a bit of what it holds.
//
// Two views: what the operating system has (what reads see, what a killed process leaves behind)
// and what the platter has (what a power cut leaves behind, with some of the difference).
//
// Everything it decides comes from the Random it was given. Thread: one.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/disk.h"
#include "base/random.h"

namespace sim {

inline constexpr size_t kSectorBytes = 512;  // What a power cut keeps or loses as a whole.

// The bytes of a file, under whichever name. Thread: one.
class Inode {
 public:
  const std::string& bytes() const { return bytes_; }
  void write(uint64_t offset, std::string_view bytes);
  void resize(uint64_t bytes);                       // Zeros behind the old end.
  void allocate(uint64_t bytes);                     // Room on the platter; see allocated().
  uint64_t allocated() const { return allocated_; }  // Bytes of the disk that it takes.
  void sync();
  void lose_unsynced(base::Random& random);  // A power cut.
  void drop_unsynced();                      // A failed sync: the system forgets what was dirty.
  void flip(uint64_t byte, uint32_t bit);    // On the platter and for readers.

 private:
  void touch(uint64_t first, uint64_t end);  // Keeps what the platter has of these sectors.

  std::string bytes_;
  std::map<uint64_t, std::string> platter_;  // What dirty sectors were when last synced.
  uint64_t synced_bytes_ = 0;                // The size that is on the platter.
  uint64_t allocated_ = 0;
};

class Disk : public base::Disk {
 public:
  explicit Disk(base::Random& random) : random_(random) {}
  Disk(const Disk&) = delete;

  base::Result<std::unique_ptr<base::File>> create(const std::string& path) override;
  base::Result<std::unique_ptr<base::File>> open(const std::string& path) override;
  base::Result<std::vector<std::string>> list(const std::string& dir) override;
  base::Status make_dir(const std::string& dir) override;
  base::Status rename(const std::string& from, const std::string& to) override;
  base::Status remove(const std::string& path) override;
  base::Status sync_dir(const std::string& dir) override;

  // ---- Faults. Each holds until it is taken back or has happened.
  struct Faults {
    std::optional<uint64_t> power_cut_after;   // Calls that change something; then every call fails
                                               // and changes nothing, until cut().
    std::optional<uint64_t> fail_write_after;  // Writes; the one after them fails, torn. Once.
    std::optional<uint64_t> fail_sync_after;   // Syncs of files or directories. Once.
    uint64_t bytes_max = ~uint64_t{0};         // More cannot be reserved or written.
  };
  Faults faults;
  bool powerless() const { return powerless_; }

  // The power goes and comes back: open files are dead, what was not synced may be lost.
  void cut();
  // The system as a killed process leaves it: open files are dead, nothing is lost.
  void kill();
  // A disk with the same bytes, as the operating system sees them, and no faults.
  std::unique_ptr<Disk> copy(base::Random& random) const;

  uint64_t used() const;                                    // Bytes that files take.
  uint64_t calls() const { return calls_; }                 // That changed something.
  std::vector<std::string> files() const;                   // Paths.
  const std::string* bytes(const std::string& path) const;  // Null: no such file.
  void flip(const std::string& path, uint64_t byte, uint32_t bit);

 private:
  friend class OpenFile;
  using Names = std::map<std::string, std::shared_ptr<Inode>>;  // By path.
  struct Change {  // Of a directory, not yet synced: all of it or nothing.
    std::string dir;
    std::vector<std::pair<std::string, std::shared_ptr<Inode>>> names;  // Null: removed.
  };

  base::Status spend();  // One changing call; an error once the power is gone.
  base::Status spend_sync();
  void note(Change change);
  bool has_space(uint64_t more) const { return used() + more <= faults.bytes_max; }

  base::Random& random_;
  Names names_;                  // As the operating system has them.
  Names durable_;                // As the platter has them.
  std::vector<Change> changes_;  // What leads from durable_ to names_.
  std::set<std::string> dirs_;
  uint64_t life_ = 0;  // Of the machine; files opened in an earlier one are dead.
  uint64_t calls_ = 0;
  bool powerless_ = false;
};

}  // namespace sim
