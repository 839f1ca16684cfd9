#pragma once

#include "collector/model/state.h"

namespace ballast::test {

// A state in which everything that the field table knows has a value: every field of every
// workload, the first of which is a VM, and children of every kind below the first two.
model::State FullState(int workloads);
// The same as the body of a key record.
model::Key FullKey(int workloads);

}  // namespace ballast::test
