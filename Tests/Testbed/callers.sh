# rule: the group poise may read and poise-admin change, others and features may do neither
# profile: numa2
# limit: 120
# poise: installed
source "$(dirname "$0")/lib.sh"

three | serve
# as GROUPS COMMAND…: as the user guest with those groups and no others.
as() {
    local groups=$1
    shift
    if [[ -n $groups ]]; then groups="--groups $groups"; else groups=--clear-groups; fi
    # shellcheck disable=SC2086  # two words
    setpriv --reuid guest --regid guest $groups env POISE_RUNTIME_DIR=/run/poise "$@"
}
fails 4 as '' poise status
contains "what it says" "$output" "group poise"
as poise poise status >/dev/null
fails 4 as poise poise feature stop small
contains "what it says" "$output" "group poise-admin"
as poise-admin poise feature restart small
eventually 20 all_run

# A process of a feature may not, whoever it is.
fails 4 poise run --policy-feature big -- env POISE_RUNTIME_DIR=/run/poise poise status
contains "what it says" "$output" "may not use the control socket"
# Hosts and commands have no rights and get none.
for feature in big streaming; do
    status=/proc/$(pid $feature)/status
    equals "CapEff of $feature" "$(awk '/^CapEff/ {print $2}' "$status")" 0000000000000000
    equals "CapBnd of $feature" "$(awk '/^CapBnd/ {print $2}' "$status")" 0000000000000000
    equals "NoNewPrivs of $feature" "$(awk '/^NoNewPrivs/ {print $2}' "$status")" 1
    equals "gid of $feature" "$(awk '/^Gid/ {print $2}' "$status")" "$(id -g poise-host)"
    equals "oom_score_adj of $feature" "$(cat "/proc/$(pid $feature)/oom_score_adj")" 0
done
# Each is a user of its own, so that none can end or read another.
uids=$(for feature in big streaming small; do
    awk '/^Uid/ {print $2}' "/proc/$(pid $feature)/status"
done | sort -u | wc -l)
equals "different users" "$uids" 3
before=$(pids)
poise feature restart small
eventually 20 all_run
big=$(pid big)
setpriv --reuid "$(awk '/^Uid/ {print $2}' "/proc/$(pid small)/status")" --clear-groups \
    sh -c "kill -9 $big; kill -9 -1" 2>/dev/null || true
sleep 1
equals "big lives on" "$(pid big)" "$big"

# Whoever may not read a file cannot have poised read it to them.
printf '{"method":"io.poise.PolicyApply","parameters":{"path":"/etc/shadow","dryRun":true}}\0' |
    timeout 5 setpriv --reuid guest --regid guest --groups poise nc -NU /run/poise/control.sock \
    >"$folder/answer" 2>/dev/null || true
! grep -q root: "$folder/answer" || fail "$(cat "$folder/answer")"
grep -q 'io.poise.BadParameters' "$folder/answer" || fail "no answer: $(cat "$folder/answer")"

equals "system-call filter of a host" "$(awk '/^Seccomp:/ {print $2}' "/proc/$(pid streaming)/status")" 2
setpriv --reuid poise-host --clear-groups cat /etc/poise/policy.yaml 2>/dev/null &&
    fail "a feature's user can read the policy"
true
