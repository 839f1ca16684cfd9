#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collector/model/record.h"
#include "collector/record/codec.h"

namespace ballast::record {

// Records out of a stream of bytes that arrives in pieces: a socket, a file.
//
//   reader.Feed(bytes);
//   while (auto record = reader.Next()) state.Apply(*record);
//
// Damage costs the damaged frame and no other: the reader goes to the next
// magic whose frame is whole and sound. What was lost is counted, and the
// sequence numbers show it to State as a gap.
// Not thread-safe; owned by one reader.
class FrameReader {
 public:
  struct Counters {
    std::uint64_t records = 0;
    std::uint64_t damaged_frames = 0;
    std::uint64_t skipped_bytes = 0;  // passed over while looking for a frame
    Unknown unknown;
  };

  void Feed(std::string_view bytes);
  // The next record; nullopt: feed more.
  std::optional<model::Record> Next();

  const Counters& counters() const { return counters_; }
  // Bytes of an unfinished frame. Not zero at the end of a file: it was cut.
  std::size_t pending_bytes() const { return buffer_.size() - start_; }

 private:
  void SkipToMagic();

  std::string buffer_;
  std::size_t start_ = 0;
  Counters counters_;
};

}  // namespace ballast::record
