/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* The kernel's structs, cut down to the fields these programs read. CO-RE
 * relocates every access against the running kernel's BTF, so the layout here
 * means nothing and no vmlinux.h of the build host leaks in: the objects build
 * on a machine without BTF. What differs between kernels is in compat.bpf.h. */
#ifndef BALLAST_BPF_LIB_KERNEL_TYPES_BPF_H
#define BALLAST_BPF_LIB_KERNEL_TYPES_BPF_H

#include <linux/types.h>
#include <linux/bpf.h>

typedef __u8 u8;
typedef __u32 u32;
typedef __s64 s64;
typedef __u64 u64;
typedef _Bool bool;

enum { false = 0, true = 1 };

#define PF_IDLE 0x00000002 /* include/linux/sched.h; the idle task, whatever its name */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct kernfs_node {
	u64 id;
};

struct cgroup_root {
	int hierarchy_id;
};

struct cgroup;

struct list_head {
	struct list_head *next;
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct list_head sibling;
	struct list_head children;
	struct cgroup_subsys_state *parent;
};

struct task_cputime {
	u64 stime;
	u64 utime;
	unsigned long long sum_exec_runtime;
};

struct cgroup_base_stat {
	struct task_cputime cputime;
};

struct psi_group {
	u64 total[12]; /* [PSI_AVGS, PSI_POLL][state]; kernel BTF flattens dimensions */
};

struct cgroup {
	struct cgroup_subsys_state self;
	int level;
	struct kernfs_node *kn;
	struct cgroup_subsys_state *subsys[16];
	struct cgroup_root *root;
	struct cgroup_base_stat bstat;
	struct psi_group *psi;
};

struct css_set {
	struct cgroup_subsys_state *subsys[16];
	struct cgroup *dfl_cgrp;
};

struct task_struct;

struct rq {
	struct task_struct *curr;
	u64 clock;
	u64 clock_task; /* the same without interrupts and steal, where they are accounted */
};

struct cfs_rq {
	struct rq *rq;
};

struct sched_entity {
	u64 sum_exec_runtime;
	u64 prev_sum_exec_runtime;
	u64 exec_start; /* clock_task when sum_exec_runtime was brought up to date */
	struct cfs_rq *cfs_rq;
};

struct sched_info {
	unsigned long pcount;
	unsigned long long run_delay;
	unsigned long long last_queued;
};

typedef struct {
	int counter;
} atomic_t;

struct task_io_accounting { /* CONFIG_TASK_XACCT */
	u64 rchar;
	u64 wchar;
};

struct signal_struct {
	atomic_t live;			      /* threads that have not begun to exit */
	unsigned long long sum_sched_runtime; /* of threads that are gone */
	unsigned long maxrss;		      /* pages; also of what the process was before exec */
	int group_exit_code;
	struct task_io_accounting ioac; /* of threads that are gone */
};

struct mm_struct {
	unsigned long arg_start;
	unsigned long arg_end;
	unsigned long hiwater_rss;
};

struct linux_binprm {
	const char *filename;
};

struct task_struct {
	unsigned int __state;
	unsigned int flags;
	struct sched_entity se;
	struct sched_info sched_info;
	int pid;
	int tgid;
	u64 start_boottime; /* ns */
	char comm[16];
	struct css_set *cgroups;
	struct mm_struct *mm;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct signal_struct *signal;
	struct task_io_accounting ioac;
};

struct cfs_bandwidth {
	s64 period; /* ktime_t */
	u64 quota;
	u64 burst;
	int nr_periods;
	int nr_throttled;
	int nr_burst;
	u64 throttled_time;
	u64 burst_time;
};

struct bpf_array {
	void *pptrs[0]; /* of a per-CPU array's values */
};

struct task_group {
	unsigned long shares;
	struct cfs_bandwidth cfs_bandwidth;
};

typedef struct {
	s64 counter;
} atomic_long_t;

struct page_counter {
	atomic_long_t usage;
	unsigned long failcnt;
	unsigned long watermark;
	unsigned long min;
	unsigned long low;
	unsigned long high;
	unsigned long max;
};

struct lru_gen_folio {
	unsigned long max_seq;
	long nr_pages[40]; /* [generation][anon, file][zone] */
};

struct lruvec {
	struct lru_gen_folio lrugen; /* struct lru_gen_struct before 6.3 */
};

struct mem_cgroup_per_node {
	struct lruvec lruvec;
	unsigned long lru_zone_size[25]; /* [zone][list]; kernel BTF flattens dimensions */
};

struct mem_cgroup {
	struct page_counter memory;
	struct page_counter swap; /* union with memsw, which v1 uses */
	struct page_counter kmem; /* charged on v1 only */
	atomic_long_t memory_events[9];
	int under_oom;
	bool oom_lock; /* on a group that is out of memory and all below it (CONFIG_MEMCG_V1) */
	struct mem_cgroup_per_node *nodeinfo[1];
};

struct gendisk {
	int major;
	int first_minor;
};

struct request_queue {
	struct gendisk *disk;
};

struct blkcg {
	struct cgroup_subsys_state css;
};

struct blkcg_gq {
	struct blkcg *blkcg;
};

struct bio {
	u32 bi_opf;
	struct blkcg_gq *bi_blkg; /* CONFIG_BLK_CGROUP */
};

struct request {
	struct request_queue *q;
	u32 cmd_flags;
	unsigned int __data_len;
	struct bio *bio;
	u64 start_time_ns;
};

struct bpf_iter_meta {
	u64 session_id;
	u64 seq_num;
};

struct bpf_iter__cgroup {
	struct bpf_iter_meta *meta;
	struct cgroup *cgroup;
};

#pragma clang attribute pop

/* Only their names matter: the values come from the running kernel by CO-RE. */
enum cgroup_subsys_id { cpu_cgrp_id = 1, cpuacct_cgrp_id = 2, memory_cgrp_id = 4 };
enum psi_states {
	PSI_IO_SOME,
	PSI_IO_FULL,
	PSI_MEM_SOME,
	PSI_MEM_FULL,
	PSI_CPU_SOME,
	PSI_CPU_FULL
};
enum lru_list {
	LRU_INACTIVE_ANON,
	LRU_ACTIVE_ANON,
	LRU_INACTIVE_FILE,
	LRU_ACTIVE_FILE,
	LRU_UNEVICTABLE,
	NR_LRU_LISTS
};
#define MAX_NR_GENS 4 /* include/linux/mmzone.h */
enum req_op {
	REQ_OP_WRITE = 1, /* odd numbers write */
	REQ_OP_FLUSH = 2,
	REQ_OP_DISCARD = 3,
	REQ_OP_SECURE_ERASE = 5,
	REQ_OP_DRV_IN = 34
};
enum req_flag_bits { __REQ_PREFLUSH = 18 };
enum memcg_memory_event { MEMCG_LOW, MEMCG_HIGH, MEMCG_MAX, MEMCG_OOM, MEMCG_OOM_KILL };

#endif
