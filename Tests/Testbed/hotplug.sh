# rule: a CPU that goes offline is planned around without a restart, and is used again when it comes
#       back
# profile: numa2
# limit: 120
# poise: installed
source "$(dirname "$0")/lib.sh"

three | serve
was=$(pids)
before=$(allocated_cpus big)
gone=$(cpu_numbers "$before" | tail -n 1)
echo 0 >"/sys/devices/system/cpu/cpu$gone/online"
has_moved() { [[ $(allocated_cpus big) != "$before" ]] &&
    [[ $(control big cpuset.cpus.effective) == "$(allocated_cpus big)" ]]; }
eventually 10 has_moved
equals "big's CPUs" "$(cpu_numbers "$(allocated_cpus big)" | wc -l)" 3
equals processes "$(pids)" "$was"
echo 1 >"/sys/devices/system/cpu/cpu$gone/online"
is_back() { said "CPUs $gone came online" && has_the_same; }
has_the_same() { [[ $(control big cpuset.cpus.effective) == "$(allocated_cpus big)" ]]; }
eventually 10 is_back
