/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* Everything that differs between the kernels these programs load on, 6.1 to
 * today, behind accessors. Flavours (the part after ___ is ignored by CO-RE)
 * say which kernels have the field. Features are tested, never versions. */
#ifndef BALLAST_BPF_LIB_COMPAT_BPF_H
#define BALLAST_BPF_LIB_COMPAT_BPF_H

#include "bpf/lib/kernel_types.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* Set by user space from the kernel's BTF (kernel_facts.h); the verifier drops
 * the calls not chosen. `if (&kfunc)` would need 6.4 (58aa2afbb1e6). */
#define FLUSH_NONE 0
#define FLUSH_CSS 1    /* css_rstat_flush: since 6.16, a97915559f5c */
#define FLUSH_CGROUP 2 /* cgroup_rstat_flush: before */

/* Weak: libbpf refuses the whole object over one missing strong kfunc. */
extern void css_rstat_flush(struct cgroup_subsys_state *css) __ksym __weak;
extern void cgroup_rstat_flush(struct cgroup *cgrp) __ksym __weak;

/* 6.2 (fd264ca02094); without it fields behind a css are read by helper. */
extern void *bpf_rdonly_cast(const void *object, __u32 btf_id) __ksym __weak;

/* 6.18 throttles tasks one by one on return to user space (e1fad12dcb66);
 * before, whole run queues were throttled with their tasks in place. */
struct task_struct___since_6_18 {
	bool throttled;
} __attribute__((preserve_access_index));

struct task_struct___pre_6_18 {
	int on_rq;
} __attribute__((preserve_access_index));

struct cfs_rq___pre_6_18 {
	int throttle_count;
} __attribute__((preserve_access_index));

/* At switch-out: does `prev` leave the CPU because its own quota is used up?
 * Before 6.18 a task that goes to sleep in a throttled run queue is none. */
static __always_inline bool own_throttled(struct task_struct *prev)
{
	if (bpf_core_field_exists(struct task_struct___since_6_18, throttled))
		return ((struct task_struct___since_6_18 *)prev)->throttled;
	if (bpf_core_field_exists(struct cfs_rq___pre_6_18, throttle_count))
		return ((struct task_struct___pre_6_18 *)prev)->on_rq &&
		       ((struct cfs_rq___pre_6_18 *)prev->se.cfs_rq)->throttle_count;
	return false; /* no CONFIG_CFS_BANDWIDTH, so no quota */
}

/* Counters per CPU with a rough sum since 6.2 (f1a7941243c1). */
struct percpu_counter___since_6_2 {
	s64 count;
} __attribute__((preserve_access_index));

struct mm_struct___since_6_2 {
	struct percpu_counter___since_6_2 rss_stat[4]; /* file, anonymous, swapped out, shared */
} __attribute__((preserve_access_index));

struct mm_rss_stat___pre_6_2 {
	atomic_long_t count[4];
} __attribute__((preserve_access_index));

struct mm_struct___pre_6_2 {
	struct mm_rss_stat___pre_6_2 rss_stat;
} __attribute__((preserve_access_index));

/* Resident pages: file, anonymous, shared. Behind by less than 64 pages per CPU
 * and kind. 0: not known. */
static __always_inline u64 resident_pages(struct mm_struct *mm)
{
	struct mm_struct___since_6_2 *counts = (void *)mm;
	struct mm_struct___pre_6_2 *older = (void *)mm;
	s64 pages = 0;

	if (!mm)
		return 0;
	if (bpf_core_field_exists(struct mm_struct___since_6_2, rss_stat[0].count))
		pages = BPF_CORE_READ(counts, rss_stat[0].count) +
			BPF_CORE_READ(counts, rss_stat[1].count) +
			BPF_CORE_READ(counts, rss_stat[3].count);
	else if (bpf_core_field_exists(struct mm_struct___pre_6_2, rss_stat.count))
		pages = BPF_CORE_READ(older, rss_stat.count[0].counter) +
			BPF_CORE_READ(older, rss_stat.count[1].counter) +
			BPF_CORE_READ(older, rss_stat.count[3].counter);
	return pages > 0 ? pages : 0;
}

/* Peak resident pages of an exiting process's own memory; 0: not known. The
 * memory is still there at sched_process_exit since 6.16 or so; before, only the
 * maximum that the process shares with what it was before exec is left. */
static __always_inline u64 own_peak_pages(struct task_struct *task)
{
	struct mm_struct *mm = task->mm;
	u64 now = resident_pages(mm);

	return now && mm->hiwater_rss > now ? mm->hiwater_rss : now;
}

/* Embedded, not a pointer, before 6.1 (5f69a6577bc3): read from files there. */
static __always_inline bool has_psi_pointer(void)
{
	return bpf_core_field_exists(struct cgroup, psi) &&
	       bpf_core_field_size(struct cgroup, psi) == sizeof(void *);
}

/* A cgroup's CPU time that is not yet in its sum: per CPU, what was booked
 * against what was handed on. Alone in its struct since 6.16 (5da3bfa029d6). */
struct cgroup_rstat_base_cpu___since_6_16 {
	struct cgroup_base_stat bstat;
	struct cgroup_base_stat last_bstat;
} __attribute__((preserve_access_index));

struct cgroup_rstat_cpu___pre_6_16 {
	struct cgroup_base_stat bstat;
	struct cgroup_base_stat last_bstat;
} __attribute__((preserve_access_index));

struct cgroup___since_6_16 {
	struct cgroup_rstat_base_cpu___since_6_16 *rstat_base_cpu;
} __attribute__((preserve_access_index));

struct cgroup___pre_6_16 {
	struct cgroup_rstat_cpu___pre_6_16 *rstat_cpu;
} __attribute__((preserve_access_index));

/* Where it lies. The barriers keep the compiler from taking both branches and
 * choosing afterwards: what a kernel lacks must not even be calculated. */
struct unflushed {
	const void *stats; /* per CPU */
	u64 booked;	   /* offsets of struct cgroup_base_stat in them */
	u64 handed_on;
};

static __always_inline struct unflushed unflushed_of(struct cgroup *cgrp)
{
	struct unflushed at;

	if (bpf_core_field_exists(struct cgroup___since_6_16, rstat_base_cpu)) {
		at.stats = BPF_CORE_READ((struct cgroup___since_6_16 *)cgrp, rstat_base_cpu);
		barrier_var(at.stats);
		at.booked = bpf_core_field_offset(struct cgroup_rstat_base_cpu___since_6_16, bstat);
		at.handed_on =
		    bpf_core_field_offset(struct cgroup_rstat_base_cpu___since_6_16, last_bstat);
		barrier_var(at.booked);
		barrier_var(at.handed_on);
	} else {
		at.stats = BPF_CORE_READ((struct cgroup___pre_6_16 *)cgrp, rstat_cpu);
		barrier_var(at.stats);
		at.booked = bpf_core_field_offset(struct cgroup_rstat_cpu___pre_6_16, bstat);
		at.handed_on =
		    bpf_core_field_offset(struct cgroup_rstat_cpu___pre_6_16, last_bstat);
		barrier_var(at.booked);
		barrier_var(at.handed_on);
	}
	return at;
}

#endif
