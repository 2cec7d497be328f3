# rule: whatever a bad plugin does, the others run on, whole and at their minimum, and poised
#   stays small and answers; a table of what each came to is printed
# profile: numa2
# limit: 3600
# poise: installed
source "$(dirname "$0")/lib.sh"

# Time in here is not time: work is due less often than on a real machine, and all may take longer.
run() {
    /opt/poise/.build/debug/catalogue --service --plugins /opt/poise/.build/catalogue-c \
        --slowness 4 --period 20000 --work 20000 --before 4 --during 5 "$@"
}
# One of each kind; all of them take a quarter of an hour: POISE_THOROUGH=1 scripts/testbed suite.
some=(segfault allocation_bomb fork_bomb thread_bomb hang_in_apply print_terabyte
    garbage_on_socket escape_affinity leave_cgroup call_control
    scribble_sending scribble_receiving)
if [[ ${POISE_THOROUGH:-} ]]; then some=(); fi
run "${some[@]}"
