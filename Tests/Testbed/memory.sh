# rule: who is over its memory budget is slowed down, reclaimed from, asked, and stopped, in this
#   order and alone; memory on nodes of others is noticed within two seconds
# profile: numa2
# limit: 420
# poise: installed
source "$(dirname "$0")/lib.sh"

# Takes memory a MiB at a time, up to what it is told.
cat >/srv/eat.py <<'END'
import sys, time
kept = []
for _ in range(int(sys.argv[1])):
    kept.append(bytearray(b"x" * (1 << 20)))
time.sleep(100000)
END
# The same with memory of the node that is not its own.
cat >/srv/far.py <<'END'
import os, time
node = 1 if max(os.sched_getaffinity(0)) < 4 else 0
while not os.path.exists("/srv/go"): time.sleep(0.2)
os.execvp("numactl", ["numactl", f"--membind={node}", "python3", "/srv/eat.py", "100"])
END
serve <<'END'
version: 1
name: memory
reserve: { cores: 1, memory: 256MiB }
features:
  cache:
    command: ["sh", "-c", "while :; do cat /usr/lib/x86_64-linux-gnu/*.so* >/dev/null; sleep 0.2; done"]
    cores: { performance: 1 }
    memory: { min: 0, want: 16MiB, max: 32MiB, swap: 0 }
  far:
    command: ["python3", "/srv/far.py"]
    cores: { performance: 1 }
    memory: { min: 0, want: 64MiB, max: 256MiB, swap: 0 }
  hog:
    command: ["sh", "-c", "until [ -e /srv/go ]; do sleep 1; done; exec python3 /srv/eat.py 1000"]
    restart: temporary
    cores: { performance: 1 }
    memory: { min: 0, want: 64MiB, max: 192MiB, swap: 0 }
  neighbour:
    command: ["python3", "/srv/eat.py", "40"]
    cores: { performance: 1 }
    memory: { min: 0, want: 32MiB, max: 64MiB, swap: 0 }
END
# What is over its maximum ends as a whole.
equals memory.oom.group "$(control hog memory.oom.group)" 1
neighbour=$(pid neighbour)
cache=$(pid cache)

memory_events() {
    poise events --feature "$1" --json | jq -r '.events[]? // . | select(.kind == "memory") | .text'
}
# Of far's memory, what is not on the node of its CPUs.
other=1
within 0-3 "$(allocated_cpus far)" || other=0
elsewhere() {
    awk -v node="N$other=" '/^anon / {for (i = 2; i <= NF; i++) if (index($i, node) == 1) print substr($i, 4)}' \
        "$root/far/memory.numa_stat"
}
touch /srv/go
until (($(elsewhere) > 68 << 20)); do sleep 0.05; done
seen=$(date +%s.%N)
told() { memory_events far | grep -q "nodes that are not its own"; }
eventually 30 told
at=$(poise events --feature far --json |
    jq -r '.events[]? // . | select(.kind == "memory") | .time' | head -1)
late=$(python3 -c "print(round($at - $seen, 2))")
echo "memory on another node was told $late s after it was there"
python3 -c "import sys; sys.exit(not $late <= 2)" || fail "told only after $late s"

# The hog: order of events, by what was said of it.
is_over() { [[ $(state hog) != running && $(state hog) != starting ]]; }
eventually 240 is_over
texts=$(memory_events hog)
echo "$texts"
mapfile -t lines <<<"$texts"
contains "first" "${lines[0]}" "is slowed down; the kernel is told to take memory back"
contains "second" "${lines[1]}" "it is no plugin that could be asked to shrink"
poise events --feature hog
contains "its end" "$(json '.features[] | select(.feature == "hog") | .lastProblem' poise status)" "memory"

# Nobody else was touched: same processes, none killed by the kernel.
equals "neighbour's process" "$(pid neighbour)" "$neighbour"
equals "cache's process" "$(pid cache)" "$cache"
for feature in neighbour cache far; do
    equals "kills of $feature" "$(awk '/^oom_kill / {print $2}' "$root/$feature/memory.events")" 0
    equals "restarts of $feature" "$(json ".features[] | select(.feature == \"$feature\") | .restarts" poise status)" 0
done
# A cache that fills up to its limit is nothing to stop anybody for.
memory_events cache

# How long the daemon is held up by one piece of reclaiming.
echo "reclaim of 16 MiB from neighbour: $(
    python3 - <<'END'
import time
file = "/sys/fs/cgroup/poise.slice/poise-features.service/neighbour/memory.reclaim"
for size in (1 << 20, 16 << 20):
    start = time.monotonic()
    try:
        open(file, "w").write(str(size))
        done = "done"
    except OSError as error:
        done = str(error)
    print(size >> 20, "MiB:", round((time.monotonic() - start) * 1000, 2), "ms", done, end="; ")
END
)"
