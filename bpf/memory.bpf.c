// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
// Memory at its limit, at once; what reclaim costs; who was killed for want of it.
//
//   mm_vmscan_memcg_reclaim_begin --> the running task's workload hit memory.max,
//                                     memory.high or v1's limit_in_bytes: event
//   mm_vmscan_direct_reclaim_begin -> the host is short
//   both .._end                   --> time since begin, pages freed
//   mark_victim                   --> OOM kill: event with cause
//
// Needs: kernel BTF, tp_btf. Cost: one task-storage lookup and two clock reads
// per reclaim, which itself takes far longer. Peaks of use: clock.bpf.c.
// Left out on purpose: reclaim by kernel threads for others (no workload waits).

#include "bpf/abi/memory_abi.h"
#include "bpf/lib/buckets.bpf.h"
#include "bpf/lib/drops.bpf.h"
#include "bpf/lib/events.bpf.h"
#include "bpf/lib/limits.bpf.h"
#include "bpf/lib/slots.bpf.h"

#include <bpf/bpf_tracing.h>

/* A task at its limit reclaims thousands of times a second. */
const volatile __u64 cfg_memory_gap_ns = 2 * 1000 * 1000;

#define MAX_LEVELS 16 /* of a cgroup path that are looked through */

struct mem_task {
	u64 began_ns; /* 0: not in reclaim */
	u32 slot;
	u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct mem_task);
} mem_tasks SEC(".maps");

/* Sized by user space: slots. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct mem_row);
} mem_rows SEC(".maps");

static __always_inline u32 begin_reclaim(struct task_struct *task)
{
	u32 slot = slot_of_css_set(task->cgroups);
	struct mem_task *seen;

	if (slot == SLT_OTHER)
		return slot;
	seen = bpf_task_storage_get(&mem_tasks, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!seen) {
		count_drop(DRP_RECLAIM_STORAGE);
		return slot;
	}
	seen->slot = slot;
	seen->began_ns = bpf_ktime_get_ns();
	return slot;
}

static __always_inline void end_reclaim(enum mem_reclaim kind, u64 pages)
{
	struct mem_task *seen = bpf_task_storage_get(&mem_tasks, bpf_get_current_task_btf(), 0, 0);
	struct mem_row *row;
	u64 wait_ns;

	if (!seen || !seen->began_ns)
		return; /* no workload's, or begun before we attached */
	row = bpf_map_lookup_elem(&mem_rows, &seen->slot);
	if (!row)
		return; /* never: sized by the slots */
	wait_ns = bpf_ktime_get_ns() - seen->began_ns;
	seen->began_ns = 0;
	__sync_fetch_and_add(&row->waits[kind][latency_bucket(wait_ns)], 1);
	__sync_fetch_and_add(&row->wait_ns[kind], wait_ns);
	__sync_fetch_and_add(&row->pages[kind], pages);
}

static __always_inline void report_limit(struct task_struct *task, u32 slot)
{
	struct evt_head event = {.kind = EVT_MEMORY_LIMIT, .slot = slot};
	struct rql_limit *limit = bpf_map_lookup_elem(&rql_limits, &slot);
	u64 last;

	if (!limit)
		return;
	__sync_fetch_and_add(&limit->memory_hits, 1);
	event.boot_ns = bpf_ktime_get_boot_ns();
	last = limit->memory_event_ns;
	if (event.boot_ns - last < cfg_memory_gap_ns)
		return;
	if (__sync_val_compare_and_swap(&limit->memory_event_ns, last, event.boot_ns) != last)
		return; /* another CPU reports the same moment */
	event.pid = task->pid;
	bpf_get_current_comm(event.comm, sizeof(event.comm));
	emit_event(&event, DRP_RING_MEMORY);
}

SEC("tp_btf/mm_vmscan_memcg_reclaim_begin")
int BPF_PROG(mem_on_reclaim)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u32 slot = begin_reclaim(task);

	if (slot != SLT_OTHER)
		report_limit(task, slot);
	return 0;
}

SEC("tp_btf/mm_vmscan_memcg_reclaim_end")
int BPF_PROG(mem_on_memcg_end, unsigned long pages)
{
	end_reclaim(MEM_MEMCG, pages);
	return 0;
}

