# rule: a feature that wants efficiency cores runs on efficiency cores and no other CPU
# profile: hybrid
# limit: 90
source "$(dirname "$0")/lib.sh"

policy hybrid <<'END'
version: 1
name: hybrid
reserve: { cores: 0.1 }
features:
  fast:
    command: ["sh", "-c", "sleep infinity & exec sleep infinity"]
    priority: 80
    cores: { performance: 3 }
  slow:
    command: ["sh", "-c", "sleep infinity & exec sleep infinity"]
    priority: 20
    cores: { efficiency: 3 }
END
daemon --backend affinity --policy "$policy"
eventually 30 is_running fast
eventually 30 is_running slow

# Three of four each: no node has that many of one class, so chance cannot bring it about.
within 0-1,4-5 "$(allocated_cpus fast)" || fail "fast has CPUs $(allocated_cpus fast)"
within 2-3,6-7 "$(allocated_cpus slow)" || fail "slow has CPUs $(allocated_cpus slow)"
equals "fast's number of CPUs" "$(cpu_numbers "$(allocated_cpus fast)" | wc -l)" 3
equals "slow's number of CPUs" "$(cpu_numbers "$(allocated_cpus slow)" | wc -l)" 3
held() { [[ $(threads_cpus "$1") == "$(allocated_cpus "$1")" ]]; }
eventually 10 held fast
eventually 10 held slow
