# rule: every line of a budget is in the feature's control files, and what cannot be held says why
# profile: numa2
# limit: 120
# poise: installed
source "$(dirname "$0")/lib.sh"

three | serve
equals backend "$(json .backend poise status)" cgroup2
for feature in big streaming small; do
    equals "effective CPUs of $feature" "$(control $feature cpuset.cpus.effective)" \
        "$(allocated_cpus $feature)"
    within "$(allocated_cpus $feature)" "$(threads_cpus $feature | paste -sd,)" ||
        fail "threads of $feature: $(threads_cpus $feature)"
done
equals "nodes of big" "$(control big cpuset.mems)" 0
equals "Mems_allowed" "$(awk '/^Mems_allowed_list/ {print $2}' "/proc/$(pid big)/status")" 0
equals memory.min "$(control big memory.min)" $((16 << 20))
equals memory.low "$(control big memory.low)" $((32 << 20))
equals memory.high "$(control big memory.high)" $((120 << 20))
equals memory.max "$(control big memory.max)" $((128 << 20))
equals memory.swap.max "$(control big memory.swap.max)" 0
equals io.weight "$(control big io.weight)" "default 300"
contains io.max "$(control big io.max)" "wbps=8388608"
equals pids.max "$(control big pids.max)" 64
# A quota only on shared time, never on cores of its own.
equals "cpu.max of big" "$(control big cpu.max)" "max 100000"
equals "cpu.max of small" "$(control small cpu.max)" "50000 100000"
equals "cpu.weight of small" "$(control small cpu.weight)" 50

# A service is not given hugetlb: that is told, with what to do about it.
reason=$(json '.features[] | select(.feature == "big") | .notHeld[] | .setting + ": " + .because' \
    poise allocations)
contains "what is not held" "$reason" "hugetlb.2MB.max: the controller hugetlb is not there"
# The limit of processes is real.
fails setpriv --reuid poise-host --clear-groups sh -c "echo \$\$ >$root/big/cgroup.procs"
