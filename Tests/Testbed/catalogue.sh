# rule: whatever a bad plugin does, the others run on, whole and at their minimum, and poised
#   stays small and answers; the table of all of them is printed
# profile: numa2
# limit: 3600
# poise: installed
source "$(dirname "$0")/lib.sh"

# Time in here is not time: work is due less often than on a real machine, and all may take longer.
run() {
    /opt/poise/.build/debug/catalogue --service --plugins /opt/poise/.build/catalogue-c \
        --slowness 4 --period 20000 --work 20000 --before 4 --during 5 "$@"
}
run
# The harm comes from a feature with a core of its own, which another one gets.
run --layout lending segfault call_control
