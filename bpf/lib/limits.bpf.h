/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef BALLAST_BPF_LIB_LIMITS_BPF_H
#define BALLAST_BPF_LIB_LIMITS_BPF_H

#include "bpf/abi/run_queue_abi.h"
#include "bpf/lib/kernel_types.bpf.h"

#include <bpf/bpf_helpers.h>

/* Row slot: when its last events went out. Any CPU writes, atomically. Sized by
 * user space: slots. */
struct rql_limits_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct rql_limit);
};
extern struct rql_limits_map rql_limits SEC(".maps");

#endif
