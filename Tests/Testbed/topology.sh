# rule: the machine is seen as it is: 8 CPUs, 2 nodes with 4 each, and the distance between them
# profile: numa2
# limit: 60
source "$(dirname "$0")/lib.sh"

equals "CPUs" "$(json .pus poise topology)" 8
equals "nodes" "$(json '[.nodes[].pus] | join(" ")' poise topology)" "0-3 4-7"
equals "isThisSystem" "$(json .isThisSystem poise topology)" true
equals "the text's nodes" "$(poise topology | grep -o 'node [0-9]' | sort -u | wc -l)" 2
equals "distances" "$(json '.distances | tostring' poise topology)" "[[10,21],[21,10]]"
