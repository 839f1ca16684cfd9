/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* From a cgroup or a task to its workload's slot. */
#ifndef BALLAST_BPF_LIB_SLOTS_BPF_H
#define BALLAST_BPF_LIB_SLOTS_BPF_H

#include "bpf/abi/slot_abi.h"
#include "bpf/lib/compat.bpf.h"

/* Sized for the workloads' own directories and the groups made inside them;
 * full: the child counts as `other` and DRP_SLOTS_FULL rises. User space sets
 * the size before load. */
struct slt_slots_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct slt_key);
	__type(value, struct slt_value);
};
extern struct slt_slots_map slt_slots SEC(".maps");

/* Rises when a cached slot may be wrong: see slots.bpf.c and slot_table.h. */
extern volatile __u64 slt_generation;
/* Rises after every change of slt_slots: what was looked up before is void. */
extern volatile __u32 slt_changes;

static __always_inline struct slt_key key_of(struct cgroup *cgrp)
{
	struct slt_key key = {
	    .cgroup_id = BPF_CORE_READ(cgrp, kn, id),
	    .hierarchy_id = BPF_CORE_READ(cgrp, root, hierarchy_id),
	};

	return key;
}

static __always_inline struct slt_value *value_of(struct cgroup *cgrp)
{
	struct slt_key key = key_of(cgrp);

	return bpf_map_lookup_elem(&slt_slots, &key);
}

/* The state of one controller. The enum's value differs between kernels, so
 * the array is indexed by hand; NULL: not enabled here. */
#define CSS_AT(object, type, controller)                                                           \
	({                                                                                         \
		struct cgroup_subsys_state *css_ = 0;                                              \
		if (bpf_core_enum_value_exists(enum cgroup_subsys_id, controller))                 \
			bpf_probe_read_kernel(                                                     \
			    &css_, sizeof(css_),                                                   \
			    (void *)(object) + bpf_core_field_offset(type, subsys) +               \
				sizeof(void *) *                                                   \
				    bpf_core_enum_value(enum cgroup_subsys_id, controller));       \
		css_;                                                                              \
	})

/* The same of a trusted cgroup, by a plain load: the verifier sees a constant. */
#define CSS_OF(cgrp, controller)                                                                   \
	(bpf_core_enum_value_exists(enum cgroup_subsys_id, controller)                             \
	     ? *(struct cgroup_subsys_state **)((void *)(cgrp) +                                   \
						bpf_core_field_offset(struct cgroup, subsys) +     \
						sizeof(void *) *                                   \
						    bpf_core_enum_value(enum cgroup_subsys_id,     \
									controller))               \
	     : 0)

static __always_inline struct slt_value *value_of_css(struct cgroup_subsys_state *css)
{
	struct cgroup *cgrp = css ? BPF_CORE_READ(css, cgroup) : 0;

	return cgrp ? value_of(cgrp) : 0;
}

/* A task's workload: by its cgroup2 group; on hybrid hosts, where that may be
 * the root or a session's group, by v1's cpu and then memory group. Slow path:
 * up to three hash lookups; callers on hot paths cache it. */
static __always_inline u32 slot_of_css_set(struct css_set *cset)
{
	struct slt_value *value = value_of(cset->dfl_cgrp);

	if (!value)
		value = value_of_css(CSS_AT(cset, struct css_set, cpu_cgrp_id));
	if (!value)
		value = value_of_css(CSS_AT(cset, struct css_set, memory_cgrp_id));
	return value ? value->slot : SLT_OTHER;
}

#endif
