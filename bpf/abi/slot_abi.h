/* The table that says to which workload a cgroup belongs.
 *
 * Plain C with built-in types and no includes, so that the same text compiles
 * for the BPF target and in C++20. No bool, no enum members in structs, no
 * implicit padding. Adding a field: append, bump SLT_ABI_VERSION, update the
 * asserts at the end. */
#ifndef BALLAST_BPF_ABI_SLOT_ABI_H
#define BALLAST_BPF_ABI_SLOT_ABI_H

#define SLT_ABI_VERSION 2

/* Slot of everything that belongs to no tracked workload. Never assigned. */
#define SLT_OTHER 0u

/* Ids of different hierarchies collide (every root is 1), so both are the key. */
struct slt_key {
	unsigned long long cgroup_id;	 /* kernfs id: inode number of the directory */
	unsigned long long hierarchy_id; /* 0: cgroup2; else first number in /proc/self/cgroup */
};

/* Written by user space for roots and what existed below them, by slt_on_mkdir
 * for what is made below them later; deleted by slt_on_rmdir or user space. */
struct slt_value {
	unsigned int slot;
	unsigned int is_root; /* 1: the workload's own directory; 0: made below it */
};

/* CPU time of a workload's cgroup2 group in all its life, as it is removed.
 * Zeros: the kernel cannot say. User space clears the row of a slot's new owner. */
struct slt_final {
	unsigned long long usage_ns;
	unsigned long long user_ns; /* sampled, like the walk's */
	unsigned long long system_ns;
};

#ifdef __cplusplus
static_assert(sizeof(slt_key) == 16 && sizeof(slt_value) == 8 && sizeof(slt_final) == 24);
#else
_Static_assert(sizeof(struct slt_final) == 24, "slt_final layout");
_Static_assert(sizeof(struct slt_key) == 16, "slt_key layout");
_Static_assert(sizeof(struct slt_value) == 8, "slt_value layout");
#endif
#endif
