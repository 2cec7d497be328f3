# rule: a setting that the kernel refuses is told and keeps nothing else from being held
# profile: numa2
# limit: 120
# poise: installed
source "$(dirname "$0")/lib.sh"

# A disk that can vanish.
modprobe null_blk
disk=/dev/nullb0
plan() { # WANT MEMORY
    cat <<END
version: 1
name: refused
reserve: { cores: 1 }
features:
  big:
    command: ["sleep", "infinity"]
    priority: 80
    cores: { performance: { min: 1, want: $1, max: 6 } }
    memory: { max: $2 }
    io: { max: { $disk: { write: 8MiB } } }
  small:
    command: ["sleep", "infinity"]
    cores: { performance: 1 }
END
}
plan 3 96MiB | serve
contains io.max "$(control big io.max)" wbps=8388608
modprobe -r null_blk
plan 4 64MiB >/etc/poise/policy.yaml
systemctl reload poised
is_held() { [[ $(cpu_numbers "$(control big cpuset.cpus)" | wc -l) -eq 4 &&
    $(control big memory.max) == $((64 << 20)) ]]; }
eventually 10 is_held
contains "what is not held" "$(json '.features[] | select(.feature == "big") | .notHeld[].setting' \
    poise allocations)" io.max
# What others write is put back all the same.
echo 0-7 >$root/small/cpuset.cpus
is_back() { [[ $(control small cpuset.cpus) == "$(allocated_cpus small)" ]]; }
eventually 5 is_back
