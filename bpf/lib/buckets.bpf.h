/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef BALLAST_BPF_LIB_BUCKETS_BPF_H
#define BALLAST_BPF_LIB_BUCKETS_BPF_H

#include "bpf/lib/kernel_types.bpf.h"

#include <bpf/bpf_helpers.h>

/* The record's latency histogram (collector/model/histogram.h). */
#define LATENCY_BUCKETS 28u

/* floor(log2(us)) + 1, 0 for under 1 us; always below LATENCY_BUCKETS. The mask
 * says so to the verifier where the last comparison alone is forgotten. */
static __always_inline u32 latency_bucket(u64 ns)
{
	u64 us = ns / 1000;
	u32 bucket = 0;

	if (!us)
		return 0;
	if (us >> (LATENCY_BUCKETS - 2))
		return LATENCY_BUCKETS - 1;
	if (us >> 16) {
		bucket += 16;
		us >>= 16;
	}
	if (us >> 8) {
		bucket += 8;
		us >>= 8;
	}
	if (us >> 4) {
		bucket += 4;
		us >>= 4;
	}
	if (us >> 2) {
		bucket += 2;
		us >>= 2;
	}
	return (bucket + (us >> 1) + 1) & 31;
}

#endif
