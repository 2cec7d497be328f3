# rule: the doctor finds systemd and cgroup v2 here, and says of each missing thing what it costs
# profile: numa2
# limit: 60
source "$(dirname "$0")/lib.sh"

said=$(poise doctor) || equals "the exit code" $? 1
# found FILTER: what is in its JSON, whatever its exit code.
found() { { poise doctor --json || true; } | jq -r "$1"; }
contains "doctor" "$said" "systemd       yes"
equals "hasSystemd" "$(found .host.hasSystemd)" true
equals "cgroups" "$(found .host.cgroups)" unified
equals "kernel" "$(found .host.kernel)" "$(uname -r)"
equals "what misses its cost" "$(found '[.missing[] | select(.cost == "")] | length')" 0
