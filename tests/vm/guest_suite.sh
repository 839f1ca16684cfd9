# Runs as init's only work inside a guest: the kernel suite, then the collector
# beside a busy container. What the host reads goes to the second serial port;
# the console keeps the programs' own words. SUITES, FILTER, BUILD and
# CAPABILITIES are set above.
exec 3>/dev/ttyS1
cd /root
# kvm_amd works because QEMU's TCG emulates SVM; ccp is not in every kernel's set.
load loop null_blk irqbypass ccp kvm kvm-amd
mount -t tracefs tracing /sys/kernel/tracing
mkdir -p /mnt && mount -t tmpfs mnt /mnt

# A test that fails is run up to twice more: under TCG the guest's clock goes on
# while the host runs somebody else, which a test that measures time cannot know.
for suite in $SUITES; do
  $suite --gtest_color=no --gtest_filter="-$FILTER" >/root/log 2>&1
  status=$?
  cat /root/log
  echo "passed $(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' /root/log) $suite" >&3
  failed=$(sed -n 's/^\[  FAILED  \] \([A-Za-z0-9_./]*\)$/\1/p' /root/log | sort -u)
  [ $status = 0 ] || [ -n "$failed" ] || echo "failed $suite(status=$status)" >&3
  for name in $failed; do
    again=failed
    for try in 1 2; do
      $suite --gtest_color=no --gtest_filter="$name" && { again=repeated; break; }
    done
    echo "$again $name" >&3
  done
done

# The collector on a container that uses CPU, hits its quota, its memory limit,
# and a disk. io and pids are not enabled by anybody else here.
top=/sys/fs/cgroup
for controller in cpu memory io pids; do echo +$controller >$top/cgroup.subtree_control; done
mkdir $top/ballast-vm
for controller in cpu memory io pids; do echo +$controller >$top/ballast-vm/cgroup.subtree_control; done
mkdir $top/ballast-vm/load
echo '20000 100000' >$top/ballast-vm/load/cpu.max
echo 40M >$top/ballast-vm/load/memory.max
# With the unit's capabilities and no other.
/sbin/setpriv --bounding-set "$CAPABILITIES" --inh-caps=-all \
  $BUILD/collector/ballast-collector --workloads-prefixes /ballast-vm --records-socket /run/records.sock &
cat >/root/load <<'LOAD'
echo $$ >/sys/fs/cgroup/ballast-vm/load/cgroup.procs
while :; do
  i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done
  dd if=/dev/zero of=/dev/nullb0 bs=64k count=4 oflag=direct 2>/dev/null
  dd if=/dev/nullb0 of=/dev/null bs=64k count=4 iflag=direct 2>/dev/null
  dd if=/dev/zero of=/dev/null bs=80M count=1 2>/dev/null  # above the limit: killed
done
LOAD
page() { wget -q -O - "http://127.0.0.1:9435$1"; }
i=0; while [ $i -lt 100 ] && ! page /healthz >/dev/null 2>&1; do sleep 0.1; i=$((i+1)); done
sh /root/load &
mkdir $top/ballast-vm/vm
(echo 0 >$top/ballast-vm/vm/cgroup.procs; exec $BUILD/tests/vm/tiny_vm) &
# Both events show that what is asked below has been measured.
i=0; while [ $i -lt 200 ]; do
  page '/api/v1/events?limit=1000' >/root/events
  grep -q oom_kill /root/events && grep -q throttle_begin /root/events && break
  sleep 0.1; i=$((i+1))
done
# PSI totals are brought up to date every 2 s, slow files are read once a second;
# VMs are looked for every 2 s.
sleep 3
i=0; while [ $i -lt 100 ]; do
  page /metrics | grep -q '^vm_vcpu_halt_seconds_total' && break
  sleep 0.1; i=$((i+1))
done
page '/api/v1/events?limit=1000' >/root/events
for name in status metrics; do
  case $name in status) path=/api/v1/status ;; *) path=/metrics ;; esac
  echo "begin $name" >&3; page $path | grep -v '^#' >&3; echo "end $name" >&3
done
echo "begin events" >&3; cat /root/events >&3; echo "end events" >&3
echo "done" >&3
