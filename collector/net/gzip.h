#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace ballast::net {

// A gzip stream that is made piece by piece (RFC 1952, by zlib).
//
//   GzipStream gzip;
//   gzip.Add(piece, out);     // appends what is ready
//   gzip.Finish(out);
//
// Level 1: pages of metrics repeat themselves so much that the others cost
// twice the time for a tenth of the size.
// Not thread-safe; any one thread. 260 kB each.
class GzipStream {
 public:
  GzipStream();
  ~GzipStream();

  void Add(std::string_view bytes, std::string& out) { Deflate(bytes, false, out); }
  // Nothing may be added after it.
  void Finish(std::string& out) { Deflate({}, true, out); }

 private:
  struct Impl;
  void Deflate(std::string_view bytes, bool is_last, std::string& out);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ballast::net
