#pragma once

// The values of a BPF_F_MMAPABLE array, as memory: reading one costs a load.
// The kernel writes them while we read; every field is one aligned machine word
// or less, so a value may be a moment old but never torn.
//
// Not thread-safe; owned by the reader of one map, outlived by KernelSide.

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "collector/base/check.h"
#include "collector/base/result.h"

namespace ballast::source {

template <typename Value>
class MappedArray {
 public:
  // The kernel spaces values by 8 bytes; a Value of another size would need a stride.
  static_assert(sizeof(Value) % 8 == 0);
  static constexpr int kAccess = std::is_const_v<Value> ? PROT_READ : PROT_READ | PROT_WRITE;

  static Result<MappedArray> Open(int map_fd, std::size_t entries) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t bytes = (entries * sizeof(Value) + page - 1) / page * page;
    void* memory = ::mmap(nullptr, bytes, kAccess, MAP_SHARED, map_fd, 0);
    if (memory == MAP_FAILED) return Error::FromErrno(errno, "map a BPF array");
    return MappedArray(static_cast<Value*>(memory), entries, bytes);
  }

  MappedArray(MappedArray&& other) noexcept
      : values_(std::exchange(other.values_, nullptr)),
        entries_(other.entries_),
        bytes_(other.bytes_) {}
  MappedArray& operator=(MappedArray&& other) noexcept {
    std::swap(values_, other.values_);
    std::swap(entries_, other.entries_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~MappedArray() {
    if (values_ != nullptr) ::munmap(const_cast<std::remove_const_t<Value>*>(values_), bytes_);
  }

  Value& operator[](std::size_t index) const {
    BALLAST_CHECK(index < entries_, "index beyond the map");
    return values_[index];
  }
  std::size_t size() const { return entries_; }

 private:
  MappedArray(Value* values, std::size_t entries, std::size_t bytes)
      : values_(values), entries_(entries), bytes_(bytes) {}

  Value* values_;
  std::size_t entries_;
  std::size_t bytes_;
};

}  // namespace ballast::source
