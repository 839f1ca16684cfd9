/* What the scheduler hook books per slot and CPU. Written by rql_on_switch,
 * read by RunQueue (collector/source/bpf/run_queue.h). Rules: see slot_abi.h. */
#ifndef BALLAST_BPF_ABI_RUN_QUEUE_ABI_H
#define BALLAST_BPF_ABI_RUN_QUEUE_ABI_H

#define RQL_ABI_VERSION 2
/* Bucket 0: under 1 us; i: [2^(i-1), 2^i) us; last: from 2^26 us (67 s) on. */
#define RQL_BUCKETS 28u

/* Row slot * CPUs + cpu. Only the CPU itself writes, with interrupts off, so
 * plain += is exact; four cache lines, so no two CPUs share one. Counters only
 * rise; the u32 counts wrap and the reader extends them (at 10^5 switches a
 * second and CPU after 12 hours; it must read at least that often). */
struct rql_row {
	unsigned int waits[RQL_BUCKETS];     /* runnable, waiting for a CPU */
	unsigned int own_waits[RQL_BUCKETS]; /* waits that the own quota caused */
	unsigned long long wait_ns;	     /* sum of `waits` */
	unsigned long long own_ns;	     /* sum of `own_waits` */
	unsigned long long ran_ns;	     /* on the CPU, booked when it leaves it */
	unsigned long long switches;	     /* switch-ins */
};

/* Row cpu: whose task is on it; SLT_OTHER: nobody's. One line each. */
struct rql_cpu {
	unsigned int slot;
	unsigned int pad[15];
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
static_assert(sizeof(rql_row) == 256 && sizeof(rql_cpu) == 64 && sizeof(rql_limit) == 64);
#else
_Static_assert(sizeof(struct rql_row) == 256, "rql_row layout");
_Static_assert(sizeof(struct rql_cpu) == 64, "rql_cpu layout");
_Static_assert(sizeof(struct rql_limit) == 64, "rql_limit layout");
#endif
#endif
