# rule: poise run puts a command with all its children into a feature's budget
# profile: numa2
# limit: 120
# poise: installed
source "$(dirname "$0")/lib.sh"

three | serve
equals "its CPUs" "$(poise run --policy-feature big -- sh -c \
    "awk '/^Cpus_allowed_list/ {print \$2}' /proc/self/status")" "$(allocated_cpus big)"
equals "its cgroup" "$(poise run --policy-feature big -- cat /proc/self/cgroup | tail -n 1)" \
    "0::/poise.slice/poise-features.service/big"
code=0
poise run --policy-feature big -- sh -c 'exit 42' || code=$?
equals "the exit code" $code 42
fails 1 poise run --policy-feature nobody -- true
fails 127 poise run --policy-feature big -- /no/such/program
poise feature stop small
eventually 10 sh -c '[ "$(poise status --json | jq -r ".features[] | select(.feature == \"small\").state")" = stopped ]'
fails 1 poise run --policy-feature small -- true
