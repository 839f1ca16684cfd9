/* What the scheduler hook books per slot and CPU. Written by rql_on_switch,
 * read by RunQueue (collector/source/bpf/run_queue.h). Rules: see slot_abi.h. */
#ifndef BALLAST_BPF_ABI_RUN_QUEUE_ABI_H
#define BALLAST_BPF_ABI_RUN_QUEUE_ABI_H

#define RQL_ABI_VERSION 4
/* Bucket 0: under 1 us; i: [2^(i-1), 2^i) us; last: from 2^26 us (67 s) on. */
#define RQL_BUCKETS 28u
#define RQL_WORD 64u /* slots in a word of rql_awake */

/* Who took the CPU from a task that could have run on; index of `preempted`. */
enum rql_taker {
	RQL_BY_SELF,   /* a task of the same workload */
	RQL_BY_OTHER,  /* one of another workload */
	RQL_BY_SYSTEM, /* one of none */
	RQL_TAKERS
};

/* Row slot * CPUs + cpu. Only the CPU itself writes, with interrupts off, so
 * plain += is exact; five cache lines, so no two CPUs share one. Counters only
 * rise; the u32 counts wrap and the reader extends them (at 10^5 switches a
 * second and CPU after 12 hours; it must read at least that often). */
struct rql_row {
	unsigned int waits[RQL_BUCKETS];     /* runnable, waiting for a CPU */
	unsigned int own_waits[RQL_BUCKETS]; /* waits that the own quota caused */
	unsigned long long wait_ns;	     /* sum of `waits` */
	unsigned long long held_ns;	     /* of wait_ns: who held the CPU is in blm_cpus */
	unsigned long long ran_ns;	     /* on the CPU, booked when it leaves it */
	unsigned long long switches;	     /* switch-ins */
	unsigned long long own_ns;	     /* sum of `own_waits` */
	unsigned int preempted[RQL_TAKERS];  /* switch-outs of a task that could have run on */
	unsigned int pad[11];
};

/* Row cpu: whose task is on it; SLT_OTHER: nobody's. One line each. The CPU
 * itself writes. What the task has run is booked when it leaves; once it is, the
 * row's ran_ns is another one than `ran_ns` here. */
struct rql_cpu {
	unsigned int slot;
	unsigned int pad;
	unsigned long long task;      /* address */
	unsigned long long exec_ns;   /* its sum_exec_runtime at the switch-in */
	unsigned long long ran_ns;    /* of the slot's row on this CPU then */
	unsigned long long run_queue; /* address; 0: not known yet */
	unsigned long long offset_ns; /* CLOCK_MONOTONIC minus the run queue's clock */
	unsigned long long tick;      /* of bpf/clock.bpf.c when the offset was taken */
	unsigned long long unused;
};

/* Row slot: rate limits of events. Time in ns of CLOCK_BOOTTIME. */
struct rql_limit {
	unsigned long long throttle_event_ns;
	unsigned long long memory_event_ns;
	unsigned long long throttles; /* switch-outs into own throttling, events or not */
	unsigned long long memory_hits;
	unsigned long long pad[4];
};

#ifdef __cplusplus
static_assert(sizeof(rql_row) == 320 && sizeof(rql_cpu) == 64 && sizeof(rql_limit) == 64);
#else
_Static_assert(sizeof(struct rql_row) == 320, "rql_row layout");
_Static_assert(sizeof(struct rql_cpu) == 64, "rql_cpu layout");
_Static_assert(sizeof(struct rql_limit) == 64, "rql_limit layout");
#endif
#endif
