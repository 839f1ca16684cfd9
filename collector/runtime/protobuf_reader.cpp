#include "collector/runtime/protobuf_reader.h"

namespace ballast::runtime {
namespace {

// protobuf.dev, "Encoding": the low three bits of a tag.
enum WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

}  // namespace

bool ProtobufReader::Take(std::size_t bytes) {
  if (bytes > rest_.size()) return false;
  bytes_ = rest_.substr(0, bytes);
  rest_.remove_prefix(bytes);
  return true;
}

bool ProtobufReader::TakeVarint(std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7fU} << shift;
    if ((byte & 0x80) == 0) return true;
  }
  return false;
}

bool ProtobufReader::Next() {
  if (rest_.empty() || is_broken_) return false;
  number_ = 0;
  bytes_ = {};
  std::uint64_t tag = 0;
  bool is_read = TakeVarint(tag);
  field_ = static_cast<std::uint32_t>(tag >> 3);
  std::uint64_t length = 0;
  switch (tag & 7) {
    case kVarint:
      is_read = is_read && TakeVarint(number_);
      break;
    case kBytes:
      is_read = is_read && TakeVarint(length) && Take(length);
      break;
    case kFixed64:
    case kFixed32:
      is_read = is_read && Take((tag & 7) == kFixed64 ? 8 : 4);
      bytes_ = {};
      break;
    default:  // groups, which nobody writes any more
      is_read = false;
  }
  is_broken_ = !is_read || field_ == 0;
  return !is_broken_;
}

}  // namespace ballast::runtime
