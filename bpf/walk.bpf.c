// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
// The kernel's own accounting of every tracked cgroup, in one pass and without
// opening a file.
//
//   iterator over a hierarchy, parents first
//     first cgroup   --> flush the per-CPU sums once (cgroup2)
//     workload root  --> its row = CPU, bandwidth, memory, pressure
//     below a root   --> row += page lists (the kernel keeps them per group)
//
// The same program walks cgroup2 and the v1 hierarchies: it fills in what a
// cgroup has. User space (collector/source/bpf/walk.h) attaches one iterator
// per hierarchy and merges the rows of one slot.
//
// Needs: kernel BTF, iter/cgroup (6.1). Cost: tests/bench/walk_bench.cpp.
// cgroup_iter holds cgroup_mutex for the whole walk (10,000 groups: 5 ms).
// Left out on purpose: cgroups in no slot, or in one that did nothing (wlk_wanted);
// memory.stat (17 us a group by file).

#include "bpf/abi/walk_abi.h"
#include "bpf/lib/clock.bpf.h"
#include "bpf/lib/slots.bpf.h"

#include <bpf/bpf_tracing.h>

const volatile __u32 cfg_flush = FLUSH_NONE;
const volatile __u32 cfg_nodes = 1; /* NUMA nodes, at most WLK_MAX_NODES */
/* Multi-generational LRU is on: evictable pages are counted by generation. */
const volatile __u32 cfg_lru_gen = 0;
const volatile __u32 cfg_slots = 1;
const volatile __u32 cfg_cast = 0;   /* 1: the kernel has bpf_rdonly_cast (6.2) */
const volatile __u32 cfg_owners = 1; /* of wlk_owners, for each hierarchy */

/* Row (place of the hierarchy) * slots + slot; sized by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct wlk_row);
} wlk_rows SEC(".maps");

/* Row slot: the last walk that wants it. Sized by user space: slots. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} wlk_wanted SEC(".maps");

/* Whose the n-th cgroup of the last walk was: a walk meets the same ones in the
 * same order, so most are known by their address and neither they nor the slot
 * table are touched. Addresses are used anew only after a removal, which counts
 * as a change if the group was anybody's. Row (place of the hierarchy) *
 * cfg_owners + n; beyond, the slot table is asked every time. */
struct wlk_owner {
	u64 cgroup;  /* its address */
	u32 changes; /* slt_changes as of the lookup */
	u32 slot;    /* shifted by one; bit 0: the workload's root */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct wlk_owner);
} wlk_owners SEC(".maps");

/* One walk at a time: user space sets these before it reads an iterator. */
__u64 wlk_generation = 0;
__u32 wlk_place = 0;
__u32 wlk_selective = 0; /* 1: only the slots in wlk_wanted */
/* Of the walk that runs or ran last. */
__u64 wlk_cgroups = 0;	 /* visited */
__u64 wlk_tracked = 0;	 /* of those, in a slot */
__u64 wlk_row_range = 0; /* slot beyond the rows: not written; never, if sizes agree */

/* In .bss, not on the 512-byte stack. */
static u64 lists[8 * NR_LRU_LISTS];

/* A controller's state begins with its css, but the verifier only knows the
 * css and refuses loads behind it. Since 6.2 a kfunc says what it really is and
 * fields are plain loads; before, each is a call. The verifier drops the other
 * half. */
#define AS(type, css)                                                                              \
	((type *)(cfg_cast ? bpf_rdonly_cast(css, bpf_core_type_id_kernel(type)) : (css)))
#define READ(state, field) (cfg_cast ? (state)->field : BPF_CORE_READ(state, field))
/* Element of an array of u64 in it; the index is an enum of the running kernel,
 * constant for the verifier. */
#define ELEMENT(state, type, array, index)                                                         \
	({                                                                                         \
		const void *at_ = (const void *)(state) + bpf_core_field_offset(type, array) +     \
				  sizeof(u64) * (index);                                           \
		u64 value_ = 0;                                                                    \
		bpf_probe_read_kernel(&value_, sizeof(value_), at_);                               \
		value_;                                                                            \
	})

