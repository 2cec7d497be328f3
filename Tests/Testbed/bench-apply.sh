# rule: a turn that changes nothing writes nothing, and a core that moves takes two writes
# profile: numa2
# limit: 120
source "$(dirname "$0")/lib.sh"

systemd-run --unit bench --wait -q --pipe -p Delegate=yes \
    sh -c "$(command -v poise) bench apply --quick --json && ls -d /sys/fs/cgroup/system.slice/bench.service/*/ >&2" \
    >"$folder/bench.json" 2>"$folder/left" || true
equals "groups that are left" "$(grep -v 'No such file' "$folder/left" || true)" ""
figure() { jq -r "$1" "$folder/bench.json"; }
equals "backend" "$(figure .backend)" cgroup2
equals "unchangedWrites" "$(figure .metrics.unchangedWrites)" 0
equals "writesPerMove" "$(figure .metrics.writesPerMove)" 2
jq -c '{metrics, peers}' "$folder/bench.json"
