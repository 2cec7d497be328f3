# rule: performance and efficiency cores are told apart, on a machine that may be enforced on
# profile: hybrid
# limit: 60
source "$(dirname "$0")/lib.sh"

equals "isThisSystem" "$(json .isThisSystem poise topology)" true
equals "classes" "$(json '[.classes[] | .class + " " + .pus] | join("; ")' poise topology)" \
    "performance 0-1,4-5; efficiency 2-3,6-7"
# Services are told the same as the command line.
contains "poised's environment" "$(systemctl show -p Environment poised)" "HWLOC_THISSYSTEM=1"
