#pragma once

// Records to bytes and back. A frame is
//
//   offset 0   4 bytes  magic "BLR1"
//          4   u32      length of the payload
//          8   u32      CRC32C of everything behind it (bytes 12 to the end)
//         12   u8       format version (1)
//         13   u8       kind: 1 tick, 2 event, 3 key
//         14   u16      zero
//         16            payload: tagged values (wire.h), listed in codec.cpp
//
// little endian. Readers and writers of different ages understand each other:
// unknown tags, fields, kinds of entity and of event are passed over and
// counted; numbers are never reused (field.h, record.h); a reader that meets a
// damaged frame looks for the next magic. Only a change that an old reader
// would misread raises the version, and then it refuses instead of guessing.
//
// Pure; thread-safe. A reader that keeps state: frame_reader.h.

#include <cstdint>
#include <string>
#include <string_view>

#include "collector/base/result.h"
#include "collector/model/record.h"

namespace ballast::record {

inline constexpr std::uint32_t kMagic = 0x31524c42;  // "BLR1"
inline constexpr std::uint8_t kFormatVersion = 1;
inline constexpr std::size_t kFrameHeaderBytes = 16;
// A key of 10,000 workloads is about 8 MB; a longer length is damage.
inline constexpr std::uint32_t kMaxPayloadBytes = 64U << 20;

// Appends the frame of `record` to `out`.
void AppendFrame(std::string& out, const model::Record& record);
std::string EncodeFrame(const model::Record& record);

// What a reader did not know.
struct Unknown {
  std::uint64_t items = 0;  // tags, fields, entity kinds
  std::uint64_t kinds = 0;  // whole records
};

// One whole frame. Errors: too short, bad magic, bad CRC, unknown version or
// kind (operation_not_supported), malformed payload. `unknown` may be null.
Result<model::Record> DecodeFrame(std::string_view frame, Unknown* unknown = nullptr);

// Size of the frame that starts `bytes`, once its header is whole: 0 asks for
// more bytes. An error: no frame starts here.
Result<std::size_t> FrameSize(std::string_view bytes);

}  // namespace ballast::record
