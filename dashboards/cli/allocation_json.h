#pragma once

// The allocation problem as people write it, to the model and back. The form is
// a contract (ARCHITECTURE.md); nothing that is not in it is accepted.

#include <string>
#include <string_view>
#include <vector>

#include "autoscaler/allocate/host.h"
#include "collector/base/result.h"

namespace ballast::cli {

struct AllocationInput {
  std::vector<std::string> names;  // of the containers, in the order of the items
  // CPU in cores, memory in bytes, then whatever host.resources names, in its order.
  allocate::HostProblem host;
};

// The error says where: "line 3: ..." for what is no JSON, else a JSON pointer,
// "/containers/1/cpu: ...".
Result<AllocationInput> ParseAllocationInput(std::string_view text);

// One line of JSON. `solved` is of `input.host`.
std::string FormatAllocation(const AllocationInput& input, const allocate::HostAllocation& solved,
                             double seconds);

// For people: what is full at which level, what one more unit is worth, and what holds each
// container.
std::string DescribeAllocation(const AllocationInput& input, const allocate::HostAllocation& solved,
                               double seconds);

}  // namespace ballast::cli
