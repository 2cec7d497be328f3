# rule: with a policy that has mistakes poised does not start, and whoever asks is told why, once
# profile: numa2
# limit: 90
# poise: installed
source "$(dirname "$0")/lib.sh"

three >/etc/poise/policy.yaml
sed -i 's/priority: 80/priority: 1000/' /etc/poise/policy.yaml
fails systemctl start poised
systemctl reset-failed poised
systemctl start poised.socket
fails timeout 25 poise status
contains "the answer" "$output" "/etc/poise/policy.yaml:"
contains "the answer" "$output" "priority"
sleep 2
starts=$(journalctl -u poised -o cat | grep -c "Starting poised" || true)
((starts <= 3)) || fail "it was started $starts times for one question"
three >/etc/poise/policy.yaml
systemctl restart poised.socket poised
eventually 20 all_run
