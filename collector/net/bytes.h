#pragma once

#include <memory>
#include <string>

namespace ballast::net {

// Immutable bytes on their way to several peers: every peer's queue owns them
// together, so that a frame is stored once however many clients there are.
using Bytes = std::shared_ptr<const std::string>;

}  // namespace ballast::net
