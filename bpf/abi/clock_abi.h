/* How high CPU and memory use of each slot went. Written by the clock of
 * clock.bpf.c, read by Peaks (collector/source/bpf/peaks.h). Rules: see
 * slot_abi.h. */
#ifndef BALLAST_BPF_ABI_CLOCK_ABI_H
#define BALLAST_BPF_ABI_CLOCK_ABI_H

#define CLK_ABI_VERSION 1
#define CLK_PERIOD_NS 10000000ull
/* Ticks that are remembered: a power of two, more than the longest window. */
#define CLK_TICKS 128u

enum clk_window { CLK_10MS, CLK_100MS, CLK_1S, CLK_WINDOWS };

/* The highest seen while user space's reading had this number. */
struct clk_peak {
	unsigned long long reading;
	unsigned long long cpu_ns[CLK_WINDOWS]; /* used in the window, all CPUs together */
	unsigned long long memory_pages;
};

/* Row slot. The clock alone writes, but for what is said below. */
struct clk_row {
	struct clk_peak peaks[2];      /* of this reading and the one before: reading & 1 */
	unsigned long long group;      /* address of its struct mem_cgroup; 0: not known. The
					  walk writes, rmdir and user space clear */
	unsigned long long group_id;   /* kernfs id of that group */
	unsigned long long seen_tick;  /* it last ran */
	unsigned long long tick;       /* it was last looked at */
	unsigned long long began_tick; /* `used` is of this tick and later ones */
	unsigned long long began_ns;   /* used before. User space writes both for a new owner */
	unsigned long long used_ns;    /* CPU time of all CPUs; never steps back */
	unsigned long long pad[7];
	unsigned int used[CLK_TICKS]; /* the same at each tick, in 1024 ns, modulo 2^32 */
};

#ifdef __cplusplus
static_assert(sizeof(clk_peak) == 40 && sizeof(clk_row) == 704);
#else
_Static_assert(sizeof(struct clk_peak) == 40, "clk_peak layout");
_Static_assert(sizeof(struct clk_row) == 704, "clk_row layout");
#endif
#endif
