# rule: accounts, offline CPUs, tracing and a disk that heeds no weight are told, and the commands mend them
# profile: numa2
# limit: 60
source "$(dirname "$0")/lib.sh"

cat >/etc/systemd/system/look.service <<X
[Service]
ExecStart=sleep infinity
Delegate=yes
X
systemctl daemon-reload
systemctl start look.service
look() {
    { poise doctor --cgroup /sys/fs/cgroup/system.slice/look.service --json || true; } | jq -r "$1"
}
# mends TOPIC PART: the topic is told with that part, and no more after its command.
mends() {
    local found=".missing[] | select(.topic == \"$1\" and (.missing | contains(\"$2\")))" command
    command=$(look "$found | .command")
    [[ -n $command && $command != null ]] || fail "no command for $1 ($2): $(look .missing)"
    bash -c "$command" >/dev/null
    equals "$1 after '$command'" "$(look "$found | .missing")" ""
}

userdel poise-host 2>/dev/null || true
for group in poise-host poise-admin poise; do groupdel "$group" 2>/dev/null || true; done
mends accounts "the group poise-admin"
getent passwd poise-host >/dev/null
getent group poise >/dev/null

echo 0 >/sys/devices/system/cpu/cpu5/online
echo 0 >/sys/devices/system/cpu/cpu7/online
mends offline "the CPUs 5,7"
equals "online" "$(cat /sys/devices/system/cpu/online)" 0-7

sysctl -qw kernel.yama.ptrace_scope=0
mends trace ptrace_scope
mends controlFiles "a disk that heeds io.weight"

mkdir /sys/fs/cgroup/other
echo 0-3 >/sys/fs/cgroup/other/cpuset.cpus
contains "a cgroup with CPUs" \
    "$(look '.missing[] | select(.topic == "neighbour") | .missing')" "/other without CPUs of its own: it has 0-3"
