# rule: performance and efficiency cores are given, bound and enforced apart, as the service
# profile: hybrid
# limit: 120
# poise: installed
source "$(dirname "$0")/lib.sh"

serve <<'END'
version: 1
name: hybrid
reserve: { cores: 1, class: efficiency }
features:
  fast:
    command: ["sleep", "infinity"]
    priority: 80
    cores: { performance: 3 }
  slow:
    command: ["sleep", "infinity"]
    priority: 20
    cores: { efficiency: 2 }
  both:
    plugin: streaming
    priority: 50
    cores:
      performance: { min: 1, want: 1 }
      efficiency: { min: 1, want: 1 }
    config: { source: { kind: system } }
END
for feature in fast slow both; do
    equals "effective CPUs of $feature" "$(control $feature cpuset.cpus.effective)" \
        "$(allocated_cpus $feature)"
done
within 0-1,4-5 "$(control fast cpuset.cpus.effective)" || fail "fast: $(control fast cpuset.cpus)"
within 2-3,6-7 "$(control slow cpuset.cpus.effective)" || fail "slow: $(control slow cpuset.cpus)"
equals "cores of both" "$(json '.features[] | select(.feature == "both") | .cores |
    "\(.performance) \(.efficiency)"' poise allocations)" "1 1"
