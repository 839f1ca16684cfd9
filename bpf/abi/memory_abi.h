/* Reclaim per slot. Written by the programs of memory.bpf.c,
 * read by MemorySource (collector/source/bpf/memory_source.h). Rules: see
 * slot_abi.h. */
#ifndef BALLAST_BPF_ABI_MEMORY_ABI_H
#define BALLAST_BPF_ABI_MEMORY_ABI_H

#define MEM_ABI_VERSION 2
/* As RQL_BUCKETS: 0: under 1 us; i: [2^(i-1), 2^i) us; last: the rest. */
#define MEM_BUCKETS 28u

/* Why a task reclaims; index into the arrays of mem_row. */
enum mem_reclaim { MEM_DIRECT /* the host is short */, MEM_MEMCG /* a group's limit */, MEM_KINDS };

/* Row slot. Any CPU writes, atomically; counters only rise, the u32 ones wrap. */
struct mem_row {
	unsigned int waits[MEM_KINDS][MEM_BUCKETS]; /* reclaims by the task's time in them */
	unsigned long long wait_ns[MEM_KINDS];
	unsigned long long pages[MEM_KINDS]; /* freed by them */
};

#ifdef __cplusplus
static_assert(sizeof(mem_row) == 256);
#else
_Static_assert(sizeof(struct mem_row) == 256, "mem_row layout");
#endif
#endif
