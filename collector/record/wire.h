#pragma once

// The bytes inside a frame: tagged values as Protocol Buffers lays them out
// (varint, fixed 64, length-delimited), because every value then says how long
// it is and a reader can pass over what it does not know.

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace ballast::record {

static_assert(std::endian::native == std::endian::little,
              "fixed-width values are written as they lie in memory");

enum class WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

// Appends to a buffer that the caller owns and that outlives the writer.
class WireWriter {
 public:
  explicit WireWriter(std::string& out) : out_(out) {}

  void Raw(std::uint64_t value) {
    while (value >= 0x80) {
      out_.push_back(static_cast<char>(value | 0x80));
      value >>= 7;
    }
    out_.push_back(static_cast<char>(value));
  }
  void Varint(std::uint32_t tag, std::uint64_t value) {
    Tag(tag, WireType::kVarint);
    Raw(value);
  }
  void Signed(std::uint32_t tag, std::int64_t value) {
    Varint(tag, (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
  }
  void Fixed64(std::uint32_t tag, std::uint64_t value) {
    Tag(tag, WireType::kFixed64);
    char bytes[8];
    std::memcpy(bytes, &value, sizeof value);
    out_.append(bytes, sizeof bytes);
  }
  void Bytes(std::uint32_t tag, std::string_view bytes) {
    Tag(tag, WireType::kBytes);
    Raw(bytes.size());
    out_.append(bytes);
  }
  // A nested message written by `body(WireWriter&)`, in place: its length goes in
  // front of it afterwards.
  template <typename Body>
  void Message(std::uint32_t tag, Body&& body) {
    Tag(tag, WireType::kBytes);
    const std::size_t start = out_.size();
    body(*this);
    char length[10];
    std::size_t used = 0;
    for (std::uint64_t rest = out_.size() - start; used == 0 || rest != 0; rest >>= 7)
      length[used++] = static_cast<char>(rest >= 0x80 ? rest | 0x80 : rest);
    out_.insert(start, length, used);
  }

 private:
  void Tag(std::uint32_t tag, WireType type) {
    Raw((std::uint64_t{tag} << 3) | static_cast<std::uint64_t>(type));
  }

  std::string& out_;
};

struct WireItem {
  std::uint32_t tag = 0;
  WireType type = WireType::kVarint;
  std::uint64_t number = 0;  // varint or fixed
  std::string_view bytes;    // kBytes; points into the reader's input

  std::int64_t AsSigned() const {
    return static_cast<std::int64_t>(number >> 1) ^ -static_cast<std::int64_t>(number & 1);
  }
};

// Reads items until the input ends or is malformed; never past its end.
class WireReader {
 public:
  explicit WireReader(std::string_view in) : in_(in) {}

  // nullopt at the end and on malformed input; `is_malformed` tells which.
  std::optional<WireItem> Next();
  std::optional<std::uint64_t> Raw();
  bool at_end() const { return in_.empty(); }
  bool is_malformed() const { return malformed_; }

 private:
  std::optional<WireItem> Malformed() {
    malformed_ = true;
    return std::nullopt;
  }
  std::optional<std::string_view> Take(std::uint64_t size);

  std::string_view in_;
  bool malformed_ = false;
};

}  // namespace ballast::record
