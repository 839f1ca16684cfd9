#include "collector/record/wire.h"

#include <limits>

namespace ballast::record {

std::optional<std::uint64_t> WireReader::Raw() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (in_.empty()) break;
    const auto byte = static_cast<std::uint8_t>(in_.front());
    in_.remove_prefix(1);
    // The tenth byte holds the one bit that is left of 64.
    if (shift == 63 && byte > 1) break;
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  malformed_ = true;
  return std::nullopt;
}

std::optional<std::string_view> WireReader::Take(std::uint64_t size) {
  if (size > in_.size()) {
    malformed_ = true;
    return std::nullopt;
  }
  const std::string_view taken = in_.substr(0, size);
  in_.remove_prefix(size);
  return taken;
}

std::optional<WireItem> WireReader::Next() {
  if (malformed_ || in_.empty()) return std::nullopt;
  const auto key = Raw();
  if (!key || (*key >> 3) > std::numeric_limits<std::uint32_t>::max()) return Malformed();
  WireItem item;
  item.tag = static_cast<std::uint32_t>(*key >> 3);
  item.type = static_cast<WireType>(*key & 7);
  switch (item.type) {
    case WireType::kVarint: {
      const auto value = Raw();
      if (!value) return Malformed();
      item.number = *value;
      return item;
    }
    case WireType::kFixed64:
    case WireType::kFixed32: {
      const auto bytes = Take(item.type == WireType::kFixed64 ? 8 : 4);
      if (!bytes) return Malformed();
      std::memcpy(&item.number, bytes->data(), bytes->size());
      return item;
    }
    case WireType::kBytes: {
      const auto size = Raw();
      const auto bytes = size ? Take(*size) : std::nullopt;
      if (!bytes) return Malformed();
      item.bytes = *bytes;
      return item;
    }
  }
  return Malformed();
}

}  // namespace ballast::record
