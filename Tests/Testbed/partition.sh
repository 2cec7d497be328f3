# rule: a partition is made where the kernel lets it be one, and elsewhere the kernel's reason is told
# profile: numa2
# limit: 150
# poise: installed
source "$(dirname "$0")/lib.sh"

policy partition <<'END'
version: 1
name: partition
reserve: { cores: 1 }
features:
  quiet:
    command: ["sleep", "infinity"]
    cores: { performance: 2, partition: isolated }
  other:
    command: ["sleep", "infinity"]
    cores: { performance: 1 }
END
# Right below the mount it is one.
echo +cpuset +cpu >/sys/fs/cgroup/cgroup.subtree_control
mkdir /sys/fs/cgroup/test
daemon --backend cgroup2 --cgroup /sys/fs/cgroup/test --policy "$policy"
eventually 20 all_run
equals partition "$(cat /sys/fs/cgroup/test/quiet/cpuset.cpus.partition)" isolated
cpus=$(allocated_cpus quiet)
equals "its CPUs" "$(cat /sys/fs/cgroup/test/quiet/cpuset.cpus.effective)" "$cpus"
for cpu in $(cpu_numbers "$cpus"); do
    ! within "$(cat /sys/fs/cgroup/system.slice/cpuset.cpus.effective)" "$cpu" ||
        fail "the system still runs on CPU $cpu"
done
stop_daemon
equals "what is left" "$(find /sys/fs/cgroup/test -mindepth 1 -type d)" ""
equals "the root's partition" "$(cat /sys/fs/cgroup/test/cpuset.cpus.partition)" member
rmdir /sys/fs/cgroup/test

# In a service it cannot be on this kernel.
unset POISE_RUNTIME_DIR
serve <"$policy"
contains "the reason" "$(json '.features[] | select(.feature == "quiet") | .notHeld[].because' \
    poise allocations)" "Parent is not a partition root"
