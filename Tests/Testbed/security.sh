# rule: systemd finds the exposure of the service OK or better
# profile: numa2
# limit: 60
# poise: installed
source "$(dirname "$0")/lib.sh"

for unit in poised poise-features; do
    said=$(systemd-analyze security --no-pager $unit.service | tail -n 1)
    echo "$said"
    grep -qE 'OK|SAFE|PERFECT' <<<"$said" || fail "$said"
done
