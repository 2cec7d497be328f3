# rule: a controller that a parent does not hand down is told with that parent, and the command mends it
# profile: numa2
# limit: 60
source "$(dirname "$0")/lib.sh"

mount=/sys/fs/cgroup
mkdir -p $mount/above/middle/poise
for name in cpuset cpu io memory pids hugetlb; do
    echo "+$name" >$mount/cgroup.subtree_control
    echo "+$name" >$mount/above/cgroup.subtree_control
    echo "+$name" >$mount/above/middle/cgroup.subtree_control
done
# The doctor ends with 1 where a budget is not held.
look() { { poise doctor --cgroup $mount/above/middle/poise --json || true; } | jq -r "$1"; }
equals "missing" "$(look '[.missing[] | select(.weight == "enforcement") | .topic] | join(" ")')" ""
poise doctor --cgroup $mount/above/middle/poise >/dev/null

for name in cpuset cpu io memory pids hugetlb; do
    echo "-$name" >$mount/above/middle/cgroup.subtree_control
    echo "-$name" >$mount/above/cgroup.subtree_control
    found=".missing[] | select(.topic == \"$name\")"
    contains "$name" "$(look "$found | .missing")" "which $mount/above does not hand down"
    if [[ $name != hugetlb ]]; then
        fails 1 poise doctor --cgroup $mount/above/middle/poise
    fi
    bash -c "$(look "$found | .command")"
    equals "$name, mended" "$(look "$found | .topic")" ""
done

# Pressure of the cgroup, switched off.
echo 0 >$mount/above/middle/poise/cgroup.pressure
bash -c "$(look '.missing[] | select(.topic == "pressure") | .command')"
equals "cgroup.pressure" "$(cat $mount/above/middle/poise/cgroup.pressure)" 1
