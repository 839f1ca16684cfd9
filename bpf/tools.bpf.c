// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
// Tool calls: processes from their first exec inside a workload to their end.
//
//   sched_process_exec --> of a workload? remember span, parent span, file,
//                          arguments and what was used until now
//                          --> event at once: its burst can be answered before
//                              it comes
//   sched_process_exit --> last thread of one that is remembered:
//                          one event with everything the span used
//
// A process that execs again (env, a shell's exec) stays one span with the last
// program's name. The parent is the nearest ancestor with a span.
//
// A fork storm costs an event per exit and no more memory than the processes
// that live: beyond half of the ring spans are dropped and counted, so that the
// other half is left for events that cannot wait. Execs are reported only up to
// a rate for each workload and a quarter of the ring: a begin whose end is lost
// would be waited for in vain.
//
// Needs: kernel BTF, tp_btf, task storage (5.11). Cost: nothing per switch or
// fork; about a microsecond per exec and exit, which take hundreds.
// Left out on purpose: threads and forks without exec (their use is their
// process's, or nobody's), processes that were there before the collector, what
// the program's name means (user space cuts and redacts).

#include "bpf/lib/drops.bpf.h"
#include "bpf/lib/events.bpf.h"
#include "bpf/lib/slots.bpf.h"

#include <bpf/bpf_tracing.h>

/* A subshell or a forking server stands between a tool and who called it. */
#define MAX_ANCESTORS 8

const volatile __u64 cfg_tool_ring_bytes = 128 * 1024; /* above: spans are dropped */
const volatile __u64 cfg_begin_ring_bytes = 64 * 1024; /* above: begins are dropped */

/* Of a workload's execs, TOL_BURST are reported at once and one more for each
 * gap that passes. A shell that starts a tool is two, a test run is some; a
 * build of thousands of compilers gains nothing by being told of each. */
const volatile __u64 cfg_begin_gap_ns = 20 * 1000 * 1000;
#define TOL_BURST 32

struct tol_span {
	u64 span;
	u64 parent;
	u64 start_ns;
	/* As of the exec: what the process was before is not the tool's. */
	u64 cpu_ns;
	u64 read_bytes;
	u64 written_bytes;
	u64 max_pages;
	u32 slot;
	u32 args_length;
	char file[EVT_TOOL_FILE];
	char args[EVT_TOOL_ARGS];
};

/* By thread group leader. 0.5 KB for each process that exec'ed in a workload. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct tol_span);
} tol_spans SEC(".maps");

/* When the workload's allowance is whole again (GCRA). Sized by user space:
 * slots. Written by whoever execs; a race gives one event too many. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} tol_whole_at SEC(".maps");

static __always_inline u64 parent_span(struct task_struct *task)
{
	struct task_struct *ancestor = task;
	int i;

	for (i = 0; i < MAX_ANCESTORS; i++) {
		struct tol_span *span;

		ancestor = ancestor->real_parent;
		if (!ancestor)
			return 0;
		ancestor = ancestor->group_leader;
		if (!ancestor || ancestor->pid <= 1)
			return 0;
		span = bpf_task_storage_get(&tol_spans, ancestor, 0, 0);
		if (span)
			return span->span;
	}
	return 0;
}

/* Of all its threads; those under way to their end add theirs in a moment. The
 * scheduler brings a running task's sum up to date once a tick (1 to 10 ms). */
static __always_inline u64 cpu_of(struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;
	u64 cpu_ns = task->signal->sum_sched_runtime + task->se.sum_exec_runtime;

	return leader == task ? cpu_ns : cpu_ns + leader->se.sum_exec_runtime;
}

static __always_inline void io_of(struct task_struct *task, u64 *read_bytes, u64 *written_bytes)
{
	struct task_struct *leader = task->group_leader;

	if (!bpf_core_field_exists(struct task_struct, ioac.rchar))
		return;
	*read_bytes = task->signal->ioac.rchar + task->ioac.rchar;
	*written_bytes = task->signal->ioac.wchar + task->ioac.wchar;
	if (leader == task)
		return;
	*read_bytes += leader->ioac.rchar;
	*written_bytes += leader->ioac.wchar;
}

static __always_inline void take_name(struct tol_span *span, struct task_struct *task,
				      struct linux_binprm *bprm)
{
	unsigned long begin = task->mm->arg_start, end = task->mm->arg_end;
	u32 length = end > begin ? end - begin : 0;
	long copied;

	copied = bpf_probe_read_kernel_str(span->file, sizeof(span->file), bprm->filename);
	if (copied < 0 || copied >= (long)sizeof(span->file))
		span->file[0] = 0;
	if (length > sizeof(span->args) - 1)
		length = sizeof(span->args) - 1;
	barrier_var(length);
	length &= sizeof(span->args) - 1; /* changes nothing; the verifier needs to see it */
	span->args_length = 0;
	if (bpf_probe_read_user(span->args, length, (void *)begin) == 0)
		span->args_length = length;
}

