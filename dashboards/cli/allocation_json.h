#pragma once

// The allocation problem as people write it, to the model and back. The form is
// a contract (ARCHITECTURE.md); nothing that is not in it is accepted.

#include <string>
#include <string_view>
#include <vector>

#include "autoscaler/allocate/allocate.h"
#include "collector/base/result.h"

namespace ballast::cli {

struct AllocationInput {
  std::vector<std::string> names;  // of the containers, in the order of the items
  allocate::Problem cpu;           // cores
  allocate::Problem memory;        // bytes
};

// The error says where: "line 3: ..." for what is no JSON, else a JSON pointer,
// "/containers/1/cpu: ...".
Result<AllocationInput> ParseAllocationInput(std::string_view text);

// One line of JSON. Requires: both are optimal, or one of them is infeasible.
std::string FormatAllocation(const AllocationInput& input, const allocate::Allocation& cpu,
                             const allocate::Allocation& memory, double seconds);

// A table for people.
std::string DescribeAllocation(const AllocationInput& input, const allocate::Allocation& cpu,
                               const allocate::Allocation& memory, double seconds);

}  // namespace ballast::cli
