#pragma once

// Reads Protocol Buffers' wire format, field by field: enough for the few fields
// of the CRI that are shown, without generated code or a library. What is not
// asked for is passed over. Anything malformed ends the message early and says so.
//
//   ProtobufReader message(bytes);
//   while (message.Next())
//     if (message.field() == 1) info.id = message.bytes();
//   if (message.is_broken()) ...

#include <cstdint>
#include <string_view>

namespace ballast::runtime {

class ProtobufReader {
 public:
  explicit ProtobufReader(std::string_view message) : rest_(message) {}

  // false: no more fields, or broken.
  bool Next();
  bool is_broken() const { return is_broken_; }

  std::uint32_t field() const { return field_; }
  // Of a text, bytes or message; empty for other types. Views the message.
  std::string_view bytes() const { return bytes_; }
  // Of an integer; 0 for other types.
  std::uint64_t number() const { return number_; }

 private:
  bool Take(std::size_t bytes);
  bool TakeVarint(std::uint64_t& value);

  std::string_view rest_;
  std::uint32_t field_ = 0;
  std::uint64_t number_ = 0;
  std::string_view bytes_;
  bool is_broken_ = false;
};

}  // namespace ballast::runtime
