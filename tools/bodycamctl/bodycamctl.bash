# SPDX-License-Identifier: EUPL-1.2
# Completion of bodycamctl for bash: commands, their words, options, names of recordings and of signals. Needs nothing but
# bash. What must be asked is asked of bodycamctl, with the options that stand on the line; without a daemon it is nothing.

_bodycamctl_ask()
{
    timeout 2 "${program[@]}" "$@" 2>/dev/null </dev/null
}

_bodycamctl()
{
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
    local commands='status watch list show ledger nonce record emergency mark mute stealth indicate policy sensors simulate'
    local globals='--json --bus --timeout --help --version'
    local -a program=("${COMP_WORDS[0]}") words=() store=()
    local i word choice=

    # Sorts the words in front of the cursor: options and their values, and the rest.
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case $word in
        --bus | --timeout) program+=("$word" "${COMP_WORDS[++i]}") ;;
        --store) store=("$word" "${COMP_WORDS[++i]/#\~/$HOME}") ;;
        --last) ((++i)) ;;
        --*) ;;
        *) words+=("$word") ;;
        esac
    done

    COMPREPLY=()
    case $previous in
    --bus) choice='session system' ;;
    --timeout | --last) return ;;
    --store)
        mapfile -t COMPREPLY < <(compgen -d -- "$current")
        compopt -o filenames 2>/dev/null
        return ;;
    *)
        case "${words[*]}" in
        '') choice="$commands"; [[ $current == -* ]] && choice=$globals ;;
        list) [[ $current == -* ]] && choice="--store --last --all --names $globals" ;;
        show)
            if [[ $current == -* ]]; then
                choice="--store $globals"
            else
                choice=$(_bodycamctl_ask list --names --last 1000 "${store[@]}")
            fi ;;
        ledger) [[ $current == -* ]] && choice="--store $globals" ;;
        status | watch | policy) [[ $current == -* ]] && choice=$globals ;;
        record) choice='start stop' ;;
        emergency) choice='start release' ;;
        mute | stealth | sensors | 'simulate dock') choice='on off' ;;
        indicate) choice=$(_bodycamctl_ask indicate) ;;
        simulate) choice='press release fault dock battery indications now run-for run-until' ;;
        'simulate press' | 'simulate release') choice='record emergency' ;;
        'simulate fault') choice='camera microphone' ;;
        'simulate fault '*) ((${#words[@]} == 3)) && choice='none stall unplug' ;;
        'simulate battery '*)
            ((${#words[@]} == 3)) && choice=unknown
            ((${#words[@]} == 4)) && choice=charging ;;
        esac ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$choice" -- "$current")
}

complete -F _bodycamctl bodycamctl
