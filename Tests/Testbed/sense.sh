# rule: the kernel's pressure triggers end the quiet: the loaded feature is looked at at once, gets
#   more cores, and without load looks are seldom again
# profile: numa2
# limit: 300
# poise: installed
source "$(dirname "$0")/lib.sh"

# Features of the service have a /tmp of their own.
go=/srv/go
mkfifo -m 666 "$go"
serve <<END
version: 1
name: sense
reserve: { cores: 1 }
features:
  burst:
    command:
      - sh
      - -c
      - |
        exec 3<$go
        read x <&3
        for i in 1 2 3 4; do (while :; do :; done) & p="\$p \$!"; done
        read x <&3
        kill \$p
        sleep infinity
    priority: 80
    cores: { performance: { min: 1, want: 1, max: 3 } }
  quiet:
    command: ["sleep", "infinity"]
    cores: { performance: { min: 1, want: 1, max: 3 } }
END
# Whoever opens it for writing must stay, or the feature reads the end.
exec 9>"$go"

sensing() { json ".sensing.$1" poise status; }
load() { json ".features[] | select(.feature == \"$1\") | .load.$2" poise status; }
is_idle() { [[ $(sensing cadence) == idle ]]; }
is_active() { [[ $(sensing cadence) == active ]]; }

# Two triggers for each feature and one for the machine, with the smallest window.
equals "who wakes it" "$(sensing woken)" "by the kernel"
[[ $(sensing windowMilliseconds) -le 500 ]] || fail "window: $(sensing windowMilliseconds) ms"
equals triggers "$(sensing triggers)" 5
eventually 120 is_idle
# It is idle from the start, before anything has been read twice.
is_read() { [[ $(load burst usedMillicores) =~ ^[0-9]+$ && $(load burst remoteBytes) =~ ^[0-9]+$ ]]; }
eventually 60 is_read
[[ $(load burst usedMillicores) -le 20 ]] || fail "burst is not quiet: $(load burst usedMillicores)"
[[ $(load burst memoryBytes) -gt 0 ]] || fail "no memory: $(load burst memoryBytes)"
# All of its memory is on its node, or some is not: it is known which.
[[ $(load burst remoteBytes) =~ ^[0-9]+$ ]] || fail "remoteBytes: $(load burst remoteBytes)"

before=$(sensing signs)
strace -f -y -e trace=epoll_wait,pread64 -o "$folder/trace" -p "$(pidof poised)" 2>/dev/null &
tracer=$!
eventually 30 grep -q epoll_wait "$folder/trace"
echo go >&9
eventually 120 is_active
sleep 2
kill $tracer
wait $tracer || true

# The kernel told of burst, and its counters were read before the loop waited twice more.
cat >"$folder/follows.awk" <<'END'
/EPOLLPRI/ { open = 3 }
/epoll_wait/ { open-- }
open > 0 && /burst\/cpu.stat/ { found = 1 }
END { exit !found }
END
grep -q EPOLLPRI "$folder/trace" || fail "no trigger has fired"
awk -f "$folder/follows.awk" "$folder/trace" || {
    grep -A20 EPOLLPRI "$folder/trace" | head -40 >&2
    fail "no look followed the trigger"
}
[[ $(sensing signs) -gt $before ]] || fail "signs stay at $before"
[[ $(load burst usedMillicores) -gt 200 ]] || fail "burst uses $(load burst usedMillicores)"
equals "what quiet waits" "$(load quiet cpuPressurePerMille)" 0

# It gets more than its one core, and how long that took is known.
is_served() { [[ $(json .reaction.pressure.count poise status) -ge 1 ]]; }
eventually 60 is_served
poise status
poise events | grep burst | tail -5

echo stop >&9
eventually 120 is_idle
