# rule: what somebody else writes into a feature's cgroup is put back within a second and told
# profile: numa2
# limit: 120
# poise: installed
source "$(dirname "$0")/lib.sh"

three | serve
right=$(control big cpuset.cpus)
echo 0-7 >$root/big/cpuset.cpus
echo 7 >$root/big/cpu.weight
is_back() { [[ $(control big cpuset.cpus) == "$right" && $(control big cpu.weight) == 100 ]]; }
eventually 3 is_back
eventually 3 said "drift: somebody wrote 0-7 to cpuset.cpus"
equals drifted "$(json '.features[] | select(.feature == "big") | .drifted > 0' poise status)" true
