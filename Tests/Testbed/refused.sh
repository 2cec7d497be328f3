# rule: a setting that the kernel refuses is told and keeps nothing else from being held
# profile: numa2
# limit: 120
# poise: installed
source "$(dirname "$0")/lib.sh"

# A disk that can vanish.
truncate -s 16M "$folder/disk"
loop=$(losetup --show -f "$folder/disk" 2>/dev/null) || loop=
if [[ -z $loop ]]; then
    echo "no loop devices here: a limit that the kernel never takes is used"
fi
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
    io: { max: { ${loop:-/dev/vda}: { write: 8MiB } } }
  small:
    command: ["sleep", "infinity"]
    cores: { performance: 1 }
END
}
plan 3 96MiB | serve
# The same file is refused by a controller that is taken away from the group's parent.
[[ -z $loop ]] || losetup -d "$loop"
plan 4 64MiB >/etc/poise/policy.yaml
systemctl reload poised
is_held() { [[ $(cpu_numbers "$(control big cpuset.cpus)" | wc -l) -eq 4 &&
    $(control big memory.max) == $((64 << 20)) ]]; }
eventually 10 is_held
# What others write is put back all the same.
echo 0-7 >$root/small/cpuset.cpus
is_back() { [[ $(control small cpuset.cpus) == "$(allocated_cpus small)" ]]; }
eventually 5 is_back
