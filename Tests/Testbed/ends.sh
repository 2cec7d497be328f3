# rule: how a feature ended is told: killed for want of memory, moved away, ended again and again
# profile: numa2
# limit: 120
# poise: installed
source "$(dirname "$0")/lib.sh"

serve <<'END'
version: 1
name: ends
reserve: { cores: 1 }
features:
  calm:
    command: ["sleep", "infinity"]
    cores: { performance: 1 }
END
sed -i '$a\  hog:\n    command: ["python3", "-c", "import time; time.sleep(1); x = bytes(9) * (20 << 20); time.sleep(60)"]\n    restart: temporary\n    cores: { performance: 1 }\n    memory: { max: 32MiB, swap: 0 }\n  brief:\n    command: ["true"]\n    cores: { performance: 1 }' \
    /etc/poise/policy.yaml
systemctl reload poised
eventually 60 said "hog: failed: signal 9; the kernel killed it for want of memory: memory.max is 32 MiB"
eventually 30 said "brief: backingOff: starts again in 1.6 s (failure 4)"

echo "$(pid calm)" >/sys/fs/cgroup/cgroup.procs
eventually 5 said "was moved out of its cgroup; it is back"
contains "its cgroup" "$(cat "/proc/$(pid calm)/cgroup")" poise-features.service/calm
