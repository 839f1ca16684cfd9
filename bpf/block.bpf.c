// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
// Block I/O per workload and device, by what the request itself says.
//
//   block_rq_complete --> workload = slot of rq->bio->bi_blkg's cgroup
//                         bytes += what completed; last part: one wait,
//                         now - rq->start_time_ns
//
// The cgroup of the bio is whose I/O it is; the task that runs now is whoever
// was interrupted, or a writeback worker. Requests merge only within one cgroup
// (blk_cgroup_mergeable), so the first bio speaks for all.
//
// A row per (workload, device) pair that has done I/O, found by hash; the rows
// are memory-mapped. User space (collector/source/bpf/block_io.h) fills the
// queue of free rows and takes them back from dead workloads.
//
// Needs: kernel BTF, tp_btf, CONFIG_BLK_CGROUP for owners. Cost: one hook, two
// hash lookups and one clock read per completion; nothing at issue, since the
// kernel stamps every request when it is made.
// Left out on purpose: devices that serve bios without requests (zram, md, dm:
// what lies below them is counted), commands passed through by user space, the
// flush that the kernel itself makes of many (their owners' are counted).

#include "bpf/abi/block_abi.h"
#include "bpf/lib/buckets.bpf.h"
#include "bpf/lib/drops.bpf.h"
#include "bpf/lib/slots.bpf.h"

#include <bpf/bpf_tracing.h>

_Static_assert(BLK_BUCKETS == LATENCY_BUCKETS, "one histogram for all latencies");

#define OP_MASK 0xffu /* the operation in cmd_flags (REQ_OP_BITS is 8) */

/* Sized by user space. Full: DRP_BLOCK_ROWS. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct blk_row);
} blk_rows SEC(".maps");

/* Owner -> its row. As many as there are rows. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct blk_key);
	__type(value, u32);
} blk_index SEC(".maps");

/* Rows without an owner. */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 1);
	__type(value, u32);
} blk_free SEC(".maps");

/* Rises when a row gets an owner: user space then looks for it. */
__u64 blk_claims;

static __noinline u32 claim_row(struct blk_key *key)
{
	struct blk_row *row;
	u32 index, *winner;

	if (!key || bpf_map_pop_elem(&blk_free, &index))
		return ~0u;
	row = bpf_map_lookup_elem(&blk_rows, &index);
	if (!row)
		return ~0u; /* never: user space numbers them */
	/* Before the index: who finds the row there finds its owner in it. */
	row->owner = *key;
	if (bpf_map_update_elem(&blk_index, key, &index, BPF_NOEXIST) == 0) {
		__sync_fetch_and_add(&blk_claims, 1);
		return index;
	}
	row->owner.device = 0;
	bpf_map_push_elem(&blk_free, &index, 0);
	winner = bpf_map_lookup_elem(&blk_index, key); /* another CPU was first */
	return winner ? *winner : ~0u;
}

static __always_inline struct blk_row *row_of(struct blk_key *key)
{
	u32 *known = bpf_map_lookup_elem(&blk_index, key);
	u32 index = known ? *known : claim_row(key);
	struct blk_row *row = bpf_map_lookup_elem(&blk_rows, &index);

	if (!row)
		count_drop(DRP_BLOCK_ROWS);
	return row;
}

static __always_inline u32 owner_slot(struct bio *bio)
{
	struct cgroup *cgrp;
	struct slt_value *value;
	struct slt_key key;

	if (!bpf_core_field_exists(struct bio, bi_blkg) || !bio->bi_blkg)
		return BLK_NOBODY;
	cgrp = bio->bi_blkg->blkcg->css.cgroup;
	if (!cgrp || cgrp->level == 0)
		return BLK_NOBODY;
	key.cgroup_id = cgrp->kn->id;
	key.hierarchy_id = cgrp->root->hierarchy_id;
	value = bpf_map_lookup_elem(&slt_slots, &key);
	return value ? value->slot : SLT_OTHER;
}

static __always_inline u32 direction_of(u32 op)
{
	if (op == bpf_core_enum_value(enum req_op, REQ_OP_DISCARD) ||
	    op == bpf_core_enum_value(enum req_op, REQ_OP_SECURE_ERASE))
		return BLK_DISCARD;
	return op & 1 ? BLK_WRITE : BLK_READ;
}

static __always_inline void book_request(struct blk_row *row, u32 direction, u64 began_ns)
{
	u64 now, wait_ns;

	if (!began_ns) {
		__sync_fetch_and_add(&row->untimed[direction], 1);
		return;
	}
	now = bpf_ktime_get_ns();
	wait_ns = now > began_ns ? now - began_ns : 0;
	__sync_fetch_and_add(&row->wait_ns[direction], wait_ns);
	__sync_fetch_and_add(&row->waits[direction][latency_bucket(wait_ns)], 1);
}

SEC("tp_btf/block_rq_complete")
int BPF_PROG(blk_on_complete, struct request *rq, u8 error, unsigned int nr_bytes)
{
	u32 op = rq->cmd_flags & OP_MASK, direction = direction_of(op);
	struct bio *bio = rq->bio;
	struct blk_key key = {};
	struct blk_row *row;
	struct gendisk *disk = rq->q->disk;

	/* No bio: the kernel's own flush, or a command without data. */
	if (!bio || !disk || op >= bpf_core_enum_value(enum req_op, REQ_OP_DRV_IN))
		return 0;
	key.slot = owner_slot(bio);
	key.device = (u32)disk->major << 20 | (u32)disk->first_minor;
	row = row_of(&key);
	if (!row)
		return 0;
	/* A request that flushes completes once more when that is done. Its own
	 * flags have forgotten why (blk_insert_flush). */
	if (!nr_bytes) {
		if (bio->bi_opf & 1u << bpf_core_enum_value(enum req_flag_bits, __REQ_PREFLUSH))
			__sync_fetch_and_add(&row->flushes, 1);
		return 0;
	}
	__sync_fetch_and_add(&row->bytes[direction], nr_bytes);
	if (nr_bytes >= rq->__data_len) /* less: the rest is still under way */
		book_request(row, direction, rq->start_time_ns);
	return 0;
}