/* The kernel keeps these sums for cgroup2 only. */
static __always_inline void read_cpu(struct wlk_row *row, struct cgroup *cgrp)
{
	row->usage_ns = cgrp->bstat.cputime.sum_exec_runtime;
	row->user_ns = cgrp->bstat.cputime.utime;
	row->system_ns = cgrp->bstat.cputime.stime;
	row->present |= WLK_HAS_CPU;
}

static __always_inline void read_bandwidth(struct wlk_row *row, struct cgroup_subsys_state *css)
{
	struct task_group *group;

	if (!bpf_core_field_exists(struct task_group, cfs_bandwidth))
		return;
	group = AS(struct task_group, css);
	row->shares = READ(group, shares);
	row->quota_ns = READ(group, cfs_bandwidth.quota);
	row->period_ns = READ(group, cfs_bandwidth.period);
	row->nr_periods = (u32)READ(group, cfs_bandwidth.nr_periods);
	row->nr_throttled = (u32)READ(group, cfs_bandwidth.nr_throttled);
	row->throttled_ns = READ(group, cfs_bandwidth.throttled_time);
	row->present |= WLK_HAS_CFS;
	if (bpf_core_field_exists(struct cfs_bandwidth, burst)) {
		row->burst_ns = READ(group, cfs_bandwidth.burst);
		row->present |= WLK_HAS_BURST;
	}
	if (bpf_core_field_exists(struct cfs_bandwidth, burst_time)) {
		row->nr_bursts = (u32)READ(group, cfs_bandwidth.nr_burst);
		row->burst_used_ns = READ(group, cfs_bandwidth.burst_time);
		row->present |= WLK_HAS_BURST_USE;
	}
}

#define MEMORY_EVENT(memcg, event)                                                                 \
	ELEMENT(memcg, struct mem_cgroup, memory_events,                                           \
		bpf_core_enum_value(enum memcg_memory_event, event))

static __always_inline void read_memory(struct wlk_row *row, struct cgroup_subsys_state *css)
{
	struct mem_cgroup *memcg = AS(struct mem_cgroup, css);

	row->memory_pages = READ(memcg, memory.usage.counter);
	row->memory_max_pages = READ(memcg, memory.max);
	row->memory_high_pages = READ(memcg, memory.high);
	row->memory_low_pages = READ(memcg, memory.low);
	row->memory_watermark_pages = READ(memcg, memory.watermark);
	row->swap_pages = READ(memcg, swap.usage.counter);
	row->swap_max_pages = READ(memcg, swap.max);
	row->failcnt = READ(memcg, memory.failcnt);
	row->memory_min_pages = READ(memcg, memory.min);
	row->low_events = MEMORY_EVENT(memcg, MEMCG_LOW);
	row->high_events = MEMORY_EVENT(memcg, MEMCG_HIGH);
	row->max_events = MEMORY_EVENT(memcg, MEMCG_MAX);
	row->oom_events = MEMORY_EVENT(memcg, MEMCG_OOM);
	row->oom_kill_events = MEMORY_EVENT(memcg, MEMCG_OOM_KILL);
	row->present |= WLK_HAS_MEMORY;
	if (bpf_core_field_exists(struct mem_cgroup, under_oom) && READ(memcg, under_oom) > 0)
		row->present |= WLK_UNDER_OOM;
}

/* One node's generations, [generation][anon, file][zone]. While they are in use
 * (since 6.1, on by default at many distributions) lru_zone_size has nothing but
 * the unevictable. The two youngest count as active, as lru_gen_is_active() has
 * it, which is how memory.stat sees them too. */
