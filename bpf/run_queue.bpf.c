// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
// Run-queue wait and CPU time per workload and CPU, from one hook and without
// reading a clock.
//
//   sched_switch  prev --> ran += its sum_exec_runtime since last booked
//                          own quota used up? mark the task, event
//                          could have run on? preempted, by whom
//                 next --> wait = (run_delay - last seen) + (rq clock - last_queued)
//                          marked? own_waits : waits
//                          who had the CPU meanwhile (lib/blame.bpf.h)
//
// The hook fires before the kernel adds the wait that ends now to run_delay;
// both terms together are what schedstat will say a moment later, waits that
// migrated while queued included.
//
// What was booked is remembered with the task, not with the CPU: a switch that
// the hook did not see (about 1 % of them on one kernel in use, around a thread
// of its init; no recursion counted) is made up for at the task's next one, and
// sched_process_exit stands in for a last one that never comes.
//
// User space (collector/source/bpf/run_queue.h) folds the CPUs and never writes.
//
// Needs: kernel BTF, tp_btf, CONFIG_SCHED_INFO, task storage (5.11), bpf_loop (5.17).
// Cost (tests/bench/bpf_cost.py): two task-storage lookups and seven array lookups per
// switch, a step or two for most waits.
// Left out on purpose: the idle task; waits before a task was first seen;
// before 6.18, throttling of tasks that were queued, not running, when the
// quota ran out (it counts as ordinary wait).

#include "bpf/abi/run_queue_abi.h"
#include "bpf/lib/blame.bpf.h"
#include "bpf/lib/buckets.bpf.h"
#include "bpf/lib/clock.bpf.h"
#include "bpf/lib/drops.bpf.h"
#include "bpf/lib/events.bpf.h"
#include "bpf/lib/limits.bpf.h"
#include "bpf/lib/run_queue.bpf.h"
#include "bpf/lib/slots.bpf.h"

#include <bpf/bpf_tracing.h>

_Static_assert(RQL_BUCKETS == LATENCY_BUCKETS, "one histogram for all latencies");

const volatile __u32 cfg_cpus = 1; /* possible CPUs */
/* Every move between groups raises slt_generation: what the task holds need not
 * be looked at (a cache line that nobody else wants at a switch). */
const volatile __u32 cfg_sees_moves = 0;
/* CLOCK_BOOTTIME; what tasks born later run and wait is ours from birth. */
const volatile __u64 cfg_loaded_ns = 0;
const volatile __u64 cfg_throttle_gap_ns = 5 * 1000 * 1000; /* between events of one slot */

struct rql_task {
	u64 exec_ns;	  /* sum_exec_runtime that is booked */
	u64 run_delay_ns; /* run_delay as of the last switch-in */
	u64 css_set;	  /* address the cached slot belongs to; 0: task not seen before */
	u64 generation;	  /* of the slot table then */
	u32 slot;
	u32 own_throttled; /* switched out by its own quota; the next wait is its own */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct rql_task);
} rql_tasks SEC(".maps");

struct rql_rows_map rql_rows SEC(".maps");
struct rql_active_map rql_active SEC(".maps");
struct rql_awake_map rql_awake SEC(".maps");
struct rql_cpus_map rql_cpus SEC(".maps");

/* User space counts its ticks here. */
__u64 rql_tick = 0;

struct rql_limits_map rql_limits SEC(".maps");

static __always_inline struct rql_row *row_of(u32 slot, u32 cpu)
{
	u32 index = slot * cfg_cpus + cpu;
	struct rql_row *row = bpf_map_lookup_elem(&rql_rows, &index);

	if (row)
		return row;
	count_drop(DRP_SLOT_RANGE);
	index = SLT_OTHER * cfg_cpus + cpu;
	return bpf_map_lookup_elem(&rql_rows, &index);
}

