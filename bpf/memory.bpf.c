// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
// Memory at its limit, at once.
//
//   mm_vmscan_memcg_reclaim_begin --> the running task's workload hit memory.max,
//                                     memory.high or v1's limit_in_bytes: event
//   mark_victim                   --> OOM kill: event
//
// Needs: kernel BTF, tp_btf. Cost: one task-storage lookup per reclaim, which
// itself takes far longer.
// Left out on purpose: which group of the path has the limit (the walk's
// counters tell); reclaim by kernel threads for others (no workload is running).

#include "bpf/lib/drops.bpf.h"
#include "bpf/lib/events.bpf.h"
#include "bpf/lib/limits.bpf.h"
#include "bpf/lib/slots.bpf.h"

#include <bpf/bpf_tracing.h>

/* A task at its limit reclaims thousands of times a second. */
const volatile __u64 cfg_memory_gap_ns = 2 * 1000 * 1000;

SEC("tp_btf/mm_vmscan_memcg_reclaim_begin")
int BPF_PROG(mem_on_reclaim)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct evt_head event = {.kind = EVT_MEMORY_LIMIT};
	struct rql_limit *limit;
	u64 last;

	event.slot = slot_of_css_set(task->cgroups);
	if (event.slot == SLT_OTHER)
		return 0;
	limit = bpf_map_lookup_elem(&rql_limits, &event.slot);
	if (!limit)
		return 0;
	__sync_fetch_and_add(&limit->memory_hits, 1);
	event.boot_ns = bpf_ktime_get_boot_ns();
	last = limit->memory_event_ns;
	if (event.boot_ns - last < cfg_memory_gap_ns)
		return 0;
	if (__sync_val_compare_and_swap(&limit->memory_event_ns, last, event.boot_ns) != last)
		return 0; /* another CPU reports the same moment */
	event.pid = task->pid;
	bpf_get_current_comm(event.comm, sizeof(event.comm));
	emit_event(&event, DRP_RING_MEMORY);
	return 0;
}

/* mark_victim's argument is the task since 6.10 (72ba14deb40a), a pid before.
 * User space loads the one that fits the kernel's BTF. */
SEC("tp_btf/mark_victim")
int BPF_PROG(oom_on_victim_task, struct task_struct *victim)
{
	struct evt_head event = {.kind = EVT_OOM_KILL, .boot_ns = bpf_ktime_get_boot_ns()};

	event.slot = slot_of_css_set(victim->cgroups);
	event.pid = victim->tgid;
	bpf_probe_read_kernel(event.comm, sizeof(event.comm), victim->comm);
	emit_event(&event, DRP_RING_OOM);
	return 0;
}

/* The task that needed memory is of the victim's workload when the limit is the
 * workload's own, which is the usual case; the flag says that it is a guess. */
SEC("tp_btf/mark_victim")
int BPF_PROG(oom_on_victim_pid, int pid)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct evt_head event = {.kind = EVT_OOM_KILL, .boot_ns = bpf_ktime_get_boot_ns()};

	event.slot = slot_of_css_set(task->cgroups);
	event.pid = pid;
	event.flags = EVT_SLOT_OF_TRIGGER;
	if (task->pid == pid)
		bpf_get_current_comm(event.comm, sizeof(event.comm));
	emit_event(&event, DRP_RING_OOM);
	return 0;
}
