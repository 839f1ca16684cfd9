/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* What the scheduler hook books (run_queue.bpf.c) and the clock reads. */
#ifndef BALLAST_BPF_LIB_RUN_QUEUE_BPF_H
#define BALLAST_BPF_LIB_RUN_QUEUE_BPF_H

#include "bpf/abi/run_queue_abi.h"
#include "bpf/lib/kernel_types.bpf.h"

#include <bpf/bpf_helpers.h>

/* Sized slots x CPUs by user space. A per-CPU array cannot be memory-mapped. */
struct rql_rows_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct rql_row);
};
extern struct rql_rows_map rql_rows SEC(".maps");

/* Row slot: the last rql_tick in which a task of it came to a CPU. Any CPU
 * writes, each at most once a tick. Sized by user space: slots. */
struct rql_active_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
};
extern struct rql_active_map rql_active SEC(".maps");

/* Sized by user space: possible CPUs. */
struct rql_cpus_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct rql_cpu);
};
extern struct rql_cpus_map rql_cpus SEC(".maps");

extern __u64 rql_tick;

extern const volatile __u32 cfg_cpus;

#endif
