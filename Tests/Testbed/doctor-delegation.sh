# rule: a service without Delegate= is told so, and the command of the doctor mends it
# profile: numa2
# limit: 60
source "$(dirname "$0")/lib.sh"

cat >/etc/systemd/system/look.service <<X
[Service]
Type=oneshot
ExecStart=sh -c '$(command -v poise) doctor --cgroup /sys/fs/cgroup/system.slice/look.service --json >/run/look.json || true'
X
systemctl daemon-reload
look() {
    systemctl restart look.service
    jq -r "$1" /run/look.json
}
equals "delegated" "$(look .host.isDelegated)" false
equals "backend" "$(look .backend)" affinity
equals "everything" "$(look .holdsEverything)" false
command=$(look '.missing[] | select(.topic == "delegation") | .command')
contains "the command" "$command" "Delegate=yes"
bash -c "$command"
equals "delegated, after '$command'" "$(look .host.isDelegated)" true
equals "backend" "$(look .backend)" cgroup2
equals "what misses enforcement" \
    "$(look '[.missing[] | select(.weight == "enforcement") | .topic] | join(" ")')" ""
equals "cpus" "$(look .held.cpus)" enforced
