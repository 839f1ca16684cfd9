/* Records of evt_ring: what cannot wait for the next tick. Written by the
 * programs named at each kind, read by EventRing
 * (collector/source/bpf/event_ring.h). Rules: see slot_abi.h. */
#ifndef BALLAST_BPF_ABI_EVENT_ABI_H
#define BALLAST_BPF_ABI_EVENT_ABI_H

#define EVT_ABI_VERSION 3
#define EVT_COMM 16u
#define EVT_PATH                                                                                   \
	512u /* cgroup paths of pods are about 200 long; longer ones are cut and counted           \
	      */

/* evt_head.kind; values are part of the format, append only. */
enum evt_kind {
	EVT_NONE,
	EVT_THROTTLE,	  /* rql_on_switch: a task of `slot` ran into its own quota */
	EVT_MEMORY_LIMIT, /* mem_on_reclaim: a task of `slot` reclaims at a memory limit */
	EVT_OOM_KILL,	  /* oom_on_victim_*: struct evt_oom; `pid` of `slot` was chosen */
	EVT_CGROUP_MADE,  /* slt_on_mkdir: struct evt_cgroup */
	EVT_CGROUP_GONE,  /* slt_on_rmdir: struct evt_cgroup */
	EVT_TOOL_CALL,	  /* tol_on_exit: struct evt_tool; a span that ended */
	EVT_TOOL_BEGIN	  /* tol_on_exec: struct evt_tool; what was used is 0 */
};

/* evt_head.flags */
#define EVT_SLOT_OF_TRIGGER 0x1u /* OOM before 6.10: `slot` is of the task that needed memory */
#define EVT_PATH_CUT 0x2u	 /* `path` is not whole */
#define EVT_IS_ROOT 0x4u	 /* gone: it was a workload's own directory */
#define EVT_NO_PEAK 0x8u	 /* tool: peak_pages not known (before 6.16, see compat.bpf.h) */

struct evt_head {
	unsigned int kind;
	unsigned int slot;	    /* SLT_OTHER: of no tracked workload */
	unsigned long long boot_ns; /* CLOCK_BOOTTIME */
	unsigned int pid;	    /* thread that hit it; OOM: the victim. 0: none */
	unsigned int flags;
	char comm[EVT_COMM]; /* of that thread; empty where not known */
};

struct evt_cgroup {
	struct evt_head head;
	unsigned long long cgroup_id;
	unsigned long long hierarchy_id;
	unsigned long long parent_id;
	char path[EVT_PATH]; /* from the hierarchy's root, ends in 0 */
};

/* OOM: whose limit it was; none of them: this kernel does not tell. */
#define EVT_OOM_OWN 0x10u      /* the workload's own directory, or one below it */
#define EVT_OOM_ANCESTOR 0x20u /* a directory above it */
#define EVT_OOM_HOST 0x40u     /* no limit: the host is out of memory */

struct evt_oom {
	struct evt_head head;
	unsigned long long resident_pages; /* of the victim; 0: not known */
};

#define EVT_TOOL_FILE 128u
#define EVT_TOOL_ARGS 256u

/* A process from its first exec inside a workload to its end; `head` has the
 * end, the process id and its last name. Its own use, not its children's.
 * At an exec `head` has that one's time; a span that execs again begins again
 * under another name. */
struct evt_tool {
	struct evt_head head;
	unsigned long long span;     /* unique within the boot */
	unsigned long long parent;   /* span it was started from; 0: none */
	unsigned long long start_ns; /* CLOCK_BOOTTIME */
	unsigned long long cpu_ns;
	unsigned long long peak_pages;
	unsigned long long read_bytes; /* by read calls, whatever served them */
	unsigned long long written_bytes;
	unsigned int status;	  /* as wait(2) reports it */
	unsigned int args_length; /* bytes in `args`; the line may have been longer */
	char file[EVT_TOOL_FILE]; /* as given to the last exec; empty: longer than this */
	char args[EVT_TOOL_ARGS]; /* its arguments, each ended by 0 */
};

#ifdef __cplusplus
static_assert(sizeof(evt_tool) == 104 + EVT_TOOL_FILE + EVT_TOOL_ARGS);
static_assert(sizeof(evt_head) == 40 && sizeof(evt_cgroup) == 64 + EVT_PATH);
static_assert(sizeof(evt_oom) == 48);
#else
_Static_assert(sizeof(struct evt_oom) == 48, "evt_oom layout");
_Static_assert(sizeof(struct evt_tool) == 104 + EVT_TOOL_FILE + EVT_TOOL_ARGS, "evt_tool layout");
_Static_assert(sizeof(struct evt_head) == 40, "evt_head layout");
_Static_assert(sizeof(struct evt_cgroup) == 64 + EVT_PATH, "evt_cgroup layout");
#endif
#endif