SEC("tp_btf/mm_vmscan_direct_reclaim_begin")
int BPF_PROG(mem_on_direct)
{
	begin_reclaim(bpf_get_current_task_btf());
	return 0;
}

SEC("tp_btf/mm_vmscan_direct_reclaim_end")
int BPF_PROG(mem_on_direct_end, unsigned long pages)
{
	end_reclaim(MEM_DIRECT, pages);
	return 0;
}

/* Pages that a charge may ask for at once (MEMCG_CHARGE_BATCH). */
#define CHARGE_BATCH 64

static __always_inline bool at_limit(const struct mem_cgroup *memcg)
{
	return (u64)BPF_CORE_READ(memcg, memory.usage.counter) + CHARGE_BATCH >=
	       BPF_CORE_READ(memcg, memory.max);
}

/* Whose limit was met. While a group is out of memory the kernel holds oom_lock
 * on it and all below: the topmost that has it. Kernels without v1's memory
 * controller have no such mark: there a charge goes from the task's group up
 * and fails at the lowest that is full (page_counter_try_charge). NULL: nobody's. */
static __always_inline struct cgroup_subsys_state *limited(struct cgroup_subsys_state *css)
{
	struct cgroup_subsys_state *found = 0;
	int level;

	for (level = 0; level < MAX_LEVELS && css; level++) {
		struct mem_cgroup *memcg = (void *)css;

		if (bpf_core_field_exists(struct mem_cgroup, oom_lock)) {
			if (BPF_CORE_READ(memcg, oom_lock))
				found = css;
		} else if (at_limit(memcg)) {
			return css;
		}
		css = BPF_CORE_READ(css, parent);
	}
	return found;
}

static __always_inline u32 cause_of(struct css_set *cset, u32 slot)
{
	struct cgroup_subsys_state *css;
	struct slt_value *value;

	if (!bpf_core_type_exists(struct mem_cgroup))
		return 0;
	css = limited(CSS_AT(cset, struct css_set, memory_cgrp_id));
	if (!css)
		return EVT_OOM_HOST;
	value = value_of_css(css);
	return value && value->slot == slot ? EVT_OOM_OWN : EVT_OOM_ANCESTOR;
}

static __always_inline void emit_oom(struct evt_oom *event)
{
	if (bpf_ringbuf_output(&evt_ring, event, sizeof(*event), BPF_RB_FORCE_WAKEUP))
		count_drop(DRP_RING_OOM);
}

/* mark_victim's argument is the task since 6.10 (72ba14deb40a), a pid before.
 * User space loads the one that fits the kernel's BTF. */
SEC("tp_btf/mark_victim")
int BPF_PROG(oom_on_victim_task, struct task_struct *victim)
{
	struct evt_oom event = {.head.kind = EVT_OOM_KILL};

	event.head.boot_ns = bpf_ktime_get_boot_ns();
	event.head.slot = slot_of_css_set(victim->cgroups);
	event.head.pid = victim->tgid;
	event.head.flags = cause_of(victim->cgroups, event.head.slot);
	bpf_probe_read_kernel(event.head.comm, sizeof(event.head.comm), victim->comm);
	event.resident_pages = resident_pages(victim->mm);
	emit_oom(&event);
	return 0;
}

/* The task that needed memory is of the victim's workload when the limit is the
 * workload's own, which is the usual case; the flag says that it is a guess. */
SEC("tp_btf/mark_victim")
int BPF_PROG(oom_on_victim_pid, int pid)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct evt_oom event = {.head.kind = EVT_OOM_KILL};

	event.head.boot_ns = bpf_ktime_get_boot_ns();
	event.head.slot = slot_of_css_set(task->cgroups);
	event.head.pid = pid;
	event.head.flags = EVT_SLOT_OF_TRIGGER | cause_of(task->cgroups, event.head.slot);
	if (task->pid == pid) {
		bpf_get_current_comm(event.head.comm, sizeof(event.head.comm));
		event.resident_pages = resident_pages(task->mm);
	}
	emit_oom(&event);
	return 0;
}