static __always_inline u32 cached_slot(struct task_struct *task, struct rql_task *seen)
{
	u64 generation =
	    slt_generation; /* before the lookup: a change meanwhile is seen next time */
	struct css_set *cset;

	if (cfg_sees_moves && seen->css_set && seen->generation == generation)
		return seen->slot;
	cset = task->cgroups;
	if (seen->css_set == (u64)cset && seen->generation == generation)
		return seen->slot;
	seen->slot = slot_of_css_set(cset);
	seen->css_set = (u64)cset;
	seen->generation = generation;
	return seen->slot;
}

static __always_inline void report_throttle(struct task_struct *prev, u32 slot)
{
	struct rql_limit *limit = bpf_map_lookup_elem(&rql_limits, &slot);
	struct evt_head event = {.kind = EVT_THROTTLE, .slot = slot};
	u64 last;

	if (!limit || slot == SLT_OTHER)
		return;
	__sync_fetch_and_add(&limit->throttles, 1);
	event.boot_ns = bpf_ktime_get_boot_ns();
	last = limit->throttle_event_ns;
	if (event.boot_ns - last < cfg_throttle_gap_ns)
		return;
	/* Another CPU may report the same moment: one of them wins. */
	if (__sync_val_compare_and_swap(&limit->throttle_event_ns, last, event.boot_ns) != last)
		return;
	event.pid = prev->pid;
	bpf_probe_read_kernel(event.comm, sizeof(event.comm), prev->comm);
	emit_event(&event, DRP_RING_THROTTLE);
}

/* The task's memory, made where it has none. NULL: no memory left, counted. */
static __always_inline struct rql_task *see(struct task_struct *task)
{
	struct rql_task *seen =
	    bpf_task_storage_get(&rql_tasks, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!seen) {
		count_drop(DRP_TASK_STORAGE);
		return NULL;
	}
	if (seen->css_set)
		return seen;
	cached_slot(task, seen);
	/* What an older task ran and waited before is not ours to book. */
	if (task->start_boottime < cfg_loaded_ns) {
		seen->exec_ns = task->se.sum_exec_runtime;
		seen->run_delay_ns = task->sched_info.run_delay;
	}
	return seen;
}

/* All that it ran since the last booking, to the workload it was in then, whose
 * row it returns; NULL: nothing to book. */
static __always_inline struct rql_row *book_ran(struct task_struct *task, struct rql_task *seen,
						u32 cpu)
{
	u64 exec_ns = task->se.sum_exec_runtime;
	struct rql_row *row;

	if (exec_ns == seen->exec_ns)
		return NULL;
	row = row_of(seen->slot, cpu);
	if (row)
		row->ran_ns += exec_ns - seen->exec_ns;
	seen->exec_ns = exec_ns;
	return row;
}

static __always_inline void note_active(u32 slot)
{
	u64 *tick = bpf_map_lookup_elem(&rql_active, &slot);

	if (!tick || *tick == rql_tick)
		return;
	*tick = rql_tick;
	set_awake(slot, true);
}

/* For the clock, which adds what is not booked yet; row: the slot's on this CPU.
 * Its ran_ns is stored last: until it fits the row, the clock believes nothing. */
static __always_inline void note_on_cpu(struct task_struct *task, const struct rql_task *seen,
					u32 cpu, const struct rql_row *row)
{
	volatile struct rql_cpu *here = bpf_map_lookup_elem(&rql_cpus, &cpu);

	if (!here)
		return;
	here->slot = seen->slot;
	here->task = (u64)task;
	here->exec_ns = seen->exec_ns;
	here->ran_ns = row->ran_ns;
	/* The scheduler has just read its clock: once in 10 ms ours is put beside it. */
	if (here->tick == clk_tick)
		return;
	here->tick = clk_tick;
	here->run_queue = (u64)task->se.cfs_rq->rq;
	here->offset_ns = bpf_ktime_get_ns() - task->se.cfs_rq->rq->clock;
}

static __always_inline void note_idle(u32 cpu)
{
	struct rql_cpu *here = bpf_map_lookup_elem(&rql_cpus, &cpu);

	if (here)
		here->slot = SLT_OTHER;
}

