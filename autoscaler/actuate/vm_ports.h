#pragma once

// The two kinds of port. Included only by the files that make them.

#include "autoscaler/actuate/vm_port.h"

namespace ballast::actuate {

Result<std::unique_ptr<VmPort>> OpenQmp(const VmAddress& address);
Result<std::unique_ptr<VmPort>> OpenLibvirt(const VmAddress& address);

}  // namespace ballast::actuate
