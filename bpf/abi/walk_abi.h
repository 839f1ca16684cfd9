/* One row per (hierarchy, slot): what the last walk read. Written by
 * wlk_on_cgroup, read by CgroupWalk (collector/source/bpf/walk.h).
 *
 * Rules of the format: see slot_abi.h. Values are as the kernel keeps them;
 * user space converts (pages to bytes, shares to weights, "no limit" to
 * absence). All counters are cumulative. */
#ifndef BALLAST_BPF_ABI_WALK_ABI_H
#define BALLAST_BPF_ABI_WALK_ABI_H

#define WLK_ABI_VERSION 4
/* cgroup2 and v1's cpu, cpuacct and memory, which may be mounted together. */
#define WLK_HIERARCHIES 4u
#define WLK_MAX_NODES 16u /* NUMA nodes whose page lists are summed */

/* Steps from group to group below one root in a visit, 0.5 ms; beyond, its page
 * lists are short and DRP_WALK_STEPS rises. */
#define WLK_MAX_STEPS 16384u

/* Entry of wlk_visits: a slot, and whether it dozes: its page lists stand while it
 * has as many pages as when they were read. */
#define WLK_DOZES 0x100000000ull

/* Where a workload's group lies, noted by an iterator that met it. */
struct wlk_root {
	unsigned long long cgroup; /* address of its struct cgroup; 0: not known. rmdir and user
				      space clear */
	unsigned long long cgroup_id;
	unsigned long long hierarchy_id;
};

/* wlk_row.present: which groups of fields hold a value. A clear bit means that
 * this kernel or this cgroup does not have it; the fields are then 0. */
#define WLK_HAS_CPU 0x1u    /* usage_ns, user_ns, system_ns */
#define WLK_HAS_CFS 0x2u    /* shares, quota_ns .. throttled_ns */
#define WLK_HAS_MEMORY 0x4u /* memory_pages .. oom_kill_events, failcnt */
#define WLK_HAS_LRU 0x8u    /* the five lists */
#define WLK_HAS_PRESSURE 0x10u
#define WLK_HAS_BURST 0x20u	/* burst_ns (5.14 and newer) */
#define WLK_HAS_CPUACCT 0x40u	/* cpuacct_ns (v1) */
#define WLK_HAS_BURST_USE 0x80u /* nr_bursts, burst_used_ns (5.15 and newer) */
#define WLK_UNDER_OOM 0x100u	/* v1: waits at its limit (memory.oom_control) */
#define WLK_HAS_KMEM 0x400u	/* kernel_pages */
#define WLK_IS_V2 0x200u	/* swap_pages is swap; else memory plus swap */

struct wlk_row {
	unsigned long long generation; /* of the walk that wrote this row; older: stale */
	unsigned long long cgroup_id;
	unsigned int present;
	unsigned int cgroups; /* walked in this slot, the root included */

	/* cgroup2 base accounting, hierarchical. user and system are sampled by
	 * the tick and need not add up to usage. */
	unsigned long long usage_ns;
	unsigned long long user_ns;
	unsigned long long system_ns;
	unsigned long long cpuacct_ns; /* v1 cpuacct, descendants added */

	/* The root's own bandwidth control. */
	unsigned long long shares;   /* scaled by 1024: v1 cpu.shares = shares >> 10 */
	unsigned long long quota_ns; /* all ones: none */
	unsigned long long period_ns;
	unsigned long long burst_ns;
	unsigned long long nr_periods;
	unsigned long long nr_throttled;
	unsigned long long throttled_ns;

	/* Page counters, hierarchical, in pages. Limits: PAGE_COUNTER_MAX
	 * (LONG_MAX / page size) is "none". */
	unsigned long long memory_pages;
	unsigned long long memory_max_pages;
	unsigned long long memory_high_pages;
	unsigned long long memory_low_pages;
	unsigned long long memory_watermark_pages; /* lifetime maximum before 6.12 */
	unsigned long long swap_pages;		   /* v1: memory plus swap (memsw) */
	unsigned long long swap_max_pages;
	unsigned long long failcnt; /* v1: charges refused at the limit */
	unsigned long long high_events;
	unsigned long long max_events;
	unsigned long long oom_events;
	unsigned long long oom_kill_events;

	/* Page lists in pages, descendants added. */
	unsigned long long inactive_anon_pages;
	unsigned long long active_anon_pages;
	unsigned long long inactive_file_pages;
	unsigned long long active_file_pages;
	unsigned long long unevictable_pages;

	/* Pressure totals, up to 2 s old (the kernel's averaging period). */
	unsigned long long cpu_some_ns;
	unsigned long long cpu_full_ns;
	unsigned long long memory_some_ns;
	unsigned long long memory_full_ns;
	unsigned long long io_some_ns;
	unsigned long long io_full_ns;

	/* The root's own use of burst_ns; since version 2. */
	unsigned long long nr_bursts;
	unsigned long long burst_used_ns;

	/* cgroup2's; since version 3. */
	unsigned long long memory_min_pages;
	unsigned long long low_events;

	unsigned long long kernel_pages; /* v1's kmem; since version 4 */
};

#ifdef __cplusplus
static_assert(sizeof(wlk_row) == 8 * 42 && sizeof(wlk_root) == 24);
#else
_Static_assert(sizeof(struct wlk_root) == 24, "wlk_root layout");
_Static_assert(sizeof(struct wlk_row) == 8 * 42, "wlk_row layout");
#endif
#endif
