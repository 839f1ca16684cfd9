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

/* Bit slot: set with the slot's first row of a tick in rql_active, cleared by the
 * clock when it slept for long. Any CPU and the clock write, atomically. Sized by
 * user space: slots / RQL_WORD + 1. */
struct rql_awake_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
};
extern struct rql_awake_map rql_awake SEC(".maps");

static __always_inline void set_awake(u32 slot, bool is_awake)
{
	u32 word = slot / RQL_WORD;
	u64 *bits = bpf_map_lookup_elem(&rql_awake, &word);
	u64 bit = 1ull << (slot % RQL_WORD);

	if (!bits)
		return; /* never: sized by the slots */
	if (is_awake)
		__sync_fetch_and_or(bits, bit);
	else
		__sync_fetch_and_and(bits, ~bit);
}

/* Sized by user space: possible CPUs. */
struct rql_cpus_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct rql_cpu);
};
extern struct rql_cpus_map rql_cpus SEC(".maps");

/* From 1. */
extern __u64 rql_tick;

extern const volatile __u32 cfg_cpus;

#endif
