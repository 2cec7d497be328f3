# rule: cores that a feature leaves idle are lent to a lower one, which gives way at once, and the
#   owner has them back as soon as it works
# profile: numa2
# limit: 180
# poise: installed
source "$(dirname "$0")/lib.sh"

# Each line that is written to it makes `high` work on three CPUs for a while.
mkfifo -m 666 /run/burn
exec 9<>/run/burn
serve <<'END'
version: 1
name: lend
reserve: { cores: 1, memory: 128MiB }
features:
  high:
    command: ["bash", "-c", "while read -r seconds < /run/burn; do for i in 1 2 3; do timeout $seconds sh -c 'while :; do :; done' & done; wait; done"]
    priority: 80
    cores: { performance: { min: 2, want: 3, max: 3 } }
  low:
    command: ["sh", "-c", "for i in 1 2 3 4 5 6 7; do (while :; do :; done) & done; wait"]
    priority: 20
    cores: { performance: { min: 1, want: 1, max: 7 } }
END

own=$(control high cpuset.cpus)
borrows() { within "$(control low cpuset.cpus)" "$own"; }
low_cpus() { cpu_numbers "$(control low cpuset.cpus)" | sort; }
has_left() { [[ -z $(comm -12 <(cpu_numbers "$own" | sort) <(low_cpus)) ]]; }
eventually 30 borrows
equals "high's CPUs" "$(control high cpuset.cpus)" "$own"
equals "high's weight while it lends" "$(control high cpu.weight)" 10000
equals "what high lends" "$(json '.features[] | select(.feature == "high") | .lent' poise allocations)" "$own"
equals "what low borrows" "$(json '.features[] | select(.feature == "low") | .borrowed' poise allocations)" "$own"

echo 20 >&9
eventually 10 has_left
equals "high's CPUs" "$(control high cpuset.cpus)" "$own"
said "returned: gives CPUs"

# Quiet again, it lends again; what was lent was borrowed, to the microsecond.
eventually 60 borrows
sum() { json "[.features[].$1 // 0] | add * 1000 | round" poise allocations; }
lent=$(json '[.features[].lentCoreSeconds // 0, (.features[].borrowedCoreSeconds // 0 | -.)] | add | fabs < 0.00001' poise allocations)
equals "lent is borrowed" "$lent" true
(($(sum lentCoreSeconds) > 1000)) || fail "only $(sum lentCoreSeconds) ms were lent"
