/* Who held a CPU while tasks waited for it. Written by rql_on_switch, read by
 * HeldPairs (collector/source/bpf/held_pairs.h). Rules: see slot_abi.h. */
#ifndef BALLAST_BPF_ABI_BLAME_ABI_H
#define BALLAST_BPF_ABI_BLAME_ABI_H

#define BLM_ABI_VERSION 1
/* Holders that one wait is followed back to, at most. A power of two. */
#define BLM_SLICES 32u
/* Pairs lie in one of BLM_SETS sets, by hash. Powers of two. */
#define BLM_SETS 256u
#define BLM_WAYS 4u

#define BLM_IDLE 0xffffffffu /* of blm_slice.slot: nobody held the CPU */

/* A workload came to the CPU and had it until the next slice began, whichever
 * of its tasks ran. */
struct blm_slice {
	unsigned long long began_ns; /* the run queue's clock; 0: none yet */
	unsigned int slot;
	unsigned int pad;
};

/* ns only rises. A pair that was idle for two of user space's ticks loses its
 * place to another one, which counts on from there. */
struct blm_pair {
	unsigned long long ns; /* tasks of `waiter` waited while `holder` had the CPU */
	unsigned int waiter;   /* 0: a free place */
	unsigned int holder;
	unsigned long long tick; /* rql_tick in which it last rose */
};

/* Row cpu. Only the CPU itself writes, with interrupts off. */
struct blm_cpu {
	unsigned long long newest; /* slice that goes on, modulo BLM_SLICES */
	unsigned long long pad[7];
	struct blm_slice slices[BLM_SLICES];
	struct blm_pair pairs[BLM_SETS * BLM_WAYS];
};

#ifdef __cplusplus
static_assert(sizeof(blm_slice) == 16 && sizeof(blm_pair) == 24 && sizeof(blm_cpu) == 25152);
#else
_Static_assert(sizeof(struct blm_slice) == 16, "blm_slice layout");
_Static_assert(sizeof(struct blm_pair) == 24, "blm_pair layout");
_Static_assert(sizeof(struct blm_cpu) == 25152, "blm_cpu layout");
#endif
#endif
