#include "collector/source/bpf/module_btf.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

// Takes the place of libbpf's function of this name (its shared object calls it
// through the dynamic linker).
//
// libbpf 1.1 looks through the BTF of every kernel module when the kernel itself
// lacks a weak kfunc or a flavour of a type, and gives up the whole load when it
// may not: BPF_BTF_GET_NEXT_ID needs CAP_SYS_ADMIN, which is root in all but
// name. Whoever may not ask gets the answer "no module has BTF", so CAP_BPF and
// CAP_PERFMON are enough; nothing here needs a module's types.
extern "C" int bpf_btf_get_next_id(__u32 start_id, __u32* next_id) {
  bpf_attr attributes{};
  attributes.start_id = start_id;
  if (::syscall(SYS_bpf, BPF_BTF_GET_NEXT_ID, &attributes, sizeof(attributes)) == 0) {
    *next_id = attributes.next_id;
    return 0;
  }
  if (errno == EPERM) errno = ENOENT;
  return -errno;
}

namespace ballast::source {

bool ModuleTypesReadable() {
  bpf_attr attributes{};
  return ::syscall(SYS_bpf, BPF_BTF_GET_NEXT_ID, &attributes, sizeof(attributes)) == 0 ||
         errno == ENOENT;
}

}  // namespace ballast::source
