# rule: a core that moves from one feature to another is asked for first, and costs two cpuset writes
# profile: numa2
# limit: 120
# poise: installed
source "$(dirname "$0")/lib.sh"

plan() { # A B: cores of the two
    cat <<END
version: 1
name: move
reserve: { cores: 1 }
features:
  a:
    plugin: streaming
    priority: 80
    cores: { performance: { min: 1, want: $1, max: 6 } }
    config: { source: { kind: system } }
    borrow: false
  b:
    plugin: streaming
    priority: 20
    cores: { performance: { min: 1, want: $2, max: 6 } }
    config: { source: { kind: system } }
    borrow: false
END
}
plan 2 5 | serve
equals "all are given" "$(json .idle poise allocations)" ""
before=$(writes)
plan 3 4 >/etc/poise/policy.yaml
systemctl reload poised
has_moved() { [[ $(cpu_numbers "$(control a cpuset.cpus)" | wc -l) -eq 3 ]]; }
eventually 10 has_moved
equals "cpuset writes" $(($(writes) - before)) 2
# The one that lost it was asked first, and told when it was so: its generation went up twice. (In
# an emulated guest 10 ms may be too short for an answer; then it is taken, and that is told.)
poise events # seen when the next line fails
equals "generations of b" "$(json '.features[] | select(.feature == "b") | .generation' poise status)" 3
both=$(cat $root/a/cpuset.cpus.effective),$(cat $root/b/cpuset.cpus.effective)
equals "CPUs that both have" "$(cpu_numbers "$both" | sort | uniq -d)" ""
# A plan that is equal to the one in force causes no write.
before=$(writes)
systemctl reload poised
touch /etc/poise/policy.yaml
sleep 2
equals "writes of nothing" $(($(writes) - before)) 0
