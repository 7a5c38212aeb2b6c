#!/usr/bin/env bash
# Runs one verb of the Makefile: takes the folder's lock, clears what a killed run left, sets up, runs, tells the time.
#
#   bash envs/run.sh [--test | --docs | --bare] VERB COMMAND...      --bare: no set-up
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# Python's would shadow .venv; make's would reach a make that a test starts.
unset PYTHONHOME PYTHONPATH MAKEFLAGS MAKELEVEL MFLAGS MAKEOVERRIDES ARGS
mkdir -p .make
setup=
case $1 in --test | --docs | --bare) setup=$1 && shift ;; esac
verb=$1 && shift

say() { printf 'make %s: %s\n' "$verb" "$*"; }
die() { printf 'make %s: error: %s\n' "$verb" "$*" >&2; exit 1; }

# ---- one at a time ------------------------------------------------------------------------------
exec 9>>.make/lock
if command -v flock >/dev/null && ! flock --nonblock 9; then # macOS has no flock; there Snakemake's own lock must do
  die "$(cat .make/lock) holds the lock of this folder; wait until it ends, or stop it with kill"
fi
printf "'make %s' (process %s, since %s)\n" "$verb" $$ "$(date '+%F %T')" >.make/lock

# ---- what a killed run left ---------------------------------------------------------------------
# A run has a process group of its own; .make/run holds its number and a token, the leader's start time in it.
# Numbers come round again, so only a process of that group with that token in its environment is ours.
stat_field() { # of a process, counted as in proc(5) from 3, the first after the name
  local line fields
  line=$(<"/proc/$1/stat") && read -ra fields <<<"${line##*) }" && echo "${fields[$2 - 3]}"
}
survivors() {
  local group token process
  read -r group token <.make/run || return 0
  for process in /proc/[0-9]*; do
    process=${process#/proc/}
    [ "$(stat_field "$process" 5 2>/dev/null)" = "$group" ] || continue
    grep --quiet --null-data --line-regexp "LATENTOME_RUN=$token" "/proc/$process/environ" 2>/dev/null || continue
    echo "$process"
  done
  return 0
}
end_survivors() {
  local left
  [ -s .make/run ] || return 0
  left=$(survivors)
  [ -n "$left" ] || return 0
  say "ending what an interrupted run left, process ${left//$'\n'/, }"
  # shellcheck disable=SC2086 # a list of numbers
  kill -TERM $left 2>/dev/null || true
  for _ in {1..50}; do
    sleep 0.2
    left=$(survivors)
    [ -n "$left" ] || return 0
  done
  # shellcheck disable=SC2086
  kill -KILL $left 2>/dev/null || true
  sleep 0.5
}
locked() { [ -n "$(ls -A .snakemake/locks 2>/dev/null)" ]; }
driver() { # a Snakemake at work in this folder that make did not start
  local process words
  for process in /proc/[0-9]*; do
    [ "$(readlink "$process/cwd" 2>/dev/null)" = "$(pwd -P)" ] || continue
    mapfile -d '' -t words 2>/dev/null <"$process/cmdline" || continue
    [[ ${words[0]:-} == */snakemake || ${words[1]:-} == */snakemake || "${words[*]:1:2}" == '-m snakemake' ]] || continue
    echo "${process#/proc/}" && return
  done
  return 1
}

end_survivors
began=$SECONDS
[ "$setup" = --bare ] || bash envs/install.sh ${setup:+"$setup"} 9>&-
if [ -f .make/env ]; then . .make/env; fi
export PATH="$PWD/.venv/bin:$PATH"
# Only a lock that a run of ours left: a Snakemake on another host of a shared folder cannot be seen from here.
if locked && [ -f .make/run ]; then
  if pid=$(driver); then die "Snakemake is at work in this folder (process $pid); wait for its end, or stop it with kill"; fi
  say "removing the lock of an interrupted Snakemake"
  snakemake --unlock --quiet 9>&-
fi

# ---- the command --------------------------------------------------------------------------------
# In its own process group (set -m), so that it can be ended whole; signals sent to make are handed on to it.
export -f stat_field
say "${*//$'\n'/ }"
set -m
bash -c 'token=$$.$(stat_field $$ 22 2>/dev/null); echo "$$ $token" >.make/run; LATENTOME_RUN=$token exec "$@"' \
  run "$@" 9>&- </dev/null &
set +m
child=$!
trap 'kill -INT -- -$child 2>/dev/null' INT
trap 'kill -TERM -- -$child 2>/dev/null' TERM HUP
code=0
wait "$child" || code=$?
while kill -0 "$child" 2>/dev/null; do wait "$child" && code=0 || code=$?; done
end_survivors
locked || rm -f .make/run # with the lock left, the next start needs the record
took=$((SECONDS - began))
[ "$code" = 0 ] || die "failed (exit $code) after $((took / 60)) min $((took % 60)) s"
say "done in $((took / 60)) min $((took % 60)) s"
