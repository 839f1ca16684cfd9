#pragma once

#include <memory>
#include <string>

#include "collector/export/snapshot.h"

namespace ballast::exposition {

// Writes a snapshot piece by piece, so that a page of 100 MB needs memory for
// one piece.
//
//   auto page = MakePage(snapshot);
//   while (page->Next(piece)) { send(piece); piece.clear(); }
//   send(piece);
//
// Not thread-safe; any one thread.
class Page {
 public:
  // Pieces end soon after this size; a protobuf family is one piece however large.
  static constexpr std::size_t kPieceBytes = 256 << 10;

  virtual ~Page() = default;
  // Appends. False: that was the last piece.
  virtual bool Next(std::string& piece) = 0;
};

// In the snapshot's format.
std::unique_ptr<Page> MakePage(std::shared_ptr<const Snapshot> snapshot);
std::unique_ptr<Page> MakeTextPage(std::shared_ptr<const Snapshot> snapshot);
std::unique_ptr<Page> MakeProtobufPage(std::shared_ptr<const Snapshot> snapshot);

// All of it at once: tests, small pages.
std::string WholePage(std::shared_ptr<const Snapshot> snapshot);

}  // namespace ballast::exposition
