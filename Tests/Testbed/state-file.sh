# rule: a corrupt, missing, old or foreign state file never keeps poised from starting, and it says
#       what it found
# profile: numa2
# limit: 150
# poise: installed
source "$(dirname "$0")/lib.sh"

three | serve
was=$(pids)
restart() { systemctl kill -s KILL poised && sleep 0.2 && eventually 20 all_run; }
sed 's/generation/generatioN/' -i /run/poise/state
restart
said "its checksum is wrong" || fail "$(journalctl -u poised -o cat | tail)"
equals processes "$(pids)" "$was"
rm /run/poise/state
restart
said "is not in the state; what it is held to is read" || fail "missing state is not told"
equals processes "$(pids)" "$was"
echo "poise-state 0 of long ago" >/run/poise/state
restart
said "it is of another version" || fail "an old state is not told"
head -c 100000 /dev/urandom >/run/poise/state
restart
equals processes "$(pids)" "$was"
# Another boot's, with numbers of processes that are others' now.
systemctl kill -s STOP poised
sed "s/$(cat /proc/sys/kernel/random/boot_id)/00000000-0000-0000-0000-000000000000/" /run/poise/state \
    >"$folder/state"
cp "$folder/state" /run/poise/state
restart
equals processes "$(pids)" "$was"
# A feature that died in between is started again.
systemctl kill -s STOP poised
pkill -KILL -G poise-host -f 'feature streaming'
systemctl kill -s KILL poised
eventually 30 all_run
said "ended while no poised was there" || fail "the death of streaming is not told"
