// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
// Virtual machines under KVM, whatever the VMM: exits by reason, what the host
// spends on them, and how long vCPUs are halted.
//
//   kvm_exit        --> rows[vCPU thread].exits[code] + 1; exit_ns = now
//   kvm_vcpu_wakeup --> rows[vCPU thread].halt_ns += as long as KVM says
//   kvm_entry       --> rows[vCPU thread].host_ns[code] += now - exit_ns - halted
//
// Raw tracepoints, because KVM is a module: tp_btf and CO-RE on its types take
// CAP_SYS_ADMIN. User space reads where the exit code lies from the module's BTF in
// sysfs, which anybody may; without that, the code is in the tracepoint's own record,
// which takes a perf event (Debian's kernels refuse one to CAP_PERFMON); without
// both, exits are counted without reasons. Loaded everywhere, attached when KVM is there.
//
// Needs: tracepoints of kvm. Cost: one hash lookup and a clock read per exit and per
// entry.
// Left out on purpose: what the codes mean (kvm_exit_reason.h). vCPU threads of no
// workload are counted, too, because their group may become one.

#include "bpf/abi/kvm_abi.h"
#include "bpf/lib/drops.bpf.h"
#include "bpf/lib/slots.bpf.h"

#include <bpf/bpf_tracing.h>

/* By thread id; 3 KB each, allocated as vCPUs come. User space deletes those of
 * threads that are gone. Full: DRP_KVM_ROWS. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, struct kvm_row);
} kvm_rows SEC(".maps");

/* Where things lie in KVM's own structures (kvm_layout.h); 0: not known. User
 * space writes them before it attaches. */
__u32 kvm_vcpu_id_at, kvm_svm_vmcb_at, kvm_vmx_reason_at;
/* Where the record of the tracepoint kvm_exit has its fields, likewise. */
__u32 kvm_record_reason_at, kvm_record_isa_at, kvm_record_vcpu_at;
/* Too large for the stack. */
__u8 kvm_empty_row[sizeof(struct kvm_row)] __attribute__((aligned(8)));

static __always_inline void find_slot(struct kvm_row *row, struct task_struct *task)
{
	struct css_set *cset = task->cgroups;
	u64 generation = slt_generation;

	if (row->css_set == (u64)cset && row->generation == generation)
		return;
	row->slot = slot_of_css_set(cset);
	row->css_set = (u64)cset;
	row->generation = generation;
}

static __always_inline struct kvm_row *row_of(struct task_struct *task)
{
	u32 tid = task->pid;
	struct kvm_row *row = bpf_map_lookup_elem(&kvm_rows, &tid);

	if (row && row->start_ns != task->start_boottime) {
		/* Another thread's, whose number it had. */
		bpf_map_delete_elem(&kvm_rows, &tid);
		row = 0;
	}
	if (!row) {
		bpf_map_update_elem(&kvm_rows, &tid, kvm_empty_row, BPF_NOEXIST);
		row = bpf_map_lookup_elem(&kvm_rows, &tid);
		if (!row) {
			count_drop(DRP_KVM_ROWS);
			return 0;
		}
		row->start_ns = task->start_boottime;
		row->tgid = task->tgid;
		row->vcpu = ~0u;
	}
	find_slot(row, task);
	return row;
}

#define SVM_EXIT_CODE_AT 0x70 /* in the VMCB: AMD64 APM volume 2, table B-1 */

static __always_inline u32 dense(u32 isa, u32 code)
{
	if (code < (isa == KVM_ISA_SVM ? KVM_CODE_NESTED : 128))
		return code;
	if (isa == KVM_ISA_SVM && code >= 0x400 && code < 0x410)
		return KVM_CODE_NESTED + (code - 0x400);
	return KVM_CODE_REST;
}

