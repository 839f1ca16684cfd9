// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
// The kernel's own accounting of every tracked cgroup, without opening a file.
//
//   iterator over a hierarchy, parents first
//     first cgroup   --> flush the per-CPU sums once (cgroup2)
//     workload root  --> remembered: wlk_roots
//                        its row = CPU, bandwidth, memory, pressure
//     below a root   --> row += page lists (the kernel keeps them per group)
//
//   visit of some workloads
//     remembered root --> the same row, the groups below it added
//
// Most workloads sleep in most ticks, so most ticks visit: an iterator goes to
// every cgroup there is, a visit to those that are asked for. The same programs
// read cgroup2 and the v1 hierarchies: they fill in what a cgroup has. User space
// (collector/source/bpf/walk.h) attaches one iterator per hierarchy and merges
// the rows of one slot.
//
// Needs: kernel BTF, iter/cgroup (6.1). Cost: tests/bench/walk_bench.cpp.
// cgroup_iter holds cgroup_mutex for the whole walk (10,000 groups: 5 ms); a visit
// takes no lock and keeps its CPU for as long as it lasts.
// Left out on purpose: cgroups in no slot, or in one that did nothing (wlk_wanted);
// memory.stat (17 us a group by file).

#include "bpf/abi/walk_abi.h"
#include "bpf/lib/clock.bpf.h"
#include "bpf/lib/drops.bpf.h"
#include "bpf/lib/slots.bpf.h"
#include "bpf/lib/walk.bpf.h"

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

/* The slots to visit, perhaps with WLK_DOZES. Sized by user space: slots. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} wlk_visits SEC(".maps");

/* One walk at a time: user space sets these before it reads an iterator or runs
 * wlk_visit. */
__u64 wlk_generation = 0;
__u32 wlk_place = 0;
__u32 wlk_selective = 0;  /* 1: only the slots in wlk_wanted */
__u32 wlk_visit_from = 0; /* of wlk_visits */
__u32 wlk_visit_count = 0;
/* Of the walk that runs or ran last. */
__u64 wlk_cgroups = 0;	 /* visited */
__u64 wlk_tracked = 0;	 /* of those, in a slot */
__u64 wlk_row_range = 0; /* slot beyond the rows: not written; never, if sizes agree */

/* In .bss, not on the 512-byte stack. */
static u64 lists[8 * NR_LRU_LISTS];
static u64 generations[2 * 8];

/* A controller's state begins with its css, but the verifier only knows the
 * css and refuses loads behind it; of a remembered address it knows nothing.
 * Since 6.2 a kfunc says what it really is and fields are plain loads; before,
 * each is a call. The verifier drops the other half. */
#define AS(type, object)                                                                           \
	((type *)(cfg_cast ? bpf_rdonly_cast((void *)(object), bpf_core_type_id_kernel(type))      \
			   : (void *)(object)))
