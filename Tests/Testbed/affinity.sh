# rule: by CPU masks alone, every thread of a feature may run on its allocated CPUs and no other
# profile: numa2
# limit: 120
source "$(dirname "$0")/lib.sh"

cat >"$folder/threads.py" <<'END'
import threading
for _ in range(4):
    threading.Thread(target=threading.Event().wait).start()
END
policy affinity <<END
version: 1
name: affinity
reserve: { cores: 0.5 }
features:
  big:
    command: ["python3", "$folder/threads.py"]
    priority: 80
    cores: { performance: 3 }
  small:
    command: ["sh", "-c", "sleep infinity & exec sleep infinity"]
    priority: 20
    cores: { performance: 1 }
END
daemon --backend affinity --policy "$policy"
threads() { ps -L -o lwp= --sid "$(pid "$1")"; }
held() { # FEATURE THREADS
    is_running "$1" && [[ $(threads "$1" | wc -l) -eq $2 ]] &&
        [[ $(threads_cpus "$1") == "$(allocated_cpus "$1")" ]]
}
eventually 30 held big 5
eventually 30 held small 2
equals "big's number of CPUs" "$(cpu_numbers "$(allocated_cpus big)" | wc -l)" 3
taskset -cp "$(pid big)" | grep -q ": $(allocated_cpus big)\$" || fail "$(taskset -cp "$(pid big)")"

# A thread that leaves is put back.
taskset -cp 0-7 "$(threads big | tail -n 1)" >/dev/null
eventually 10 held big 5
