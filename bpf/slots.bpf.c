// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
// Which workload a cgroup belongs to, kept right while cgroups come and go.
//
//   cgroup_mkdir --> parent has a slot?  yes: the child inherits it, here
//                    --> event: user space classifies what has none
//   cgroup_rmdir --> entry deleted --> event
//                    a workload's own: its CPU time to the last nanosecond
//   attach_task  --> slt_generation + 1: slots cached per task are looked up again
//
// User space (collector/source/bpf/slot_table.h) gives roots their slots.
//
// Needs: kernel BTF, tp_btf. Cost: per mkdir and rmdir one lookup, one update
// and one event; nothing per task or tick.
// Left out on purpose: paths (the event carries them), what a workload is.

#include "bpf/lib/clock.bpf.h"
#include "bpf/lib/drops.bpf.h"
#include "bpf/lib/events.bpf.h"
#include "bpf/lib/slots.bpf.h"
#include "bpf/lib/walk.bpf.h"

#include <bpf/bpf_tracing.h>

#define SLT_MAX_CPUS 1024 /* for the verifier; cfg_cpus ends the loop */

/* Bit n: hierarchy n is reported. A container runtime makes the same path in
 * ten v1 hierarchies; the collector wants two or three of those events. */
const volatile __u64 cfg_hierarchy_mask = ~0ULL;

struct slt_slots_map slt_slots SEC(".maps");
struct evt_ring_map evt_ring SEC(".maps");
/* Row slot. Sized by user space: slots. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct slt_final);
} slt_finals SEC(".maps");

extern const volatile __u32 cfg_cpus;

volatile __u64 slt_generation; /* also raised by user space, atomically */
volatile __u32 slt_changes;    /* the same */
__u64 drp_counts[DRP_NUM];
/* The clock's; libbpf's linker wants what is shared in the first object that uses it. */
struct clk_rows_map clk_rows SEC(".maps");
__u64 clk_tick;
/* And the walk's. */
struct wlk_roots_map wlk_roots SEC(".maps");

static __always_inline bool is_reported(u64 hierarchy_id)
{
	/* Ids rise with every mount; past 63 none can be told apart: report all. */
	return hierarchy_id > 63 || (cfg_hierarchy_mask >> hierarchy_id & 1);
}

