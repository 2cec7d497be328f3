# rule: a unit of systemd gets its budget from systemd, keeps running, and is given back as it was
# profile: numa2
# limit: 150
# poise: installed
source "$(dirname "$0")/lib.sh"

printf '[Service]\nExecStart=sleep infinity\nCPUWeight=77\n' >/etc/systemd/system/other.service
systemctl daemon-reload
systemctl start other
group=/sys/fs/cgroup/system.slice/other.service
systemctl set-property --runtime other.service AllowedCPUs=0-6
files() { (cd $group && for file in cpuset.cpus cpuset.mems cpu.weight cpu.max memory.min memory.low \
    memory.high memory.max pids.max; do echo "$file: $(cat $file)"; done); }
before=$(files)
was=$(systemctl show -P MainPID other)
{
    three
    cat <<'END'
  unit:
    unit: other.service
    priority: 70
    cores: { performance: 1 }
    memory: { max: 64MiB }
END
} | serve
equals "CPUs" "$(cat $group/cpuset.cpus.effective)" "$(allocated_cpus unit)"
equals memory.max "$(cat $group/memory.max)" $((64 << 20))
equals "its process" "$(pid unit)" "$was"

# A restart of poised does not forget what it was like before.
systemctl kill -s KILL poised
eventually 20 all_run
poise feature stop unit
given_back() { [[ $(files) == "$before" ]]; }
eventually 10 given_back || { files; echo "$before"; fail "not as it was"; }
equals "its process" "$(systemctl show -P MainPID other)" "$was"
# A restart of the unit by somebody else does not make our settings its own.
poise feature start unit
eventually 10 is_running unit
systemctl restart other
# poised may see that it ended, or only that it runs: then it kept its budget.
sleep 3
has_its_budget() { is_running unit && [[ $(cat $group/memory.max) == $((64 << 20)) ]]; }
eventually 20 has_its_budget
# What somebody else sets meanwhile is put back and told.
systemctl set-property --runtime other.service CPUWeight=33
is_back() { [[ $(cat $group/cpu.weight) != 33 ]]; }
eventually 10 is_back
eventually 5 said "drift: somebody wrote cpu.weight"
poise feature stop unit
is_as_before() {
    [[ $(systemctl show -P CPUWeight other) == 77 && $(systemctl show -P MemoryMax other) == infinity ]]
}
eventually 20 is_as_before
equals "drop-ins that are left" "$(ls /run/systemd/system.control/other.service.d 2>/dev/null)" \
    "50-AllowedCPUs.conf"

# Also when poised is stopped just after it has crashed.
poise feature start unit
eventually 10 is_running unit
systemctl kill -s KILL poised
systemctl stop poised.socket poised
eventually 30 is_as_before
systemctl start poised
eventually 30 is_running unit
poise feature stop unit
eventually 20 is_as_before

# One that is not there says so and is not tried again.
sed -i 's/unit: other.service/unit: missing.service/' /etc/poise/policy.yaml
systemctl reload poised
poise feature start unit
eventually 10 said "the unit missing.service is not-found"