static __always_inline void add_generations(struct wlk_row *row, const void *info)
{
	const u32 size =
	    bpf_core_field_size(struct mem_cgroup_per_node, lruvec.lrugen.nr_pages) / MAX_NR_GENS;
	const u32 zones = size / (2 * sizeof(u64));
	const void *pages =
	    info + bpf_core_field_offset(struct mem_cgroup_per_node, lruvec.lrugen.nr_pages);
	u64 counts[2 * 8] = {};
	u64 max_seq = 0;
	u32 generation, zone;

	if (size > sizeof(counts))
		return;
	bpf_probe_read_kernel(
	    &max_seq, sizeof(max_seq),
	    info + bpf_core_field_offset(struct mem_cgroup_per_node, lruvec.lrugen.max_seq));
	for (generation = 0; generation < MAX_NR_GENS; generation++) {
		const bool active = generation == max_seq % MAX_NR_GENS ||
				    generation == (max_seq - 1) % MAX_NR_GENS;

		if (bpf_probe_read_kernel(counts, size, pages + generation * size))
			return;
		for (zone = 0; zone < 8 && zone < zones; zone++) {
			const u64 anon = counts[zone];
			const u64 file = counts[(zones + zone) & 15]; /* always below 16 */

			row->active_anon_pages += active ? anon : 0;
			row->inactive_anon_pages += active ? 0 : anon;
			row->active_file_pages += active ? file : 0;
			row->inactive_file_pages += active ? 0 : file;
		}
	}
}

/* One node's lists, all zones in one read. The array is [zone][list]; zones are
 * three to five by configuration, so its size is asked, not assumed. */
static __always_inline void add_node(struct wlk_row *row, const void *memcg, u32 node)
{
	const u32 size = bpf_core_field_size(struct mem_cgroup_per_node, lru_zone_size);
	void *info = 0;
	u32 zone;

	if (size > sizeof(lists))
		return;
	bpf_probe_read_kernel(&info, sizeof(info),
			      memcg + bpf_core_field_offset(struct mem_cgroup, nodeinfo) +
				  sizeof(void *) * node);
	if (!info)
		return;
	if (bpf_probe_read_kernel(
		lists, size,
		info + bpf_core_field_offset(struct mem_cgroup_per_node, lru_zone_size)))
		return;
	if (cfg_lru_gen)
		add_generations(row, info);
	for (zone = 0; zone < 8; zone++) {
		if ((zone + 1) * NR_LRU_LISTS * sizeof(u64) > size)
			break;
		row->inactive_anon_pages += lists[zone * NR_LRU_LISTS + LRU_INACTIVE_ANON];
		row->active_anon_pages += lists[zone * NR_LRU_LISTS + LRU_ACTIVE_ANON];
		row->inactive_file_pages += lists[zone * NR_LRU_LISTS + LRU_INACTIVE_FILE];
		row->active_file_pages += lists[zone * NR_LRU_LISTS + LRU_ACTIVE_FILE];
		row->unevictable_pages += lists[zone * NR_LRU_LISTS + LRU_UNEVICTABLE];
	}
}

static __always_inline void add_lists(struct wlk_row *row, const void *memcg)
{
	u32 node;

	for (node = 0; node < WLK_MAX_NODES && node < cfg_nodes; node++)
		add_node(row, memcg, node);
	row->present |= WLK_HAS_LRU;
}

/* Plain loads: the verifier follows the pointer, and the index is constant. */
#define PRESSURE(psi, state)                                                                       \
	(*(const u64 *)((const void *)(psi) + bpf_core_field_offset(struct psi_group, total) +     \
			sizeof(u64) * bpf_core_enum_value(enum psi_states, state)))

static __always_inline void read_pressure(struct wlk_row *row, struct cgroup *cgrp)
{
	struct psi_group *psi;

	if (!has_psi_pointer())
		return;
	psi = cgrp->psi;
	if (!psi)
		return; /* booted with psi=0 */
	row->cpu_some_ns = PRESSURE(psi, PSI_CPU_SOME);
	row->cpu_full_ns = PRESSURE(psi, PSI_CPU_FULL);
	row->memory_some_ns = PRESSURE(psi, PSI_MEM_SOME);
	row->memory_full_ns = PRESSURE(psi, PSI_MEM_FULL);
	row->io_some_ns = PRESSURE(psi, PSI_IO_SOME);
	row->io_full_ns = PRESSURE(psi, PSI_IO_FULL);
	row->present |= WLK_HAS_PRESSURE;
}

/* Where the clock finds the group's use between two walks. */
static __always_inline void note_group(u32 slot, struct cgroup_subsys_state *css, u64 id)
{
	struct clk_row *row = bpf_map_lookup_elem(&clk_rows, &slot);

	if (!row || row->group == (u64)css)
		return;
	row->group_id = id;
	row->group = (u64)css;
}

