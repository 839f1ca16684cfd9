#pragma once

// Protocol Buffers' wire format, written by hand for tests.

#include <cstdint>
#include <string>

namespace ballast::test {

// One field of a message that is a text, bytes or another message.
inline std::string ProtobufField(std::uint32_t number, const std::string& bytes) {
  const auto varint = [](std::uint64_t value) {
    std::string text;
    for (; value > 127; value >>= 7) text.push_back(static_cast<char>(value | 0x80));
    return text + static_cast<char>(value);
  };
  return varint(std::uint64_t{number} << 3 | 2) + varint(bytes.size()) + bytes;
}

}  // namespace ballast::test
