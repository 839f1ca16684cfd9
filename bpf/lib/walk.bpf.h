/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#ifndef BALLAST_BPF_LIB_WALK_BPF_H
#define BALLAST_BPF_LIB_WALK_BPF_H

#include "bpf/abi/walk_abi.h"
#include "bpf/lib/kernel_types.bpf.h"

#include <bpf/bpf_helpers.h>

/* Row (place of the hierarchy) * slots + slot: where the workload's group lies.
 * Sized by user space. */
struct wlk_roots_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct wlk_root);
};
extern struct wlk_roots_map wlk_roots SEC(".maps");

extern const volatile __u32 cfg_slots;

static __always_inline struct wlk_root *root_of(u32 place, u32 slot)
{
	u32 index = place * cfg_slots + slot;

	return slot < cfg_slots ? bpf_map_lookup_elem(&wlk_roots, &index) : 0;
}

#endif
