# rule: while features burn all CPUs and all of their memory, the machine enters emergency by itself
#   and stays reachable: services outside of Poise and poise itself answer
# profile: numa2
# limit: 420
# poise: installed
source "$(dirname "$0")/lib.sh"

# A service that is none of Poise's, as sshd would be: it answers whoever connects, each time by a
# new process.
cat >/run/answer.py <<'END'
import os, socketserver
class Answer(socketserver.StreamRequestHandler):
    def handle(self): self.wfile.write(self.rfile.readline())
class Server(socketserver.ForkingTCPServer): allow_reuse_address = True
Server(("127.0.0.1", 7022), Answer).serve_forever()
END
systemd-run --quiet --unit answer python3 /run/answer.py
ask() { echo hello | timeout 60 socat -t 60 - TCP:127.0.0.1:7022 | grep -q hello; }
eventually 60 ask

# milliseconds COMMAND…: how long it took by this machine's clock.
milliseconds() {
    local start end
    start=$(date +%s%3N)
    "$@" >/dev/null
    end=$(date +%s%3N)
    echo $((end - start))
}
# slowest COMMAND…: the longest of five.
slowest() { for _ in 1 2 3 4 5; do milliseconds "$@"; done | sort -n | tail -1; }

serve <<'END'
version: 1
name: emergency
reserve: { cores: 1, memory: 256MiB }
levels:
  reduced: { cpuPressure: 40%, memoryPressure: 40% }
  emergency: { cpuPressure: 60%, memoryPressure: 60% }
features:
  stays:
    command: ["sh", "-c", "until [ -e /srv/go ]; do sleep 1; done; for i in $(seq 40); do (while :; do :; done) & done; wait"]
    level: emergency
    priority: 80
    cores: { performance: { min: 4, want: 4 } }
  hungry:
    command: ["sh", "-c", "until [ -e /srv/go ]; do sleep 1; done; exec tail -c 60000000 /dev/zero"]
    level: emergency
    cores: { performance: 1 }
    memory: { min: 0, want: 16MiB, max: 48MiB, swap: 0 }
  idle:
    plugin: streaming
    level: reduced
    cores: { performance: { min: 1, want: 1 } }
    config: { source: { kind: system } }
  nice:
    command: ["sh", "-c", "while :; do :; done"]
    cores: { performance: { min: 1, want: 1 } }
END
level() { json .level poise status; }
is_emergency() { [[ $(level) == emergency ]]; }
is_full() { [[ $(level) == full ]]; }
eventually 90 is_full
quiet_status=$(slowest poise status)
quiet_answer=$(slowest ask)

touch /srv/go
eventually 180 is_emergency
has_stopped() { [[ $(state nice) == waiting && $(state idle) == waiting ]]; }
eventually 60 has_stopped
equals "what must stay" "$(state stays)" running

# The load goes on: all CPUs of the features are wanted by ten times as many threads.
busy=$(json .triggers poise level)
contains triggers "$busy" cpuPressure
status=$(slowest poise status)
answer=$(slowest ask)
echo "in ms, of five: poise status $quiet_status, in emergency $status; outside $quiet_answer, in emergency $answer"
((status <= 10000)) || fail "poise status took $status ms"
((answer <= 10000)) || fail "a service outside took $answer ms"
poise level
poise status

said "→ emergency: "
contains "why nice does not run" "$(poise explain nice | tr '\n' ' ' | tr -s ' ')" \
    "the machine is at the service level emergency, and it runs at full only"
fails 1 poise why-not nice running
contains "the way out" "$(tr '\n' ' ' <<<"$output" | tr -s ' ')" "poise level full"
equals "restarts of what was stopped" \
    "$(json '[.features[] | select(.feature == "nice" or .feature == "idle") | .restarts] | add' poise status)" 0

# By hand everything comes back, whatever the load.
poise level full
eventually 120 is_running nice
eventually 120 is_running idle
poise events --kind level
poise level auto
