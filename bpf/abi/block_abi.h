/* What the block hook books per workload and device. Written by
 * blk_on_complete, read by BlockIo (collector/source/bpf/block_io.h). Rules: see
 * slot_abi.h. */
#ifndef BALLAST_BPF_ABI_BLOCK_ABI_H
#define BALLAST_BPF_ABI_BLOCK_ABI_H

#define BLK_ABI_VERSION 1
/* As RQL_BUCKETS: 0: under 1 us; i: [2^(i-1), 2^i) us; last: the rest. */
#define BLK_BUCKETS 28u
/* blk_key.slot of requests that carry no cgroup, or the hierarchy's root. Those
 * of a cgroup that is in no tracked workload have SLT_OTHER. */
#define BLK_NOBODY 0xffffffffu

/* Index into the arrays of blk_row; values are part of the format. As in
 * /proc/diskstats, zeroes written count as written. */
enum blk_direction { BLK_READ, BLK_WRITE, BLK_DISCARD, BLK_DIRECTIONS };

struct blk_key {
	unsigned int slot;
	unsigned int device; /* kernel's dev_t of the whole disk: major << 20 | minor; never 0 */
};

/* Any CPU writes, atomically. Counters only rise while the row has one owner;
 * user space clears a row before it can get the next one. The u32 counts wrap
 * and the reader extends them. Seven cache lines, so no two rows share one. */
struct blk_row {
	struct blk_key owner;				 /* device 0: free */
	unsigned long long bytes[BLK_DIRECTIONS];	 /* completed */
	unsigned long long wait_ns[BLK_DIRECTIONS];	 /* sum of `waits` */
	unsigned long long flushes;			 /* asked for; the device may merge them */
	unsigned int waits[BLK_DIRECTIONS][BLK_BUCKETS]; /* requests, by time since they began */
	unsigned int untimed[BLK_DIRECTIONS]; /* requests without a begin (iostats off) */
	unsigned int pad[9];
};

#ifdef __cplusplus
static_assert(sizeof(blk_key) == 8 && sizeof(blk_row) == 448);
#else
_Static_assert(sizeof(struct blk_key) == 8, "blk_key layout");
_Static_assert(sizeof(struct blk_row) == 448, "blk_row layout");
#endif
#endif
