// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
// How high the CPU and memory use of each workload went, from one timer that
// looks 100 times a second at what the scheduler hook booked.
//
//   timer, 10 ms --> tasks on a CPU now: their workloads run, switched or not
//                    each workload that ran within the last second:
//                      used = booked time of all CPUs + what those now on one ran
//                      windows of 10 ms, 100 ms, 1 s that end now; highest kept
//                      pages of its memory group; highest kept
//
// Windows begin and end at ticks: they slide in steps of 10 ms. What lasts 20 ms
// fills a window of 10 ms, what lasts 110 ms one of 100 ms; a shorter burst shows
// with at least half of its height in the former, 95 % of it in the latter. A
// late tick makes a window longer than its name; its use is scaled to the name, so
// that nothing is made up. User space takes the highest of each of its own
// ticks (collector/source/bpf/peaks.h).
//
// A timer, not a perf event: one for all CPUs instead of one each, idle CPUs are
// left asleep, and it takes CAP_BPF where perf_event_paranoid (3 on Debian)
// forbids events without CAP_SYS_ADMIN. It dies with the last descriptor of its
// map.
//
// Needs: kernel BTF, bpf_timer (5.15), bpf_loop (5.17). Cost: clk_ran_ns, see
// tests/bench/bpf_cost.py; per tick some ns for 64 slots, and for each that ran within
// the last second one row per CPU and one read of its group.
// Left out on purpose: `other`.

#include "bpf/abi/clock_abi.h"
#include "bpf/lib/clock.bpf.h"
#include "bpf/lib/run_queue.bpf.h"
#include "bpf/lib/slots.bpf.h"

#include <bpf/bpf_tracing.h>

#define CLOCK_MONOTONIC 1
#define TICK_MASK (CLK_TICKS - 1)
#define LONGEST_TICKS 100 /* of CLK_1S */
#define UNIT_BITS 10	  /* of clk_row.used */
#define SCALE_BITS 20

extern const volatile __u32 cfg_slots;

struct clk_timer {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct clk_timer);
} clk_timers SEC(".maps");

/* User space counts its readings here. */
__u64 clk_reading = 0;
__u64 clk_ran_ns = 0; /* in the timer's callback, which BPF statistics do not see */

static u64 tick_ns[CLK_TICKS]; /* CLOCK_MONOTONIC */

/* What one tick has for all slots. */
struct look {
	u64 now;
	u64 tick;
	u64 reading;
	u64 most_ns;		/* what all CPUs had since the last tick */
	u64 active_since;	/* rql_tick: ran in it or later is active */
	u32 scale[CLK_WINDOWS]; /* window / its true length, 2^-20 */
};

struct sum {
	u64 now;
	u64 ns;
	u32 slot;
};

/* What the task on a CPU ran since it came there. The scheduler's tick brings its
 * sum up to date every few ms; the rest is the run queue's own clock since then. An
 * update in the middle of these reads makes the result too low, never too high. */
static __always_inline u64 not_booked(volatile struct rql_cpu *here, u64 now)
{
	struct task_struct *task = (void *)here->task;
	struct rq *rq = (void *)here->run_queue;
	u64 ran = BPF_CORE_READ(task, se.sum_exec_runtime) - here->exec_ns;
	u64 up_to = BPF_CORE_READ(task, se.exec_start);
	u64 task_clock = BPF_CORE_READ(rq, clock_task);
	u64 clock = BPF_CORE_READ(rq, clock);

	now -= here->offset_ns;
	if (now > clock)
		task_clock += now - clock;
	return ran + (task_clock > up_to ? task_clock - up_to : 0);
}

static __always_inline bool is_current(volatile struct rql_cpu *here)
{
	struct rq *rq = (void *)here->run_queue;

	return (u64)BPF_CORE_READ(rq, curr) == here->task;
}

/* One CPU, looked at for one slot. */
struct glance {
	volatile struct rql_cpu *here;
	volatile struct rql_row *row;
	u64 now;
	u64 not_booked_ns;
	u32 slot;
};

