# SPDX-License-Identifier: EUPL-1.2
# Runs the libFuzzer programs of tests/fuzz. Source it after shell.bash, with the preset fuzz built.

# fuzz_targets: their names, one a line.
fuzz_targets() {
        sed -n 's/^bc_fuzz_target(\([a-z_]*\)\b.*/\1/p' "$BC_ROOT/tests/fuzz/CMakeLists.txt"
}

# fuzz_run TARGET SECONDS FOLDER: from a copy of the target's corpus in FOLDER/corpus, where new files go as well; nothing is
# written into the tree. What it finds is in FOLDER/findings, its output in FOLDER/log. FOLDER/result is one line: pass
# or fail, the seconds it took, and in words how much was done or what was found; it is said aloud as well.
#
# SECONDS are wall time (libFuzzer counts nothing else): where no more run at once than there are processors, close to
# the processor's time, which is in the words.
fuzz_run() {
        local target=$1 seconds=$2 folder=$3 began=$SECONDS status=0 runs cpu words found file
        local outcome=fail place=()
        rm -rf "$folder"
        mkdir -p "$folder/corpus" "$folder/findings"
        find "$BC_ROOT/tests/fuzz/corpus/$target" -maxdepth 1 -type f -exec cp -t "$folder/corpus" {} +
        # As for the other sanitizers, see tools/test.
        ! setarch -R true 2>/dev/null || place=(setarch -R)
        # A target that hangs in one file is stopped by libFuzzer itself; the limit is for one that does so before.
        (
                TIMEFORMAT='%U %S'
                time "${place[@]}" timeout --kill-after=30 $((seconds + 180)) "$BC_ROOT/build/fuzz/tests/fuzz/fuzz_$target" \
                        -max_total_time="$seconds" -timeout=25 -rss_limit_mb=2048 -print_final_stats=1 \
                        -artifact_prefix="$folder/findings/" "$folder/corpus" > "$folder/log" 2>&1 </dev/null
        ) 2> "$folder/cpu" || status=$?
        cpu=$(awk 'NF == 2 { print int($1 + $2 + 0.5) }' "$folder/cpu")
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$folder/log")
        found=
        for file in "$folder"/findings/*; do
                [ ! -e "$file" ] || found="$found ${file#"$BC_ROOT/"}"
        done
        if [ -n "$found" ]; then
                words="found:$found; log: ${folder#"$BC_ROOT/"}/log"
        elif [ $status -ne 0 ]; then
                words="exit status $status, log: ${folder#"$BC_ROOT/"}/log"
        elif [ "${runs:-0}" -eq 0 ]; then
                words="it ran nothing, log: ${folder#"$BC_ROOT/"}/log"
        else
                outcome=pass words="$runs runs in $((SECONDS - began)) s, ${cpu:-?} s of a processor"
        fi
        printf '%s\t%s\t%s\n' "$outcome" $((SECONDS - began)) "$words" > "$folder/result"
        say "  fuzz_$target: $outcome, $words"
}

# fuzz_all SECONDS FOLDER TARGET...: as many at once as there are processors, each in FOLDER/TARGET.
fuzz_all() {
        local seconds=$1 folder=$2 target
        shift 2
        for target in "$@"; do
                while [ "$(jobs -pr | wc -l)" -ge "$(nproc)" ]; do
                        wait -n
                done
                fuzz_run "$target" "$seconds" "$folder/$target" &
        done
        wait
}
