# rule: the doctor finds systemd and cgroup v2 here, and says of each missing thing what it costs
# profile: numa2
# limit: 60
source "$(dirname "$0")/lib.sh"

said=$(poise doctor)
contains "doctor" "$said" "systemd       yes"
equals "hasSystemd" "$(json .host.hasSystemd poise doctor)" true
equals "cgroups" "$(json .host.cgroups poise doctor)" unified
equals "kernel" "$(json .host.kernel poise doctor)" "$(uname -r)"
equals "what misses its cost" "$(json '[.missing[] | select(.cost == "")] | length' poise doctor)" 0
