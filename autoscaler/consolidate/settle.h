#pragma once

// Fewer migrations at the same cost. What is packed together is decided; which
// of several identical hosts holds it, and which of several identical VMs is
// which, is free: choose so that most stays where it runs now.

#include "autoscaler/consolidate/packing.h"
#include "autoscaler/consolidate/work.h"

namespace ballast::consolidate {

// Requires: packing is complete. The result costs no more.
Packing Settle(const Packing& packing, WorkMeter& work);

}  // namespace ballast::consolidate
