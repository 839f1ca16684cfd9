#include <cstdint>

#include "collector/model/state.h"
#include "collector/record/frame_reader.h"

// Bytes in two pieces, as a socket may cut them: never a crash, never an endless loop.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  ballast::record::FrameReader reader;
  ballast::model::State state;
  for (const auto piece : {bytes.substr(0, size / 3), bytes.substr(size / 3)}) {
    reader.Feed(piece);
    while (const auto record = reader.Next()) state.Apply(*record);
  }
  return 0;
}
