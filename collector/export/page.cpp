#include "collector/export/page.h"

namespace ballast::exposition {

std::unique_ptr<Page> MakePage(std::shared_ptr<const Snapshot> snapshot) {
  return snapshot->format == Format::kProtobuf ? MakeProtobufPage(std::move(snapshot))
                                               : MakeTextPage(std::move(snapshot));
}

std::string WholePage(std::shared_ptr<const Snapshot> snapshot) {
  const auto page = MakePage(std::move(snapshot));
  std::string text;
  while (page->Next(text)) {
  }
  return text;
}

}  // namespace ballast::exposition
