#pragma once

// The last decisions and writes of a running collector's API (/api/v1/decisions), as the records
// that they were, for what reads recordings.

#include <string>
#include <string_view>
#include <vector>

#include "collector/base/result.h"
#include "collector/model/record.h"

namespace ballast::cli {

// `json`: {"events":[..]}, newest or oldest first. A key record with everybody who is named comes
// first, then the events in the order in which they happened. What has no name here is passed over.
Result<std::vector<model::Record>> RecordsFromEvents(std::string_view json);

// Asks `address` ("127.0.0.1:9435", plain HTTP; a page that wants a password refuses it).
Result<std::vector<model::Record>> FetchDecisions(const std::string& address);

}  // namespace ballast::cli
