# rule: a SIGKILL of poised stops no message between features and loses none, and the next poised
#       has the same links
# profile: numa2
# limit: 900
# poise: installed
source "$(dirname "$0")/lib.sh"

cp /opt/poise/.build/test-plugins/libbus_*.so "$(dirname "$(find /usr -name libstreaming.so | head -1)")"
# Long enough to see what goes on while there is none.
mkdir -p /run/systemd/system/poised.service.d
printf '[Service]\nRestartSec=5\n' >/run/systemd/system/poised.service.d/late.conf
systemctl daemon-reload
serve <<'END'
version: 1
name: talk
reserve: { cores: 1, memory: 128MiB }
features:
  talker:
    plugin: bus_talker
    cores: { performance: 1 }
  listener:
    plugin: bus_listener
    cores: { performance: 1 }
bus:
  routes:
    counting: { topics: [numbers], from: [talker], to: [listener], ring: 64KiB }
END
file=/var/lib/poise/listener/seen
seen() { echo $(($(stat -c %s "$file" 2>/dev/null || echo 0) / 8)); }
more() { (($(seen) >= $1)); }
links() { json '[.routes[].links[] | "\(.link) \(.incarnation)"] | join(" ")' poise bus routes; }
eventually 60 more 50
equals links "$(links)" "counting:talker>listener 1"
before=$(pids)
for round in 1 2 3; do
    was=$(systemctl show -P MainPID poised)
    kill -KILL "$was"
    is_away() { [[ $(systemctl show -P MainPID poised) == 0 ]]; }
    eventually 20 is_away
    count=$(seen)
    eventually 60 more $((count + 20))
    is_away || echo "round $round: poised was back before 20 messages had passed"
    is_new() { ! is_away && all_run; }
    eventually 30 is_new
    equals "processes after kill $round" "$(pids)" "$before"
    equals "links after kill $round" "$(links)" "counting:talker>listener 1"
    said "1 links of the bus go on as they are"
done
poise bus top --once
count=$(seen)
poise bus trace numbers --count 3 --payload
eventually 60 more $((count + 20))
# A killed receiver goes on where it was.
kill -KILL "$(pid listener)"
eventually 30 all_run
count=$(seen)
eventually 60 more $((count + 20))
poise feature stop talker >/dev/null
sent() { python3 -c 'import sys; print(int.from_bytes(open(sys.argv[1], "rb").read(), "little"))' \
    /var/lib/poise/talker/sent; }
eventually 60 sent
# What was written down when the receiver was killed, and not committed, may be there twice.
python3 - "$file" "$(sent)" <<'END'
import struct, sys, time
sent = int(sys.argv[2])
for attempt in range(600):
    seen = [n for (n,) in struct.iter_unpack("<Q", open(sys.argv[1], "rb").read())]
    if len(set(seen)) >= sent:
        break
    time.sleep(0.1)
assert set(seen) == set(range(sent)), f"{sent} sent, {len(set(seen))} seen"
assert len(seen) <= sent + 1, f"{len(seen) - sent} came twice"
print(f"{sent} messages over 3 kills of poised and 1 of the receiver: 0 lost")
END
