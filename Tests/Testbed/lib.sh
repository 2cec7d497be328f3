# What guest tests share. A test begins with: source "$(dirname "$0")/lib.sh"
# It ends at the first command that fails, and says which.
# shellcheck shell=bash
set -euo pipefail
trap 'echo "${BASH_SOURCE[0]##*/}:$LINENO: exit code $?: $BASH_COMMAND" >&2' ERR
set -o errtrace
folder=$(mktemp -d /tmp/test.XXXXXX)
# Features of a poised that is root run as another user.
chmod 755 "$folder"
# Where a test's own poised listens; the commands of poise find it there (see `daemon`).
unset POISE_RUNTIME_DIR

# Ends the test with a reason.
fail() {
    trap - ERR
    echo "FAILED: $*" >&2
    exit 1
}

# equals WHAT ACTUAL EXPECTED
equals() {
    [[ $2 == "$3" ]] || fail "$1 is '$2', not '$3'"
}

# contains WHAT TEXT PART
contains() {
    [[ $2 == *"$3"* ]] || fail "$1 does not have '$3': $2"
}

# fails [CODE] COMMAND…: the command must not succeed (and must end with that code). What it
# prints is left in $output.
fails() {
    local wanted='' code=0
    if [[ $1 =~ ^[0-9]+$ ]]; then
        wanted=$1
        shift
    fi
    output=$("$@" 2>&1) || code=$?
    ((code != 0)) || fail "this should have failed: $*: $output"
    [[ -z $wanted ]] || equals "the exit code of $*" "$code" "$wanted"
}

# eventually SECONDS COMMAND…: the command succeeds within so many seconds.
eventually() {
    local seconds=$1 end=$((SECONDS + $1)) said=''
    shift
    until said=$("$@" 2>&1); do
        ((SECONDS < end)) || fail "not within $seconds s: $*: $said"
        sleep 0.1
    done
}

# json FILTER COMMAND…: what jq finds in the JSON that a command prints.
json() {
    local filter=$1
    shift
    "$@" --json | jq -r "$filter"
}

# policy NAME: writes the policy on standard input to a file, checks it, and leaves its path in
# $policy.
policy() {
    policy=$folder/$1.yaml
    cat >"$policy"
    poise policy check "$policy" >/dev/null || poise policy check "$policy"
}

# daemon ARGUMENT…: starts a poised of the test's own in the foreground, beside systemd, and waits
# until it answers. Its pid is in $daemon, what it says in $folder/log.
daemon() {
    export POISE_RUNTIME_DIR=$folder/run
    poised --runtime-dir "$POISE_RUNTIME_DIR" --state-dir "$folder/state" "$@" \
        >"$folder/log" 2>&1 &
    daemon=$!
    trap 'stop_daemon; (($? == 0)) || cat "$folder/log"' EXIT
    eventually 30 poise status
}

# Ends the test's own poised in order.
stop_daemon() {
    local code=$?
    [[ -n ${daemon:-} ]] || return "$code"
    kill -TERM "$daemon" 2>/dev/null || true
    wait "$daemon" || true
    daemon=
    return "$code"
}

# The state of a feature (running, …), and its main process.
state() { json ".features[] | select(.feature == \"$1\") | .state" poise status; }
pid() { json ".features[] | select(.feature == \"$1\") | .pid" poise status; }
is_running() { [[ $(state "$1") == running ]]; }

# The CPUs that the plan in force gives a feature, as a list like 0-3,8.
allocated_cpus() { json ".features[] | select(.feature == \"$1\") | .cpus" poise allocations; }

# Every process of a session: a feature is a session of its own.
processes() { ps -o pid= --sid "$1"; }

# The CPU masks of all threads of a feature's processes, each once.
threads_cpus() {
    local process
    for process in $(processes "$(pid "$1")"); do
        cat /proc/"$process"/task/*/status 2>/dev/null || true
    done | awk '/^Cpus_allowed_list/ {print $2}' | sort -u
}

# within SET LIST: every CPU of the list is in the set; both like 0-3,8.
within() {
    [[ -z $(comm -23 <(cpu_numbers "$2" | sort -u) <(cpu_numbers "$1" | sort -u)) ]]
}

# The numbers of a list like 0-3,8, one a line.
cpu_numbers() {
    local part
    for part in ${1//,/ }; do seq "${part%-*}" "${part#*-}"; done
}

# three: a command on cores of its own, a plugin, and a command on shared time.
three() {
    cat <<'END'
version: 1
name: three
reserve: { cores: 1, memory: 128MiB }
features:
  big:
    command: ["sh", "-c", "i=0; while :; do echo $i; i=$((i+1)); sleep 0.05; done"]
    priority: 80
    cores: { performance: { min: 2, want: 3 } }
    memory: { min: 16MiB, want: 32MiB, max: 128MiB, locality: strict, swap: 0 }
    io: { weight: 300, max: { /dev/vda: { write: 8MiB } } }
    pids: { max: 64 }
    hugetlb: { 2MiB: 4MiB }
  streaming:
    plugin: streaming
    priority: 60
    cores: { performance: { min: 1, want: 2 } }
    config: { source: { kind: system } }
  small:
    command: ["sleep", "infinity"]
    priority: 10
    cores: { performance: 0.5, sharing: shared }
    borrow: false
END
}

# Starts the service with the policy on standard input and waits until all of it runs.
serve() {
    cat >/etc/poise/policy.yaml
    systemctl start poised
    eventually 30 all_run
}
all_run() {
    [[ $(json '[.features[].state] | unique | join(" ")' poise status) == running ]]
}

# The cgroup of all features.
root=/sys/fs/cgroup/poise.slice/poise-features.service
# The processes of all features.
pids() { json '[.features[] | "\(.feature)=\(.pid)"] | join(" ")' poise status; }
# control FEATURE FILE: what a control file of a feature has in it.
control() { cat "$root/$1/$2"; }
# said TEXT: poised has said so in the journal.
said() { journalctl -u poised -o cat --no-pager | grep -q -- "$1"; }
# Kernel writes of poised so far.
writes() { json .kernelWrites poise status; }