static long glance_at(u32 try, struct glance *glance)
{
	volatile struct rql_cpu *here = glance->here;

	if (here->slot != glance->slot || !here->run_queue || here->ran_ns != glance->row->ran_ns)
		return 1;
	if (!is_current(here))
		return 0;
	glance->not_booked_ns = not_booked(here, glance->now);
	/* Still the same, not booked meanwhile? */
	if (here->ran_ns == glance->row->ran_ns && is_current(here))
		return 1;
	glance->not_booked_ns = 0;
	return 0;
}

static long add_cpu(u32 cpu, struct sum *sum)
{
	u32 index = sum->slot * cfg_cpus + cpu;
	struct glance glance = {
	    .here = bpf_map_lookup_elem(&rql_cpus, &cpu),
	    .row = bpf_map_lookup_elem(&rql_rows, &index),
	    .now = sum->now,
	    .slot = sum->slot,
	};

	if (!glance.here || !glance.row)
		return 1; /* never: sized by slots and CPUs */
	/* The CPU is between two tasks for a microsecond: until the hook has booked
	 * the first one. For longer: a switch that the hook did not see. */
	bpf_loop(64, glance_at, &glance, 0);
	sum->ns += glance.row->ran_ns + glance.not_booked_ns;
	return 0;
}

static __always_inline u64 used_now(u32 slot, const struct look *look)
{
	struct sum sum = {.now = look->now, .slot = slot};

	bpf_loop(cfg_cpus, add_cpu, &sum, 0);
	return sum.ns;
}

/* CPU time in the window of so many ticks that ends now. */
static __always_inline u64 in_window(const struct clk_row *row, u64 tick, u32 ticks, u32 scale)
{
	u64 from = tick > ticks ? tick - ticks : 0;
	u32 before = from <= row->began_tick ? (u32)(row->began_ns >> UNIT_BITS)
					     : row->used[from & TICK_MASK];
	u64 used = (u32)((u32)(row->used_ns >> UNIT_BITS) - before);

	return ((used << UNIT_BITS) * scale) >> SCALE_BITS;
}

/* Pages of its group, asked only while the group is the one that the walk saw:
 * what was a group may be something else by now. */
static __always_inline u64 pages_of(const struct clk_row *row)
{
	struct cgroup_subsys_state *css = (void *)row->group;

	if (!css || !bpf_core_type_exists(struct mem_cgroup) ||
	    BPF_CORE_READ(css, cgroup, kn, id) != row->group_id)
		return 0;
	return BPF_CORE_READ((struct mem_cgroup *)css, memory.usage.counter);
}

static __always_inline void keep_highest(struct clk_row *row, const struct look *look)
{
	struct clk_peak *peak = &row->peaks[look->reading & 1];
	u64 highest[CLK_WINDOWS] = {
	    in_window(row, look->tick, 1, look->scale[CLK_10MS]),
	    in_window(row, look->tick, 10, look->scale[CLK_100MS]),
	    in_window(row, look->tick, LONGEST_TICKS, look->scale[CLK_1S]),
	};
	u64 pages = pages_of(row);
	int i;

	if (peak->reading != look->reading) {
		__builtin_memset(peak, 0, sizeof(*peak));
		peak->reading = look->reading;
	}
	for (i = 0; i < CLK_WINDOWS; i++)
		if (highest[i] > peak->cpu_ns[i])
			peak->cpu_ns[i] = highest[i];
	if (pages > peak->memory_pages)
		peak->memory_pages = pages;
}

static __always_inline void look_at(struct clk_row *row, u32 slot, const struct look *look)
{
	u64 used, most = row->used_ns + look->most_ns;

	/* Not looked at for so long that no window reaches back: nothing was used
	 * between then and the last tick. */
	if (row->tick + 1 != look->tick) {
		row->began_tick = look->tick - 1;
		row->began_ns = row->used_ns;
	}
	row->tick = look->tick;
	used = used_now(slot, look);
	/* More than all CPUs have was booked late: it follows in the next ticks. */
	if (used > row->used_ns)
		row->used_ns = used < most ? used : most;
	row->used[look->tick & TICK_MASK] = (u32)(row->used_ns >> UNIT_BITS);
	keep_highest(row, look);
}

/* The hook stores rql_active and then sets the bit. Here it is the other way round,
 * so that what comes to a CPU meanwhile is seen by one or the other. */
