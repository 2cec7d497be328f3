# rule: what scripts/install put down is enough: programs, unit and policy work without the checkout
# profile: numa2
# limit: 90
source "$(dirname "$0")/lib.sh"

cd /
umount /opt/poise
poise --version
poised --version
poise policy check /etc/poise/policy.yaml
equals "complaints about the unit" "$(systemd-analyze verify --man=no poised.service 2>&1)" ""
# The Swift runtime came along: nothing is taken from a toolchain.
libraries=$(ldd /usr/lib/poise/bin/{poise,poised,poise-host})
if grep -E 'not found|/opt/' <<<"$libraries"; then fail "libraries of elsewhere"; fi
# As anybody.
runuser -u guest -- poise topology >/dev/null
