// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
// Which workload a cgroup belongs to, kept right while cgroups come and go.
//
//   cgroup_mkdir --> parent has a slot?  yes: the child inherits it, here
//                    --> event: user space classifies what has none
//   cgroup_rmdir --> entry deleted --> event
//   attach_task  --> slt_generation + 1: slots cached per task are looked up again
//
// User space (collector/source/bpf/slot_table.h) gives roots their slots.
//
// Needs: kernel BTF, tp_btf. Cost: per mkdir and rmdir one lookup, one update
// and one event; nothing per task or tick.
// Left out on purpose: paths (the event carries them), what a workload is.

#include "bpf/lib/drops.bpf.h"
#include "bpf/lib/events.bpf.h"
#include "bpf/lib/slots.bpf.h"

#include <bpf/bpf_tracing.h>

/* Bit n: hierarchy n is reported. A container runtime makes the same path in
 * ten v1 hierarchies; the collector wants two or three of those events. */
const volatile __u64 cfg_hierarchy_mask = ~0ULL;

struct slt_slots_map slt_slots SEC(".maps");
struct evt_ring_map evt_ring SEC(".maps");
volatile __u64 slt_generation; /* also raised by user space, atomically */
__u64 drp_counts[DRP_NUM];

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
	}
	emit_cgroup(EVT_CGROUP_MADE, &key, parent_id, path, slot, 0);
	return 0;
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(slt_on_rmdir, struct cgroup *cgrp, const char *path)
{
	struct slt_key key = key_of(cgrp);
	struct slt_value *value = bpf_map_lookup_elem(&slt_slots, &key);
	u32 slot = SLT_OTHER, flags = 0;

	if (value) {
		slot = value->slot;
		flags = value->is_root ? EVT_IS_ROOT : 0;
		bpf_map_delete_elem(&slt_slots, &key);
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
