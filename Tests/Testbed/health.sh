# rule: a command that checks a feature runs as one of the feature's and leaves nothing behind, and
#   poise health follows a port that comes and goes
# profile: numa2
# limit: 120
# poise: installed
source "$(dirname "$0")/lib.sh"

# It tells who it is, leaves a process in a session of its own, and hangs where it is told to.
cat >/usr/local/bin/check-web <<'END'
#!/bin/sh
{ grep -E '^(Uid|CapBnd|CapEff|NoNewPrivs)' /proc/self/status; cat /proc/self/cgroup; } >"$HOME/who.new"
mv "$HOME/who.new" "$HOME/who"
(setsid sleep 4711 &)
[ -e "$HOME/hang" ] && sleep 4712
exit 0
END
chmod 755 /usr/local/bin/check-web
serve <<'END'
version: 1
name: health
reserve: { cores: 1 }
features:
  web:
    command: ["sh", "-c", "while :; do sleep 0.5; done"]
    cores: { performance: 1 }
    health:
      every: 3s
      within: 2s
      dependencies:
        db: { tcp: "127.0.0.1:5433" }
        self: { command: [/usr/local/bin/check-web] }
END
home=/var/lib/poise/web
# It exits with 1 while the feature is not ready.
is_told() {
    local said
    said=$(poise health web --json 2>&1 || true)
    [[ $said == *"$1"* ]]
}
left() { pgrep -f 'sleep 471[12]' || true; }
nothing_left() { [[ -z $(left) ]]; }

fails 1 poise health
eventually 60 is_told "connection refused"
socat TCP-LISTEN:5433,fork,reuseaddr /dev/null &
server=$!
eventually 60 poise health
kill $server
eventually 60 is_told "connection refused"

eventually 60 test -s $home/who
who=$(cat $home/who)
contains "who the check is" "$who" "CapBnd:	0000000000000000"
contains "who the check is" "$who" "CapEff:	0000000000000000"
contains "who the check is" "$who" "NoNewPrivs:	1"
contains "where the check is" "$who" "/poise-features.service/web"
equals "the user of the check" "$(awk '/^Uid/ {print $2}' <<<"$who")" \
    "$(awk '/^Uid/ {print $2}' "/proc/$(pid web)/status")"
eventually 60 nothing_left

before=$(pid web)
touch $home/hang
eventually 60 is_told "no answer within 2 s"
eventually 60 nothing_left
equals "the feature lives on" "$(pid web)" "$before"
poise feature stop web
eventually 60 nothing_left
poise health