/* Its row if the CPU was taken from it, else NULL. */
static __always_inline struct rql_row *leave_cpu(struct task_struct *prev, u32 cpu, u32 *slot,
						 bool runnable)
{
	struct rql_task *seen = see(prev);
	struct rql_row *row;

	if (!seen)
		return NULL;
	*slot = seen->slot;
	row = book_ran(prev, seen, cpu);
	note_active(seen->slot);
	if (!runnable)
		return NULL;
	if (!own_throttled(prev))
		return row ? row : row_of(seen->slot, cpu);
	seen->own_throttled = 1;
	report_throttle(prev, seen->slot);
	return NULL;
}

/* A wait that ends now. */
struct wait {
	u64 now;     /* the run queue's clock */
	u64 ns;	     /* all of it, and nothing that was booked before */
	u64 here_ns; /* of it on this CPU: the last of it */
};

static __always_inline struct wait wait_of(struct task_struct *next, struct rql_task *seen, u64 now)
{
	u64 run_delay = next->sched_info.run_delay;
	u64 queued = next->sched_info.last_queued;
	u64 before = seen->run_delay_ns;
	struct wait wait = {.now = now};

	if (queued && now < queued)
		count_drop(DRP_CLOCK_BACKWARD);
	else if (queued)
		wait.here_ns = now - queued;
	seen->run_delay_ns = run_delay + wait.here_ns;
	wait.ns = wait.here_ns + (run_delay >= before ? run_delay - before : 0);
	return wait;
}

static __always_inline void book_wait(struct rql_row *row, struct rql_task *seen,
				      struct blm_cpu *here, const struct wait *wait)
{
	u32 bucket = latency_bucket(wait->ns);

	row->switches += 1;
	if (bucket >= RQL_BUCKETS) /* never true; the verifier needs to see it */
		return;
	if (seen->own_throttled) {
		row->own_waits[bucket] += 1;
		row->own_ns += wait->ns;
		seen->own_throttled = 0;
		return;
	}
	row->waits[bucket] += 1;
	row->wait_ns += wait->ns;
	if (here && seen->slot != SLT_OTHER)
		row->held_ns +=
		    book_holders(here, seen->slot, wait->now - wait->here_ns, wait->now);
}

static __always_inline u32 enter_cpu(struct task_struct *next, u32 cpu, struct blm_cpu *here,
				     u64 now)
{
	struct rql_task *seen = see(next);
	struct rql_row *row;
	struct wait wait;

	if (!seen)
		return SLT_OTHER;
	book_ran(next, seen, cpu); /* nothing, unless a switch was missed */
	row = row_of(cached_slot(next, seen), cpu);
	if (row) {
		wait = wait_of(next, seen, now);
		book_wait(row, seen, here, &wait);
		note_on_cpu(next, seen, cpu, row);
	}
	note_active(seen->slot);
	return seen->slot;
}

static __always_inline void count_preemption(struct rql_row *row, u32 from, u32 to)
{
	row->preempted[to == from	 ? RQL_BY_SELF
		       : to == SLT_OTHER ? RQL_BY_SYSTEM
					 : RQL_BY_OTHER] += 1;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(rql_on_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct blm_cpu *here = bpf_map_lookup_elem(&blm_cpus, &cpu);
	u64 now = next->se.cfs_rq->rq->clock;
	struct rql_row *taken_from = NULL;
	u32 from = SLT_OTHER, to;

	/* As the kernel tells an involuntary switch (nonvoluntary_ctxt_switches). */
	if (!(prev->flags & PF_IDLE))
		taken_from = leave_cpu(prev, cpu, &from, preempt || !prev->__state);
	if (next->flags & PF_IDLE) {
		note_idle(cpu);
		to = BLM_IDLE;
	} else {
		to = enter_cpu(next, cpu, here, now);
		if (taken_from)
			count_preemption(taken_from, from, to);
	}
	if (here)
		begin_slice(here, to, now);
	return 0;
}

/* Its last switch follows and books what it runs from here on. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(rql_on_exit, struct task_struct *task)
{
	struct rql_task *seen = see(task);

	if (seen)
		book_ran(task, seen, bpf_get_smp_processor_id());
	return 0;
}
