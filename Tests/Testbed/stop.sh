# rule: after a stop and after uninstall, every cgroup attribute that is not ours is byte for byte
#       what it was
# profile: numa2
# limit: 200
# poise: installed
source "$(dirname "$0")/lib.sh"

# Counters and what systemd moves by itself are nobody's settings.
attributes() {
    (cd /sys/fs/cgroup && find . -path ./poise.slice -prune -o -type f -print | sort |
        grep -vE '\.(stat|current|peak|events|events\.local|pressure|numa_stat|reclaim|kill)$' |
        grep -vE 'cgroup\.(procs|threads|stat|events)$|io\.(stat|cost)|memory\.(stat|swap\.events)|misc' |
        while read -r file; do printf '%s\t' "$file"; { cat "$file" 2>/dev/null || true; } | tr '\n' ' '; echo; done)
}
systemctl start poise.slice
attributes >"$folder/before"
three | serve
systemctl stop poised.socket poised
eventually 20 test ! -d $root
# systemd takes the controllers back a moment after the last unit that had them.
same() {
    attributes >"$folder/after"
    diff "$folder/before" "$folder/after"
}
eventually 20 same
! pgrep -G poise-host || fail "processes of features are left"

# And after uninstall.
three | serve
(cd /opt/poise && scripts/uninstall --prefix /usr >/dev/null)
eventually 20 test ! -d $root
eventually 20 same
! pgrep -G poise-host || fail "processes of features are left"
