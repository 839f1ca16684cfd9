#pragma once

#include <memory>

#include "collector/model/record.h"
#include "collector/net/bytes.h"

namespace ballast::serve {

// A record and its frame on the way to both threads, which read them together
// with the clients' queues; hence shared, and neither is null. A caller that
// keeps both in one object passes aliases of its own pointer.
struct Published {
  net::Bytes frame;
  std::shared_ptr<const model::Record> record;
};

}  // namespace ballast::serve
