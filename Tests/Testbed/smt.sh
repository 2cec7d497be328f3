# rule: two threads of a core are one core
# profile: smt
# limit: 60
source "$(dirname "$0")/lib.sh"

equals "CPUs" "$(json .pus poise topology)" 8
equals "cores" "$(json '[.cores[].pus] | join(" ")' poise topology)" "0-1 2-3 4-5 6-7"
equals "smt" "$(json .smt poise topology)" true
