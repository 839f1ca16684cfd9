#include "collector/net/gzip.h"

#include <gtest/gtest.h>
#include <zlib.h>

namespace ballast::net {
namespace {

// By zlib's other half; "damaged" where it is no whole gzip stream.
std::string Unpack(std::string packed) {
  z_stream stream{};
  ::inflateInit2(&stream, 15 + 16);
  stream.next_in = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string plain(1 << 20, '\0');
  stream.next_out = reinterpret_cast<Bytef*>(plain.data());
  stream.avail_out = static_cast<uInt>(plain.size());
  const int status = ::inflate(&stream, Z_FINISH);
  plain.resize(stream.total_out);
  ::inflateEnd(&stream);
  return status == Z_STREAM_END ? plain : "damaged";
}

TEST(GzipStreamTest, PiecesUnpackToTheWhole) {
  GzipStream gzip;
  std::string packed, plain;

  for (int i = 0; i < 2000; ++i) {
    const std::string piece = "series_" + std::to_string(i) + " 1\n";
    gzip.Add(piece, packed);
    plain += piece;
  }
  gzip.Finish(packed);

  EXPECT_EQ(Unpack(packed), plain);
  EXPECT_LT(packed.size(), plain.size() / 2);
}

TEST(GzipStreamTest, NothingIsAWholeStreamToo) {
  GzipStream gzip;
  std::string packed;

  gzip.Finish(packed);

  EXPECT_EQ(Unpack(packed), "");
}

}  // namespace
}  // namespace ballast::net