static __always_inline void fall_asleep(u32 slot, const volatile u64 *active,
					const struct look *look)
{
	set_awake(slot, false);
	if (*active >= look->active_since)
		set_awake(slot, true);
}

static __always_inline void look_at_slot(u32 slot, const struct look *look)
{
	u64 *active = bpf_map_lookup_elem(&rql_active, &slot);
	struct clk_row *row = bpf_map_lookup_elem(&clk_rows, &slot);

	if (!active || !row)
		return; /* never: both are sized by the slots */
	if (*active >= look->active_since)
		row->seen_tick = look->tick;
	/* Until its last use is out of the longest window. */
	if (row->seen_tick && look->tick - row->seen_tick <= LONGEST_TICKS + 1)
		look_at(row, slot, look);
	else
		fall_asleep(slot, active, look);
}

/* A word of rql_awake. */
struct awake {
	const struct look *look;
	u64 bits;
	u32 first; /* slot of bit 0 */
};

static long look_at_bit(u32 bit, struct awake *awake)
{
	u64 rest = awake->bits >> bit;
	u32 slot = awake->first + bit;

	if ((rest & 1) && slot != SLT_OTHER)
		look_at_slot(slot, awake->look);
	return rest <= 1;
}

static long look_at_word(u32 word, struct look *look)
{
	u64 *bits = bpf_map_lookup_elem(&rql_awake, &word);
	struct awake awake = {.look = look, .first = word * RQL_WORD};

	if (!bits)
		return 1; /* never: sized by the slots */
	awake.bits = *bits;
	if (awake.bits)
		bpf_loop(RQL_WORD, look_at_bit, &awake, 0);
	return 0;
}

/* A task that stays on its CPU for long is not switched, and yet runs. */
static long note_running(u32 cpu, struct look *look)
{
	struct rql_cpu *here = bpf_map_lookup_elem(&rql_cpus, &cpu);
	u32 slot = here ? here->slot : SLT_OTHER;
	struct clk_row *row;

	if (slot == SLT_OTHER)
		return 0;
	row = bpf_map_lookup_elem(&clk_rows, &slot);
	if (row)
		row->seen_tick = look->tick;
	set_awake(slot, true);
	return 0;
}

static __always_inline u32 scale_of(const struct look *look, u32 ticks)
{
	u64 began = tick_ns[(look->tick - ticks) & TICK_MASK];

	/* A clock so young has no such window: what was used since is less. */
	if (look->tick <= ticks || look->now <= began)
		return 1 << SCALE_BITS;
	return (((u64)ticks * CLK_PERIOD_NS) << SCALE_BITS) / (look->now - began);
}

static int clk_on_tick(void *map, int *key, struct clk_timer *timer)
{
	u64 last_tick = rql_tick;
	struct look look = {
	    .now = bpf_ktime_get_ns(),
	    .tick = clk_tick + 1,
	    .reading = clk_reading,
	    .active_since = last_tick ? last_tick - 1 : 0,
	};

	clk_tick = look.tick;
	look.most_ns = (look.now - tick_ns[(look.tick - 1) & TICK_MASK]) * cfg_cpus;
	tick_ns[look.tick & TICK_MASK] = look.now;
	look.scale[CLK_10MS] = scale_of(&look, 1);
	look.scale[CLK_100MS] = scale_of(&look, 10);
	look.scale[CLK_1S] = scale_of(&look, LONGEST_TICKS);
	bpf_loop(cfg_cpus, note_running, &look, 0);
	bpf_loop(cfg_slots / RQL_WORD + 1, look_at_word, &look, 0);
	bpf_timer_start(&timer->timer, CLK_PERIOD_NS, 0);
	clk_ran_ns += bpf_ktime_get_ns() - look.now;
	return 0;
}

/* Run once by user space. */
SEC("syscall")
int clk_start(void *ctx)
{
	u32 first = 0;
	struct clk_timer *timer = bpf_map_lookup_elem(&clk_timers, &first);
	long error;

	if (!timer)
		return 1;
	error = bpf_timer_init(&timer->timer, &clk_timers, CLOCK_MONOTONIC);
	if (!error)
		error = bpf_timer_set_callback(&timer->timer, clk_on_tick);
	if (!error)
		error = bpf_timer_start(&timer->timer, CLK_PERIOD_NS, 0);
	return (int)error;
}
