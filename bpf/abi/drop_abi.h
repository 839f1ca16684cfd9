/* The count of everything the kernel side could not record. Any program writes
 * drp_counts (atomically: losses are rare); ReadDrops
 * (collector/source/bpf/drops.h) exports it. Rules: see slot_abi.h. */
#ifndef BALLAST_BPF_ABI_DROP_ABI_H
#define BALLAST_BPF_ABI_DROP_ABI_H

/* Index into drp_counts; the name of each, as exported, is in
 * collector/source/bpf/drops.cpp. Append only. */
enum drp_reason {
	DRP_SLOTS_FULL,	     /* child of a workload not entered: it counts as `other` */
	DRP_RING_CGROUP,     /* birth or death of a cgroup not reported */
	DRP_RING_THROTTLE,   /* throttle begin not reported */
	DRP_RING_MEMORY,     /* memory limit hit not reported */
	DRP_RING_OOM,	     /* OOM kill not reported */
	DRP_TASK_STORAGE,    /* no memory for a task's storage: its wait not booked */
	DRP_CLOCK_BACKWARD,  /* run-queue clock behind last_queued: wait not booked */
	DRP_SLOT_RANGE,	     /* slot beyond the configured number: booked as `other` */
	DRP_PATH_CUT,	     /* cgroup path longer than the event holds */
	DRP_BLOCK_ROWS,	     /* no free row for a workload's I/O on a device: not booked */
	DRP_RING_TOOL,	     /* span of a tool call not reported: the ring is kept for others */
	DRP_TOOL_STORAGE,    /* no memory for a process's storage: its span not begun */
	DRP_RECLAIM_STORAGE, /* no memory for a task's storage: its reclaim not booked */
	DRP_KVM_ROWS,	     /* no row for a vCPU thread: its exits not counted */
	DRP_RING_TOOL_BEGIN, /* exec of a tool call not reported: the ring is kept for others */
	DRP_TOOL_BEGIN_RATE, /* ... or its workload has had its share of such events */
	DRP_BLAME_PAIRS,     /* no place for a waiter and its holder: user space shares out */
	DRP_WALK_STEPS,	     /* more groups below a workload's than WLK_MAX_STEPS: its page
				lists are short */
	DRP_NUM
};

#endif