static __always_inline bool may_report(u32 slot, u64 now)
{
	u64 *whole_at = bpf_map_lookup_elem(&tol_whole_at, &slot);
	u64 whole;

	if (!whole_at)
		return false; /* slots beyond the configured number have no reports */
	whole = *whole_at > now ? *whole_at : now;
	if (whole - now > (TOL_BURST - 1) * cfg_begin_gap_ns)
		return false;
	*whole_at = whole + cfg_begin_gap_ns;
	return true;
}

/* NULL: the ring is kept for others. */
static __always_inline struct evt_tool *reserve(u32 kind, const struct tol_span *span,
						struct task_struct *leader, u64 most_waiting)
{
	struct evt_tool *event;

	if (bpf_ringbuf_query(&evt_ring, BPF_RB_AVAIL_DATA) > most_waiting)
		return 0;
	event = bpf_ringbuf_reserve(&evt_ring, sizeof(*event), 0);
	if (!event)
		return 0;
	event->head.kind = kind;
	event->head.slot = span->slot;
	event->head.boot_ns = bpf_ktime_get_boot_ns();
	event->head.pid = leader->pid;
	event->head.flags = 0;
	bpf_probe_read_kernel(event->head.comm, sizeof(event->head.comm), leader->comm);
	event->parent = span->parent;
	event->start_ns = span->start_ns;
	event->args_length = span->args_length;
	__builtin_memcpy(event->file, span->file, sizeof(event->file));
	__builtin_memcpy(event->args, span->args, sizeof(event->args));
	return event;
}

static __always_inline void report_begin(const struct tol_span *span, struct task_struct *task)
{
	struct evt_tool *event;

	if (!may_report(span->slot, bpf_ktime_get_boot_ns())) {
		count_drop(DRP_TOOL_BEGIN_RATE);
		return;
	}
	event = reserve(EVT_TOOL_BEGIN, span, task, cfg_begin_ring_bytes);
	if (!event) {
		count_drop(DRP_RING_TOOL_BEGIN);
		return;
	}
	event->span = span->span;
	event->cpu_ns = 0;
	event->peak_pages = 0;
	event->read_bytes = 0;
	event->written_bytes = 0;
	event->status = 0;
	event->head.flags = EVT_NO_PEAK;
	bpf_ringbuf_submit(event, 0);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(tol_on_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	u32 slot = slot_of_css_set(task->cgroups);
	struct tol_span *span;

	if (slot == SLT_OTHER)
		return 0;
	span = bpf_task_storage_get(&tol_spans, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!span) {
		count_drop(DRP_TOOL_STORAGE);
		return 0;
	}
	span->slot = slot;
	take_name(span, task, bprm);
	if (!span->span) { /* else one program became another */
		span->start_ns = bpf_ktime_get_boot_ns();
		/* A process id is not given out twice in 16 us; 2^22 is its bound. */
		span->span = span->start_ns >> 14 << 22 | (task->pid & 0x3fffff);
		span->parent = parent_span(task);
		span->cpu_ns = cpu_of(task);
		span->max_pages = task->signal->maxrss;
		io_of(task, &span->read_bytes, &span->written_bytes);
	}
	report_begin(span, task);
	return 0;
}

static __always_inline void measure(struct evt_tool *event, struct task_struct *task,
				    const struct tol_span *span)
{
	u64 read_bytes = 0, written_bytes = 0, max_pages = task->signal->maxrss;

	event->cpu_ns = cpu_of(task) - span->cpu_ns;
	io_of(task, &read_bytes, &written_bytes);
	event->read_bytes = read_bytes - span->read_bytes;
	event->written_bytes = written_bytes - span->written_bytes;
	event->status = task->signal->group_exit_code;
	/* Risen since the exec: then the maximum is its own. */
	event->peak_pages = max_pages > span->max_pages ? max_pages : own_peak_pages(task);
	if (!event->peak_pages)
		event->head.flags |= EVT_NO_PEAK;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(tol_on_exit, struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;
	struct tol_span *span;
	struct evt_tool *event;
	u64 id;

	if (task->signal->live.counter)
		return 0; /* other threads go on */
	span = bpf_task_storage_get(&tol_spans, leader, 0, 0);
	/* Two threads may both come by as the last one: the first ends the span. */
	id = span ? __sync_lock_test_and_set(&span->span, 0) : 0;
	if (!id)
		return 0;
	event = reserve(EVT_TOOL_CALL, span, leader, cfg_tool_ring_bytes);
	if (!event) {
		count_drop(DRP_RING_TOOL);
		return 0;
	}
	event->span = id;
	measure(event, task, span);
	bpf_ringbuf_submit(event, 0);
	return 0;
}