static __always_inline u32 field_at(void *record, u32 offset)
{
	u32 value = 0;

	/* The verifier wants a bound; records are about 64 bytes. */
	bpf_probe_read_kernel(&value, sizeof(value), record + (offset & 0xff));
	return value;
}

static __always_inline void count_exit(struct kvm_row *row, struct task_struct *task, u32 code)
{
	/* Always true, which the compiler knows and the verifier does not. */
	asm volatile("" : "+r"(code));
	if (code >= KVM_CODES)
		return;
	row->exits[code] += 1;
	row->code = code;
	row->halted_ns = 0;
	row->exit_ns = bpf_ktime_get_ns();
	row->ran_ns = task->se.sum_exec_runtime;
	row->waited_ns = task->sched_info.run_delay;
}

static __always_inline u32 read_u32(void *base, u32 offset)
{
	u32 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), base + offset);
	return value;
}

/* As the processor left it. vmcb.control.exit_code is the hardware's own layout. */
static __always_inline u32 exit_code(void *vcpu, u32 isa)
{
	void *vmcb = 0;

	if (isa == KVM_ISA_VMX && kvm_vmx_reason_at)
		return read_u32(vcpu, kvm_vmx_reason_at) & 0xffff;
	if (isa != KVM_ISA_SVM || !kvm_svm_vmcb_at)
		return ~0u;
	bpf_probe_read_kernel(&vmcb, sizeof(vmcb), vcpu + kvm_svm_vmcb_at);
	return vmcb ? read_u32(vmcb, SVM_EXIT_CODE_AT) : ~0u;
}

/* TP_PROTO(struct kvm_vcpu *vcpu, u32 isa), since 5.16. */
SEC("raw_tp/kvm_exit")
int kvm_on_exit(struct bpf_raw_tracepoint_args *arguments)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct kvm_row *row = row_of(task);
	void *vcpu = (void *)arguments->args[0];

	if (!row)
		return 0;
	if (kvm_vcpu_id_at) {
		row->isa = (u32)arguments->args[1];
		row->vcpu = read_u32(vcpu, kvm_vcpu_id_at);
		count_exit(row, task, dense(row->isa, exit_code(vcpu, row->isa)));
	} else {
		count_exit(row, task, KVM_CODE_REST); /* without reason or index */
	}
	return 0;
}

/* Where KVM's structures are not known, its tracepoint's record is. */
SEC("tp/kvm/kvm_exit")
int kvm_on_record(void *record)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct kvm_row *row = row_of(task);

	if (!row)
		return 0;
	row->isa = field_at(record, kvm_record_isa_at);
	row->vcpu = field_at(record, kvm_record_vcpu_at);
	count_exit(row, task, dense(row->isa, field_at(record, kvm_record_reason_at)));
	return 0;
}

SEC("raw_tp/kvm_entry")
int kvm_on_entry(void *arguments)
{
	u32 tid = (u32)bpf_get_current_pid_tgid();
	struct kvm_row *row = bpf_map_lookup_elem(&kvm_rows, &tid);
	u64 took_ns;
	u32 code;

	if (!row || !row->exit_ns)
		return 0;
	took_ns = bpf_ktime_get_ns() - row->exit_ns;
	row->exit_ns = 0;
	code = row->code;
	asm volatile("" : "+r"(code)); /* as in count_exit */
	if (code < KVM_CODES && took_ns > row->halted_ns)
		row->host_ns[code] += took_ns - row->halted_ns;
	return 0;
}

/* TP_PROTO(__u64 ns, bool waited, bool valid), since 4.7. */
SEC("raw_tp/kvm_vcpu_wakeup")
int kvm_on_wakeup(struct bpf_raw_tracepoint_args *arguments)
{
	struct kvm_row *row = row_of(bpf_get_current_task_btf());
	u64 halted_ns = arguments->args[0];

	if (!row)
		return 0;
	row->halts += 1;
	row->halt_ns += halted_ns;
	row->halted_ns += halted_ns;
	return 0;
}
