/* What kvm.bpf.c counts for each vCPU thread and KvmSource reads. Rules: see
 * slot_abi.h. */
#ifndef BALLAST_BPF_ABI_KVM_ABI_H
#define BALLAST_BPF_ABI_KVM_ABI_H

#define KVM_ABI_VERSION 1

/* Exits are counted by the processor's own code, made dense: a row must stay
 * below 4 KB, the largest object that the kernel allocates for a map at run time.
 *   Intel VMX:  0 to 127 as they are
 *   AMD SVM:    0x000 to 0x0bf as they are; 0x400 to 0x40f from KVM_CODE_NESTED */
#define KVM_CODE_NESTED 192
#define KVM_CODE_REST 208 /* every other one */
#define KVM_CODES 209

/* The kernel's own number for whose codes they are (include/trace/events/kvm). */
#define KVM_ISA_VMX 1u
#define KVM_ISA_SVM 2u

/* One vCPU thread, by thread id. Written only by that thread (and by user space,
 * which deletes it), so plain additions suffice. Counters only rise. */
struct kvm_row {
	unsigned long long start_ns;   /* of the thread: with its id one incarnation */
	unsigned long long css_set;    /* the slot was looked up for this one ... */
	unsigned long long generation; /* ... at this slt_generation */
	unsigned int slot;
	unsigned int tgid;
	unsigned int vcpu;	      /* its index, once it has exited; else ~0 */
	unsigned int isa;	      /* 0: not known */
	unsigned long long exit_ns;   /* 0: in the guest, or not seen leaving it */
	unsigned long long halted_ns; /* since that exit */
	unsigned int code;	      /* of that exit */
	unsigned int pad;
	unsigned long long halt_ns; /* polling included, as KVM counts it */
	unsigned long long halts;
	unsigned long long ran_ns;	       /* of the thread, as of its last exit */
	unsigned long long waited_ns;	       /* runnable without a CPU, likewise */
	unsigned long long host_ns[KVM_CODES]; /* from exit to entry, halts apart */
	unsigned int exits[KVM_CODES];	       /* modulo 2^32 */
	unsigned int pad2;
};

#ifdef __cplusplus
static_assert(sizeof(kvm_row) == 8 * (12 + KVM_CODES) + 4 * (KVM_CODES + 1));
static_assert(sizeof(kvm_row) < 4000);
#else
_Static_assert(sizeof(struct kvm_row) == 8 * (12 + KVM_CODES) + 4 * (KVM_CODES + 1),
	       "kvm_row layout");
#endif
#endif