#define READ(state, field) (cfg_cast ? (state)->field : BPF_CORE_READ(state, field))
#define CSS(cgrp, controller)                                                                      \
	(cfg_cast ? CSS_OF(cgrp, controller) : CSS_AT(cgrp, struct cgroup, controller))
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
	row->usage_ns = READ(cgrp, bstat.cputime.sum_exec_runtime);
	row->user_ns = READ(cgrp, bstat.cputime.utime);
	row->system_ns = READ(cgrp, bstat.cputime.stime);
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
	if (bpf_core_field_exists(struct mem_cgroup, kmem)) {
		row->kernel_pages = READ(memcg, kmem.usage.counter);
		row->present |= WLK_HAS_KMEM;
	}
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
	u64 max_seq = 0;
	u32 generation, zone;

	if (size > sizeof(generations))
		return;
	bpf_probe_read_kernel(
	    &max_seq, sizeof(max_seq),
	    info + bpf_core_field_offset(struct mem_cgroup_per_node, lruvec.lrugen.max_seq));
	for (generation = 0; generation < MAX_NR_GENS; generation++) {
		const bool active = generation == max_seq % MAX_NR_GENS ||
				    generation == (max_seq - 1) % MAX_NR_GENS;

		if (bpf_probe_read_kernel(generations, size, pages + generation * size))
			return;
		for (zone = 0; zone < 8 && zone < zones; zone++) {
			const u64 anon = generations[zone];
			const u64 file = generations[(zones + zone) & 15]; /* always below 16 */

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

/* A function of its own: the stack is one for all that call each other. */
static __noinline int add_lists(struct wlk_row *row, const void *memcg)
{
	u32 node;

	for (node = 0; node < WLK_MAX_NODES && node < cfg_nodes; node++)
		add_node(row, memcg, node);
	row->present |= WLK_HAS_LRU;
	return 0;
}

/* A plain load where it can be; the index is constant for the verifier. */
#define PRESSURE(psi, state)                                                                       \
	(cfg_cast                                                                                  \
	     ? *(const u64 *)((const void *)(psi) +                                                \
			      bpf_core_field_offset(struct psi_group, total) +                     \
			      sizeof(u64) * bpf_core_enum_value(enum psi_states, state))           \
	     : ELEMENT(psi, struct psi_group, total, bpf_core_enum_value(enum psi_states, state)))

static __always_inline void read_pressure(struct wlk_row *row, struct cgroup *cgrp)
{
	struct psi_group *psi;

	if (!has_psi_pointer())
		return;
	psi = READ(cgrp, psi);
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

/* Where a visit finds the group between two walks. */
static __always_inline void note_root(u32 slot, struct cgroup *cgrp, const struct slt_key *key)
{
	struct wlk_root *root = root_of(wlk_place, slot);

	if (!root || root->cgroup == (u64)cgrp)
		return;
	root->cgroup_id = key->cgroup_id;
	root->hierarchy_id = key->hierarchy_id;
	root->cgroup = (u64)cgrp;
}

static __always_inline u64 id_of(struct cgroup *cgrp)
{
	struct kernfs_node *node = READ(cgrp, kn);

	return READ(node, id);
}

static __always_inline struct cgroup_subsys_state *memory_of(struct cgroup *cgrp)
{
	return bpf_core_type_exists(struct mem_cgroup) ? CSS(cgrp, memory_cgrp_id) : 0;
}

/* Everything the kernel already keeps for the whole subtree, and the root's own
 * page lists. */
static __always_inline void read_root(struct wlk_row *row, struct cgroup *cgrp,
				      struct cgroup_subsys_state *memory, const struct slt_key *key)
{
	struct cgroup_subsys_state *cpu = CSS(cgrp, cpu_cgrp_id);

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
	if (owner.is_root) {
		key = walked_key(cgrp);
		note_root(owner.slot, cgrp, &key);
	}
	if (!is_wanted(owner.slot))
		return 0;
	row = row_of(owner.slot);
	if (!row) {
		wlk_row_range += 1;
		return 0;
	}
	memory = memory_of(cgrp);
	if (owner.is_root) {
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

/* On the way through the groups below a root, depth first, as the kernel's
 * css_next_descendant_pre() goes. Addresses are numbers: nobody vouches for them. */
struct below {
	struct wlk_row *row;
	u64 top;
	u64 at; /* a struct cgroup_subsys_state, as is top */
	u64 hierarchy_id;
	u32 slot;
	u32 is_done; /* what is below `at` was visited */
};

/* Its page lists, if it is the same workload's and not yet removed. */
static __always_inline void enter(struct below *below, u64 css)
{
	struct cgroup_subsys_state *self = AS(struct cgroup_subsys_state, css);
	struct cgroup *cgrp = READ(self, cgroup);
	struct slt_key key = {
	    .cgroup_id = id_of(cgrp),
	    .hierarchy_id = below->hierarchy_id,
	};
	struct slt_value *owner = bpf_map_lookup_elem(&slt_slots, &key);
	struct cgroup_subsys_state *memory;

	below->at = css;
	below->is_done = 0;
	wlk_cgroups += 1;
	if (!owner || owner->slot != below->slot || owner->is_root)
		return;
	wlk_tracked += 1;
	below->row->cgroups += 1;
	memory = memory_of(cgrp);
	if (memory)
		add_lists(below->row, memory);
}

#define SIBLING bpf_core_field_offset(struct cgroup_subsys_state, sibling)
#define CHILDREN bpf_core_field_offset(struct cgroup_subsys_state, children)

static long step_below(u32 step, struct below *below)
{
	struct cgroup_subsys_state *at = AS(struct cgroup_subsys_state, below->at);
	u64 parent, next;

	if (!below->is_done) {
		next = (u64)READ(at, children.next);
		if (!next)
			return 1; /* never: a list has at least its head */
		if (next != below->at + CHILDREN) {
			enter(below, next - SIBLING);
			return 0;
		}
	}
	if (below->at == below->top)
		return 1;
	parent = (u64)READ(at, parent);
	next = (u64)READ(at, sibling.next);
	if (!parent || !next)
		return 1;
	if (next != parent + CHILDREN) {
		enter(below, next - SIBLING);
		return 0;
	}
	below->at = parent;
	below->is_done = 1;
	return 0;
}

/* What a row says of page lists, and what it goes by: reading them is much of a
 * visit, and they change only with use. */
struct kept_lists {
	u64 cgroup_id;
	u64 memory_pages;
	u64 pages[5];
	u32 present;
	u32 cgroups;
};

static __always_inline struct kept_lists lists_of(const struct wlk_row *row)
{
	struct kept_lists kept = {
	    .cgroup_id = row->cgroup_id,
	    .memory_pages = row->memory_pages,
	    .pages = {row->inactive_anon_pages, row->active_anon_pages, row->inactive_file_pages,
		      row->active_file_pages, row->unevictable_pages},
	    .present = row->present,
	    .cgroups = row->cgroups,
	};

	return kept;
}

/* False: they have to be read anew. */
static __always_inline bool keep_lists(struct wlk_row *row, const struct kept_lists *kept)
{
	if (kept->cgroup_id != row->cgroup_id || kept->memory_pages != row->memory_pages ||
	    (kept->present & WLK_HAS_MEMORY) != (row->present & WLK_HAS_MEMORY))
		return false;
	row->inactive_anon_pages = kept->pages[0];
	row->active_anon_pages = kept->pages[1];
	row->inactive_file_pages = kept->pages[2];
	row->active_file_pages = kept->pages[3];
	row->unevictable_pages = kept->pages[4];
	row->present |= kept->present & WLK_HAS_LRU;
	row->cgroups = kept->cgroups;
	return true;
}

/* The kernel frees a group, and lets go of its place among its siblings, after an
 * RCU grace period at the earliest: what is remembered here and in the tree stays
 * what it was until the visit ends. The id is asked all the same: a removal that
 * its hook did not see would leave an address that may be anybody's. */
static long visit_one(u32 index, void *nothing)
{
	u32 number = wlk_visit_from + index;
	u64 *entry = bpf_map_lookup_elem(&wlk_visits, &number);
	struct cgroup_subsys_state *memory;
	struct wlk_root *root;
	struct below below = {};
	struct kept_lists kept;
	struct wlk_row *row;
	struct cgroup *cgrp;
	struct slt_key key;
	u64 address;
	bool dozes;
	u32 slot;

	if (!entry)
		return 0;
	slot = (u32)*entry;
	dozes = *entry & WLK_DOZES;
	root = root_of(wlk_place, slot);
	if (!root)
		return 0;
	address = *(volatile u64 *)&root->cgroup;
	if (!address)
		return 0;
	key.cgroup_id = root->cgroup_id;
	key.hierarchy_id = root->hierarchy_id;
	cgrp = AS(struct cgroup, address);
	if (id_of(cgrp) != key.cgroup_id) {
		root->cgroup = 0;
		return 0;
	}
	row = row_of(slot);
	if (!row) {
		wlk_row_range += 1;
		return 0;
	}
	wlk_cgroups += 1;
	wlk_tracked += 1;
	memory = memory_of(cgrp);
	kept = lists_of(row);
	read_root(row, cgrp, memory, &key);
	row->cgroups = 1;
	if (memory)
		note_group(slot, memory, key.cgroup_id);
	if (dozes && keep_lists(row, &kept))
		return 0;
	if (memory)
		add_lists(row, memory);
	below.row = row;
	below.top = below.at = address + bpf_core_field_offset(struct cgroup, self);
	below.hierarchy_id = key.hierarchy_id;
	below.slot = slot;
	if (bpf_loop(WLK_MAX_STEPS, step_below, &below, 0) == WLK_MAX_STEPS)
		count_drop(DRP_WALK_STEPS);
	return 0;
}

/* Run by user space. Not a tracepoint's: this kind of program runs inside an RCU
 * read section when it is run by hand, where one for SEC("syscall") may sleep. */
SEC("raw_tp")
int wlk_visit(void *ctx)
{
	bpf_loop(wlk_visit_count, visit_one, NULL, 0);
	return 0;
}
