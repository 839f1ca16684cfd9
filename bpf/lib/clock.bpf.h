/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef BALLAST_BPF_LIB_CLOCK_BPF_H
#define BALLAST_BPF_LIB_CLOCK_BPF_H

#include "bpf/abi/clock_abi.h"
#include "bpf/lib/kernel_types.bpf.h"

#include <bpf/bpf_helpers.h>

/* Row slot: how high it went. Sized by user space: slots. */
struct clk_rows_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct clk_row);
};
extern struct clk_rows_map clk_rows SEC(".maps");

/* Counts the clock's ticks; 0: it never ran. */
extern __u64 clk_tick;

#endif
