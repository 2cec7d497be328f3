# rule: four nodes are seen as four, with their CPUs and distances
# profile: numa4
# limit: 60
source "$(dirname "$0")/lib.sh"

equals "nodes" "$(json '[.nodes[].pus] | join(" ")' poise topology)" "0-1 2-3 4-5 6-7"
equals "distances" "$(json '.distances | tostring' poise topology)" \
    "[[10,16,22,22],[16,10,22,22],[22,22,10,16],[22,22,16,10]]"
