#include "collector/net/gzip.h"

#include <zlib.h>

#include "collector/base/check.h"

namespace ballast::net {

namespace {
constexpr int kGzipWindow = 15 + 16;  // the largest window, and a gzip header
constexpr int kMemoryLevel = 8;       // zlib's default
}  // namespace

struct GzipStream::Impl {
  z_stream stream{};
};

GzipStream::GzipStream() : impl_(std::make_unique<Impl>()) {
  const int status = ::deflateInit2(&impl_->stream, Z_BEST_SPEED, Z_DEFLATED, kGzipWindow,
                                    kMemoryLevel, Z_DEFAULT_STRATEGY);
  BALLAST_CHECK(status == Z_OK, "zlib has memory and is the version that we were built with");
}

GzipStream::~GzipStream() {
  ::deflateEnd(&impl_->stream);
}

void GzipStream::Deflate(std::string_view bytes, bool is_last, std::string& out) {
  z_stream& stream = impl_->stream;
  // zlib's interface is not const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  Bytef chunk[16384];
  do {
    stream.next_out = chunk;
    stream.avail_out = sizeof chunk;
    ::deflate(&stream, is_last ? Z_FINISH : Z_NO_FLUSH);
    out.append(reinterpret_cast<const char*>(chunk), sizeof chunk - stream.avail_out);
  } while (stream.avail_out == 0);
}

}  // namespace ballast::net
