/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Who held the CPU during a wait: each CPU remembers which workloads had it last,
 * and a wait that ends is laid over them. Tasks of one workload that follow each
 * other are one slice, so most waits are through after a step or two. */
#ifndef BALLAST_BPF_LIB_BLAME_BPF_H
#define BALLAST_BPF_LIB_BLAME_BPF_H

#include "bpf/abi/blame_abi.h"
#include "bpf/lib/drops.bpf.h"
#include "bpf/lib/run_queue.bpf.h"

/* Sized by user space: possible CPUs. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct blm_cpu);
} blm_cpus SEC(".maps");

/* Of a pair that is there, or could be: not risen in this tick or the last. */
static __always_inline bool is_stale(const struct blm_pair *pair)
{
	return !pair->waiter || pair->tick + 2 <= rql_tick;
}

/* NULL: all places of its set are taken. */
static __always_inline struct blm_pair *pair_of(struct blm_cpu *here, u32 waiter, u32 holder)
{
	u32 set = (waiter * 0x9e3779b1u + holder * 0x85ebca6bu) >> 16 & (BLM_SETS - 1);
	struct blm_pair *free = NULL;
	u32 way;

	for (way = 0; way < BLM_WAYS; way++) {
		struct blm_pair *pair = &here->pairs[set * BLM_WAYS + way];

		if (pair->waiter == waiter && pair->holder == holder)
			return pair;
		if (!free && is_stale(pair))
			free = pair;
	}
	if (free) {
		free->waiter = waiter;
		free->holder = holder;
	}
	return free;
}

static __always_inline bool book_held(struct blm_cpu *here, u32 waiter, u32 holder, u64 ns)
{
	struct blm_pair *pair = pair_of(here, waiter, holder);

	if (!pair)
		return false;
	pair->tick = rql_tick;
	pair->ns += ns;
	return true;
}

/* A wait that is followed back, as far as `until`. */
struct follow {
	struct blm_cpu *here;
	u64 queued;
	u64 until;
	u64 booked_ns;
	u32 waiter;
	u32 is_full; /* no place for a pair */
};

static long follow_slice(u32 back, struct follow *follow)
{
	struct blm_cpu *here = follow->here;
	struct blm_slice *slice = &here->slices[(here->newest - back) & (BLM_SLICES - 1)];
	u64 from = slice->began_ns > follow->queued ? slice->began_ns : follow->queued;
	u64 ns = follow->until - from;

	/* The second never: the run queue's clock does not step back. */
	if (!slice->began_ns || from > follow->until)
		return 1;
	if (slice->slot == BLM_IDLE || book_held(here, follow->waiter, slice->slot, ns))
		follow->booked_ns += ns;
	else
		follow->is_full = 1;
	follow->until = from;
	return from == follow->queued;
}

/* Books the wait since `queued` to who had the CPU; how much of it could be. */
static __always_inline u64 book_holders(struct blm_cpu *here, u32 waiter, u64 queued, u64 now)
{
	struct follow follow = {.here = here, .queued = queued, .until = now, .waiter = waiter};

	if (queued == now)
		return 0;
	bpf_loop(BLM_SLICES, follow_slice, &follow, 0);
	if (follow.is_full)
		count_drop(DRP_BLAME_PAIRS);
	return follow.booked_ns;
}

/* A task of `slot` comes to the CPU, or nobody (BLM_IDLE). */
static __always_inline void begin_slice(struct blm_cpu *here, u32 slot, u64 now)
{
	struct blm_slice *slice = &here->slices[here->newest & (BLM_SLICES - 1)];

	if (slice->slot == slot && slice->began_ns)
		return;
	slice = &here->slices[(here->newest + 1) & (BLM_SLICES - 1)];
	slice->slot = slot;
	slice->began_ns = now;
	here->newest += 1;
}

#endif
