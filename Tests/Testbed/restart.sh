# rule: a SIGKILL of poised at any moment costs the features nothing, and the next poised writes
#       nothing
# profile: numa2
# limit: 900
# poise: installed
source "$(dirname "$0")/lib.sh"

three | serve
before=$(pids)
log=/run/poise/logs/big.log
for round in $(seq 1 "${ROUNDS:-20}"); do
    # At another moment of its life every time.
    sleep "0.0$((RANDOM % 10))"
    was=$(systemctl show -P MainPID poised)
    kill -KILL "$was" 2>/dev/null || continue
    is_new() { [[ $(systemctl show -P MainPID poised) != "$was" ]] && all_run; }
    eventually 20 is_new
    equals "processes after kill $round" "$(pids)" "$before"
    equals "kernel writes after kill $round" "$(writes)" 0
done
equals restarts "$(json '[.features[].restarts] | add' poise status)" 0
# Nothing that big printed is missing: its numbers follow each other.
eventually 10 sh -c "tail -n 1 $log | grep -q '[0-9]'"
grep -xE '[0-9]+' $log | awk 'NR > 1 && $1 != last + 1 {print "gap at " $1; exit 1} {last = $1}'
journalctl -u poised -o cat --no-pager | grep -oE 'go on as they are \([0-9]+ µs' |
    grep -oE '[0-9]+' | sort -n | awk '{a[NR] = $1} END {print "re-adoption: " NR " times, median " \
        a[int((NR + 1) / 2)] " µs, longest " a[NR] " µs (emulated)"}'
