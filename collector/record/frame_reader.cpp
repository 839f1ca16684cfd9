#include "collector/record/frame_reader.h"

#include <algorithm>

namespace ballast::record {
namespace {

constexpr std::string_view kMagicBytes = "BLR1";

}  // namespace

void FrameReader::Feed(std::string_view bytes) {
  // Consumed bytes are dropped when they are the larger part: amortised O(1).
  if (start_ > buffer_.size() / 2) {
    buffer_.erase(0, start_);
    start_ = 0;
  }
  buffer_.append(bytes);
}

std::optional<model::Record> FrameReader::Next() {
  for (;;) {
    const std::string_view rest = std::string_view(buffer_).substr(start_);
    const auto size = FrameSize(rest);
    if (!size) {
      SkipToMagic();
      continue;
    }
    if (*size == 0 || *size > rest.size()) return std::nullopt;
    auto record = DecodeFrame(rest.substr(0, *size), &counters_.unknown);
    if (record) {
      start_ += *size;
      ++counters_.records;
      return *std::move(record);
    }
    if (record.error().code() == std::errc::operation_not_supported) {
      start_ += *size;  // sound, but newer than this reader
      continue;
    }
    // The length may be what is damaged, so only the magic is passed over.
    ++counters_.damaged_frames;
    SkipToMagic();
  }
}

void FrameReader::SkipToMagic() {
  const std::size_t next = buffer_.find(kMagicBytes, start_ + 1);
  // A magic may be split between two pieces: its first three bytes stay.
  const std::size_t to =
      next != std::string::npos
          ? next
          : std::max(start_ + 1, buffer_.size() - std::min<std::size_t>(buffer_.size(), 3));
  counters_.skipped_bytes += to - start_;
  start_ = to;
}

}  // namespace ballast::record