/* Everything the kernel already keeps for the whole subtree. */
static __always_inline void read_root(struct wlk_row *row, struct cgroup *cgrp,
				      struct cgroup_subsys_state *memory, const struct slt_key *key)
{
	struct cgroup_subsys_state *cpu = CSS_OF(cgrp, cpu_cgrp_id);

	__builtin_memset(row, 0, sizeof(*row));
	row->generation = wlk_generation;
	row->cgroup_id = key->cgroup_id;
	if (key->hierarchy_id == 0) {
		row->present |= WLK_IS_V2;
		read_cpu(row, cgrp);
		read_pressure(row, cgrp);
	}
	if (cpu)
		read_bandwidth(row, cpu);
	if (memory)
		read_memory(row, memory);
}

static __always_inline struct wlk_row *row_of(u32 slot)
{
	u32 index = wlk_place * cfg_slots + slot;

	return slot < cfg_slots ? bpf_map_lookup_elem(&wlk_rows, &index) : 0;
}

static __always_inline struct slt_key walked_key(struct cgroup *cgrp)
{
	struct slt_key key = {
	    .cgroup_id = cgrp->kn->id,
	    .hierarchy_id = cgrp->root->hierarchy_id,
	};

	return key;
}

static __always_inline struct slt_value owner_of(struct cgroup *cgrp, u64 number)
{
	struct slt_value owner = {.slot = SLT_OTHER};
	/* Before the lookup: a change meanwhile is seen next time. */
	u32 changes = slt_changes, index = wlk_place * cfg_owners + (u32)number;
	struct wlk_owner *known =
	    number < cfg_owners ? bpf_map_lookup_elem(&wlk_owners, &index) : 0;
	struct slt_value *value;
	struct slt_key key;

	if (known && known->cgroup == (u64)cgrp && known->changes == changes) {
		owner.slot = known->slot >> 1;
		owner.is_root = known->slot & 1;
		return owner;
	}
	key = walked_key(cgrp);
	value = bpf_map_lookup_elem(&slt_slots, &key);
	if (value)
		owner = *value;
	if (known) {
		known->cgroup = (u64)cgrp;
		known->changes = changes;
		known->slot = owner.slot << 1 | (owner.is_root ? 1 : 0);
	}
	return owner;
}

static __always_inline bool is_wanted(u32 slot)
{
	u64 *wanted;

	if (!wlk_selective)
		return true;
	wanted = bpf_map_lookup_elem(&wlk_wanted, &slot);
	return wanted && *wanted == wlk_generation;
}

SEC("iter.s/cgroup")
int wlk_on_cgroup(struct bpf_iter__cgroup *ctx)
{
	struct cgroup *cgrp = ctx->cgroup;
	struct cgroup_subsys_state *memory;
	struct slt_value owner;
	struct wlk_row *row;
	struct slt_key key;

	if (!cgrp)
		return 0; /* the call that ends a walk */
	if (ctx->meta->seq_num == 0) {
		if (cfg_flush == FLUSH_CSS)
			css_rstat_flush(&cgrp->self);
		else if (cfg_flush == FLUSH_CGROUP)
			cgroup_rstat_flush(cgrp);
	}
	wlk_cgroups += 1;
	owner = owner_of(cgrp, ctx->meta->seq_num);
	if (owner.slot == SLT_OTHER)
		return 0;
	wlk_tracked += 1;
	if (!is_wanted(owner.slot))
		return 0;
	row = row_of(owner.slot);
	if (!row) {
		wlk_row_range += 1;
		return 0;
	}
	memory = bpf_core_type_exists(struct mem_cgroup) ? CSS_OF(cgrp, memory_cgrp_id) : 0;
	if (owner.is_root) {
		key = walked_key(cgrp);
		read_root(row, cgrp, memory, &key);
		if (memory)
			note_group(owner.slot, memory, key.cgroup_id);
	} else if (row->generation != wlk_generation) {
		return 0; /* its root is outside this walk */
	}
	row->cgroups += 1;
	if (memory)
		add_lists(row, memory);
	return 0;
}
