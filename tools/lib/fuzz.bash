# SPDX-License-Identifier: EUPL-1.2
# Runs the libFuzzer programs of tests/fuzz. Source it after shell.bash, with the preset fuzz built.

# fuzz_targets: their names, one a line.
fuzz_targets() {
        sed -n 's/^bc_fuzz_target(\([a-z_]*\)\b.*/\1/p' "$BC_ROOT/tests/fuzz/CMakeLists.txt"
}

# fuzz_cpu PID: the seconds of a processor that this process has had, or nothing when it has ended.
fuzz_cpu() {
        local stat fields
        stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
        read -ra fields <<< "${stat##*) }"
        [ "${fields[0]}" = Z ] || echo $(((fields[11] + fields[12]) / $(getconf CLK_TCK)))
}

# fuzz_run TARGET SECONDS FOLDER: from a copy of the target's corpus in FOLDER/corpus, where new files go as well; nothing is
# written into the tree. What it finds is in FOLDER/findings, its output in FOLDER/log. FOLDER/result is one line: pass
# or fail, the seconds it took, and in words how much was done or what was found; it is said aloud as well.
#
# SECONDS are a processor's: a busy machine takes longer and does as much. libFuzzer counts nothing but wall time, and ends
# well on SIGUSR1. One that hangs in a file is stopped by libFuzzer itself; the limit of ten times as long, which fails, is
# for one that does so before.
fuzz_run() {
        local target=$1 seconds=$2 folder=$3 began=$SECONDS status=0 cpu=0 now pid runs words found file
        local outcome=fail place=()
        rm -rf "$folder"
        mkdir -p "$folder/corpus" "$folder/findings"
        find "$BC_ROOT/tests/fuzz/corpus/$target" -maxdepth 1 -type f -exec cp -t "$folder/corpus" {} +
        # As for the other sanitizers, see tools/test. It becomes the target: no process of its own.
        ! setarch -R true 2>/dev/null || place=(setarch -R)
        "${place[@]}" "$BC_ROOT/build/fuzz/tests/fuzz/fuzz_$target" -timeout=25 -rss_limit_mb=2048 -print_final_stats=1 \
                -artifact_prefix="$folder/findings/" "$folder/corpus" > "$folder/log" 2>&1 </dev/null &
        pid=$!
        while now=$(fuzz_cpu $pid) && [ -n "$now" ]; do
                cpu=$now
                [ "$cpu" -lt "$seconds" ] || kill -USR1 $pid
                [ $((SECONDS - began)) -lt $((10 * seconds + 180)) ] || kill -KILL $pid
                sleep 1
        done 2>/dev/null # it may end between two of these
        wait $pid || status=$?
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
                outcome=pass words="$runs runs in $((SECONDS - began)) s, $cpu s of a processor"
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