static __always_inline void emit_cgroup(u32 kind, const struct slt_key *key, u64 parent_id,
					const char *path, u32 slot, u32 flags)
{
	struct evt_cgroup *event;
	long length;

	if (!is_reported(key->hierarchy_id))
		return;
	event = bpf_ringbuf_reserve(&evt_ring, sizeof(*event), 0);
	if (!event) {
		count_drop(DRP_RING_CGROUP);
		return;
	}
	__builtin_memset(&event->head, 0, sizeof(event->head));
	event->head.kind = kind;
	event->head.slot = slot;
	event->head.boot_ns = bpf_ktime_get_boot_ns();
	event->head.flags = flags;
	event->cgroup_id = key->cgroup_id;
	event->hierarchy_id = key->hierarchy_id;
	event->parent_id = parent_id;
	length = bpf_probe_read_kernel_str(event->path, sizeof(event->path), path);
	if (length >= (long)sizeof(event->path)) {
		event->head.flags |= EVT_PATH_CUT;
		count_drop(DRP_PATH_CUT);
	}
	bpf_ringbuf_submit(event, 0);
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(slt_on_mkdir, struct cgroup *cgrp, const char *path)
{
	struct slt_key key = key_of(cgrp);
	struct cgroup *parent = BPF_CORE_READ(cgrp, self.parent, cgroup);
	struct slt_value *of_parent = parent ? value_of(parent) : 0;
	u64 parent_id = parent ? BPF_CORE_READ(parent, kn, id) : 0;
	u32 slot = SLT_OTHER;

	if (of_parent) {
		struct slt_value value = {.slot = of_parent->slot, .is_root = 0};

		/* EEXIST would be user space's own entry for a new root: it stands. */
		if (bpf_map_update_elem(&slt_slots, &key, &value, BPF_NOEXIST) == 0 ||
		    bpf_map_lookup_elem(&slt_slots, &key))
			slot = value.slot;
		else
			count_drop(DRP_SLOTS_FULL);
		__sync_fetch_and_add(&slt_changes, 1);
	}
	emit_cgroup(EVT_CGROUP_MADE, &key, parent_id, path, slot, 0);
	return 0;
}

/* A number of its own on every CPU, to find the CPUs' copies by. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} slt_on_each_cpu SEC(".maps");

/* A pointer as a number; the verifier lets nobody calculate with it as it is. */
#define NUMBER_OF(pointer)                                                                         \
	({                                                                                         \
		const void *pointer_ = (pointer);                                                  \
		u64 number_ = 0;                                                                   \
		bpf_probe_read_kernel(&number_, sizeof(number_), &pointer_);                       \
		number_;                                                                           \
	})

/* What to add to a per-CPU pointer to get the copy of `cpu`. __per_cpu_offset
 * has no BTF, and kernels without CONFIG_KALLSYMS_ALL do not tell where
 * this_cpu_off is; but of this map both the per-CPU pointer and the copies are
 * known. 0: no such CPU. */
static __always_inline u64 percpu_offset(u32 cpu)
{
	const u64 map = NUMBER_OF(&slt_on_each_cpu);
	u32 first = 0;
	const void *copy = bpf_map_lookup_percpu_elem(&slt_on_each_cpu, &first, cpu);
	u64 base = 0;

	bpf_probe_read_kernel(&base, sizeof(base),
			      (void *)map + bpf_core_field_offset(struct bpf_array, pptrs));
	return copy && base ? NUMBER_OF(copy) - base : 0;
}

static __always_inline void add_cputime(struct slt_final *sum, const struct cgroup_base_stat *stat,
					int sign)
{
	sum->usage_ns += sign * BPF_CORE_READ(stat, cputime.sum_exec_runtime);
	sum->user_ns += sign * BPF_CORE_READ(stat, cputime.utime);
	sum->system_ns += sign * BPF_CORE_READ(stat, cputime.stime);
}

/* After the last walk nobody else will ask, and sums are flushed by readers only. */
static __always_inline void note_final(struct cgroup *cgrp, u32 slot)
{
	struct slt_final *final = bpf_map_lookup_elem(&slt_finals, &slot);
	const struct unflushed rest = unflushed_of(cgrp);
	u32 cpu;

	if (!final)
		return;
	add_cputime(final, &cgrp->bstat, 1);
	for (cpu = 0; cpu < cfg_cpus && cpu < SLT_MAX_CPUS; cpu++) {
		u64 offset = percpu_offset(cpu);

		if (!offset)
			continue;
		add_cputime(final, rest.stats + offset + rest.booked, 1);
		add_cputime(final, rest.stats + offset + rest.handed_on, -1);
	}
}

/* The kernel frees the group after an RCU grace period at the earliest, and the
 * clock and the walk's visits read inside one. */
static __always_inline void forget_group(u32 slot, const struct slt_key *key)
{
	struct clk_row *row = bpf_map_lookup_elem(&clk_rows, &slot);
	u32 place;

	if (row && row->group_id == key->cgroup_id)
		row->group = 0;
	for (place = 0; place < WLK_HIERARCHIES; place++) {
		struct wlk_root *root = root_of(place, slot);

		if (root && root->cgroup_id == key->cgroup_id &&
		    root->hierarchy_id == key->hierarchy_id)
			root->cgroup = 0;
	}
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(slt_on_rmdir, struct cgroup *cgrp, const char *path)
{
	struct slt_key key = key_of(cgrp);
	struct slt_value *value = bpf_map_lookup_elem(&slt_slots, &key);
	u32 slot = SLT_OTHER, flags = 0;

	if (value) {
		slot = value->slot;
		if (value->is_root) {
			flags = EVT_IS_ROOT;
			forget_group(slot, &key);
		}
		if (value->is_root && key.hierarchy_id == 0)
			note_final(cgrp, slot);
		bpf_map_delete_elem(&slt_slots, &key);
		__sync_fetch_and_add(&slt_changes, 1);
	}
	emit_cgroup(EVT_CGROUP_GONE, &key, 0, path, slot, flags);
	return 0;
}

/* A css_set may be freed and its address used by another while a task that
 * cached it sleeps. That takes a move between groups, so every move counts. */
SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(slt_on_attach)
{
	__sync_fetch_and_add(&slt_generation, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
