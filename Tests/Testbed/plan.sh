# rule: the shipped policies have a plan for this machine, and the same plan every time
# profile: numa2
# limit: 120
source "$(dirname "$0")/lib.sh"

for name in default batch-overnight laptop-battery latency-first; do
    file=/usr/share/poise/Policies/$name.yaml
    poise policy check "$file"
    # Exit code 1 says that a wish is unmet.
    plan() { poise plan --policy "$file" --json | jq 'del(.solveMicroseconds)' || (($? == 1)); }
    first=$(plan)
    equals "policy" "$(jq -r .policy <<<"$first")" "$name"
    equals "the second plan of $name" "$(plan)" "$first"
    overlap=$(jq -r '[.features[].exclusive | select(. != "")] | join(",")' <<<"$first")
    [[ -z $(cpu_numbers "$overlap" | sort | uniq -d) ]] || fail "two own a CPU: $overlap"
done
