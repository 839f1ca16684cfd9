/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/* The ring of events that cannot wait for a tick. */
#ifndef BALLAST_BPF_LIB_EVENTS_BPF_H
#define BALLAST_BPF_LIB_EVENTS_BPF_H

#include "bpf/abi/event_abi.h"
#include "bpf/lib/compat.bpf.h"
#include "bpf/lib/drops.bpf.h"

/* 256 KiB: 5,000 throttle events or 450 births. Full: the event is dropped and
 * counted; what it announced is still found by the next tick's walk or listing. */
struct evt_ring_map {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
};
extern struct evt_ring_map evt_ring SEC(".maps");

/* Wakes the reader at once: these are what the autoscaler answers. */
static __always_inline void emit_event(const struct evt_head *event, enum drp_reason if_full)
{
	if (bpf_ringbuf_output(&evt_ring, (void *)event, sizeof(*event), BPF_RB_FORCE_WAKEUP))
		count_drop(if_full);
}

#endif
