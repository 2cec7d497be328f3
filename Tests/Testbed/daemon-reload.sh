# rule: a hundred daemon-reloads of systemd change nothing in the features' cgroups
# profile: numa2
# limit: 600
# poise: installed
source "$(dirname "$0")/lib.sh"

three | serve
snapshot() { (cd $root && grep -r . --include='cpuset.cpus*' --include='cpuset.mems*' \
    --include='cpu.max' --include='cpu.weight' --include='memory.m*' --include='io.*' \
    --include='pids.max' big streaming small | grep -v 'memory.max_usage\|io.stat\|io.pressure'); }
before=$(snapshot | sort)
was=$(pids)
for _ in $(seq 100); do systemctl daemon-reload; done
equals "control files" "$(snapshot | sort)" "$before"
equals processes "$(pids)" "$was"
equals "kernel writes" "$(journalctl -u poised -o cat | grep -c 'drift' || true)" 0
