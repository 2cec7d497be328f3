# rule: every suite of Swift tests with Kernel in its name runs on this kernel and passes
# profile: numa2
# limit: 600
source "$(dirname "$0")/lib.sh"

# Tests look for files where they were compiled.
checkout=/opt/poise
compiled_at=$(<$checkout/.build/compiled-at)
if [[ $compiled_at != "$checkout" ]]; then
    mkdir -p "$(dirname "$compiled_at")"
    ln -sfn $checkout "$compiled_at"
fi
# Counted in the sources, so that a suite which is there but does not run is a failure.
mapfile -t files < <(grep -rl --include='*.swift' '@Test' $checkout/Tests)
types='^(@Suite.* )?(final )?(struct|class|actor) \w*Kernel\w*'
declared=$({ grep -hE "$types" "${files[@]}" || true; } | wc -l)
if ((declared == 0)); then
    echo "this checkout has no Kernel suites"
    exit 0
fi
# One after the other: some take CPUs away from all.
export POISE_TESTBED=1
cd /tmp
$checkout/.build/debug/poisePackageTests.xctest --testing-library swift-testing \
    --no-parallel --filter '\.\w*Kernel\w*/' 2>&1 | tee "$folder/said"
passed=$(grep -c ' Suite .* passed after ' "$folder/said" || true)
equals "suites that passed" "$passed" "$declared"
if grep ' Suite .* skipped' "$folder/said"; then fail "a suite skipped itself"; fi
