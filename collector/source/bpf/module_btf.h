#pragma once

namespace ballast::source {

// Whether types of kernel modules (kvm, ...) can be asked for: needs
// CAP_SYS_ADMIN. Programs for the kernel proper load without, see module_btf.cpp.
bool ModuleTypesReadable();

}  // namespace ballast::source
