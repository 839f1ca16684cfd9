/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef BALLAST_BPF_LIB_DROPS_BPF_H
#define BALLAST_BPF_LIB_DROPS_BPF_H

#include "bpf/abi/drop_abi.h"
#include "bpf/lib/kernel_types.bpf.h"

#include <bpf/bpf_helpers.h>

extern __u64 drp_counts[DRP_NUM]; /* slots.bpf.c */

static __always_inline void count_drop(enum drp_reason reason)
{
	__sync_fetch_and_add(&drp_counts[reason], 1);
}

#endif
