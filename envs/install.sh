#!/usr/bin/env bash
# The set-up behind `make`: Python, R with DESeq2, the locked packages. What is done already is not done again.
#
#   bash envs/install.sh [--test | --docs]     --test: also what only the tests use: R packages as oracles, SLURM, Chromium,
#                                              --docs: also what builds the documentation, as --test does
#
# From the environment:
#   PYTHON=python3.12    the Python to build on (3.11 to 3.13)
#   TORCH_BACKEND=auto   the build of torch, as uv names them: cpu (default), auto, cu128, ...
#   NO_APT=1             never install with apt          NO_UV=1   plain pip, slower
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# Of another Python's; they would shadow the packages installed here.
unset PYTHONHOME PYTHONPATH PYTHONDONTWRITEBYTECODE
mkdir -p .make
mode=${1:-}
venv=.venv/bin/python
backend=${TORCH_BACKEND:-cpu}
apt_r=(r-base-core r-bioc-deseq2 r-cran-mclust)
supported='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'

. envs/uv.sh
have() { command -v "$1" >/dev/null 2>&1; }
digest() { cat "$@" | sha256sum | cut -d ' ' -f 1; }
# A stamp holds the key of a step that went through; a step is repeated when its key is another one.
fresh() { [ "$(cat ".make/$1.stamp" 2>/dev/null)" = "$2" ]; }
mark() { printf '%s\n' "$2" >".make/$1.stamp"; }

can_apt() { [ -z "${NO_APT:-}" ] && have apt-get && [ "$(id -u)" = 0 ]; }
apt_install() {
  local try
  say "installing with apt, log in .make/apt.log: $*"
  for try in 1 2 3; do # another apt may hold the lists, for which apt knows no timeout
    apt-get -qq update >>.make/apt.log 2>&1 && break
    sleep $((try * 5))
  done
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@" \
    >>.make/apt.log 2>&1 </dev/null || { tail -n 5 .make/apt.log >&2 && return 1; }
}

# ---- Python -------------------------------------------------------------------------------------
find_python() {
  local name
  if [ -n "${PYTHON:-}" ]; then
    "$PYTHON" -c "$supported" 2>/dev/null && python=$PYTHON && return
    die "PYTHON=$PYTHON is not a Python 3.11 to 3.13; name another, or leave PYTHON out"
  fi
  for name in python3.11 python3.12 python3.13 python3; do
    have "$name" && "$name" -c "$supported" 2>/dev/null && python=$name && return
  done
  return 1
}

sound_venv() {
  local minor='import sys; print(sys.version_info[:2])'
  [ ! -e .make/installing ] && "$venv" -c "$supported" 2>/dev/null || return
  [ -z "${PYTHON:-}" ] || [ "$("$PYTHON" -c "$minor" 2>/dev/null)" = "$("$venv" -c "$minor")" ] || return
  # Its commands name the folder they were installed in: a moved or copied .venv would run the other folder's.
  [ ! -e .make/packages.stamp ] || grep -qxF "$PWD" .make/packages.stamp
}

build_venv() {
  [ -e .venv ] && say ".venv is broken, half made, moved or of another Python: building it anew"
  rm -rf .venv .make/{torch,packages,rpy2,docs,check}.stamp .make/installing
  find_python || { can_apt && apt_install python3 python3-venv && find_python; } ||
    die "no Python 3.11 to 3.13 on PATH; install one (Debian: python3, python3-venv), or name it: make PYTHON=..."
  say "building .venv on $("$python" --version 2>&1)"
  uv_settings
  if find_uv; then "$uv" venv --quiet --seed --python "$(command -v "$python")" .venv && return; fi
  "$python" -m venv .venv >.make/venv.log 2>&1 && return
  rm -rf .venv # Debian splits ensurepip off into a package of its own
  local package
  package=python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv
  if can_apt && apt_install "$package"; then "$python" -m venv .venv >.make/venv.log 2>&1 && return; fi
  rm -rf .venv
  if find_uv "$python"; then "$uv" venv --quiet --seed --python "$(command -v "$python")" .venv && return; fi
  die "$python makes no virtual environments; install uv, or as root: apt-get install $package, then make again"
}

# ---- R ------------------------------------------------------------------------------------------
write_env() { # what make sources before it runs anything
  # rpy2 without compiled code: one build for every R, no compiler needed
  echo 'export RPY2_CFFI_MODE=ABI'
  [ -x .make/r/bin/R ] || return 0
  # an R of our own, from conda; $PWD is the repository
  echo 'export PATH="$PWD/.make/r/bin:$PATH" R_HOME="$PWD/.make/r/lib/R" R_LIBS_USER=NULL'
  echo 'unset R_LIBS R_LIBS_SITE'
}
load_env() { write_env >.make/env && . .make/env; }
lacking() { # which of these R packages are not there
  local code='for (p in commandArgs(TRUE)) if (!nzchar(system.file(package = p))) cat(p, "")'
  have Rscript && Rscript -e "$code" "$@" 2>/dev/null || echo "$*"
}
r_version() { R --version 2>/dev/null | sed -n 's/^R version \([0-9.]*\).*/\1/p'; }

ready_r() {
  local wanted=(DESeq2) missing conda
  [ "$mode" != --test ] || wanted+=(edgeR limma statmod mclust)
  load_env
  fresh "r$mode" "$(command -v R) $(r_version)" && return
  missing=$(lacking "${wanted[@]}")
  if [ -n "$missing" ] && can_apt; then
    say "R lacks: $missing"
    [ "$mode" != --test ] || apt_r+=(r-bioc-edger r-bioc-limma r-cran-statmod)
    apt_install "${apt_r[@]}" || say "apt could not install R; see .make/apt.log"
    hash -r && missing=$(lacking "${wanted[@]}")
  fi
  if [[ " $missing " == *" DESeq2 "* ]]; then
    for conda in micromamba mamba conda; do
      have "$conda" || continue
      say "creating .make/r with $conda from envs/deseq2.yaml; this takes some minutes"
      rm -rf .make/r
      if [ "$conda" = micromamba ]; then micromamba create -y -p "$PWD/.make/r" -f envs/deseq2.yaml; else
        "$conda" env create -p "$PWD/.make/r" -f envs/deseq2.yaml
      fi || { say "$conda could not create .make/r" && continue; }
      load_env && hash -r && missing=$(lacking "${wanted[@]}") && break
    done
  fi
  [[ " $missing " != *" DESeq2 "* ]] || die \
    "no R with DESeq2 on PATH, and none can be installed here; run one of these, then make again:" \
    "  sudo apt-get install -y --no-install-recommends ${apt_r[*]}" \
    "  conda env create -p .make/r -f envs/deseq2.yaml"
  say "R $(r_version) with DESeq2 at $(command -v R)"
  if [ -n "${missing// /}" ]; then say "R lacks $missing: tests that compare with them are skipped"; else
    mark "r$mode" "$(command -v R) $(r_version)"
  fi
}

# ---- SLURM --------------------------------------------------------------------------------------
ready_slurm() { # tests/cluster starts one of its own
  [ "$mode" = --test ] || return 0
  [ -z "$(PATH=$PATH:/usr/sbin type -P slurmctld)" ] || return 0
  if can_apt && apt_install slurm-wlm munge; then return; fi
  say "no slurmctld on PATH: the tests that need SLURM are skipped; Debian: apt-get install slurm-wlm munge"
}

ready_rsync() { # the storage plugin fs copies with it
  [ "$mode" = --test ] && ! have rsync || return 0
  if can_apt && apt_install rsync; then return; fi
  say "no rsync on PATH: one test of storage is skipped; Debian: apt-get install rsync"
}

# ---- browser ------------------------------------------------------------------------------------
ready_browser() { # tests/site opens the results page in it
  [ "$mode" = --test ] || return 0
  if have chromium || have google-chrome; then return; fi
  if can_apt && apt_install chromium; then return; fi
  say "no chromium on PATH: the tests of the results page are skipped; Debian: apt-get install chromium"
}

# ---- packages -----------------------------------------------------------------------------------
find_installer() { # uv, or else pip
  local quiet=()
  python=$venv && uv_settings
  # Without a terminal no progress bars and no list of every package.
  [ -t 2 ] || quiet=(--quiet)
  if find_uv "$venv"; then install=("$uv" pip install "${quiet[@]}" --python "$venv" --compile-bytecode); else
    install=("$venv" -m pip install "${quiet[@]}")
  fi
}

install_torch() { # apart, because PyPI's build for Linux is CUDA's, gigabytes
  local torch again=()
  torch=$(grep '^torch==' envs/requirements.lock)
  if [ -z "$uv" ]; then
    say "pip takes the torch of its index and find-links: on Linux that may be the CUDA build, gigabytes" && return
  fi
  [ -e .make/torch.stamp ] && again=(--reinstall-package torch)
  if [ "$backend" = cpu ] && [ -n "${UV_FIND_LINKS:-}" ] &&
    "${install[@]}" "${again[@]}" --no-deps --no-index "$torch" 2>/dev/null; then
    say "$torch from the local wheels"
  elif ! "${install[@]}" "${again[@]}" --no-deps --torch-backend "$backend" "$torch"; then
    say "that build cannot be reached: taking the default index's, which may be CUDA's, gigabytes"
    "${install[@]}" "${again[@]}" --no-deps "$torch" || return
  fi
  mark torch "$backend"
}

failed="packages cannot be installed (see above); check the network and pip's index, then make again"
ready_packages() {
  local key rkey rpy2 r
  key="$PWD"$'\n'"$backend $(digest envs/requirements.lock pyproject.toml)"
  r=$(r_version)
  rpy2=envs/rpy2-r42.lock # rpy2 3.6.6 and later need R 4.5
  [ "$(printf '%s\n' 4.5 "$r" | sort -V | head -n 1)" = 4.5 ] && rpy2=envs/rpy2-r45.lock
  rkey="$(command -v R) $r $(digest "$rpy2")"
  fresh packages "$key" && fresh rpy2 "$rkey" && return
  find_installer
  rm -f .make/check.stamp
  if ! fresh packages "$key"; then
    say "installing the packages of envs/requirements.lock"
    touch .make/installing # left behind by an interrupted run, it has .venv built anew
    fresh torch "$backend" || install_torch || die "$failed"
    "${install[@]}" -r envs/requirements.lock || die "$failed"
    "${install[@]}" --no-deps --no-build-isolation -e . || die "$failed"
    mark packages "$key"
    rm .make/installing
  fi
  say "installing rpy2 for R $r from $rpy2"
  # Not from a cache: a wheel built beside another R has the same name.
  "${install[@]}" --no-cache-dir --no-deps --force-reinstall -r "$rpy2" || die "$failed"
  mark rpy2 "$rkey"
}

ready_docs() { # MkDocs, whose pins agree with those of requirements.lock
  local key
  [ "$mode" = --docs ] || [ "$mode" = --test ] || return 0
  key="$PWD"$'\n'"$(digest envs/docs.lock envs/requirements.lock)"
  fresh docs "$key" && return
  find_installer
  say "installing the packages of envs/docs.lock"
  "${install[@]}" -r envs/docs.lock || die "$failed"
  mark docs "$key"
}

check() {
  local versions
  fresh check ok && return
  versions=$("$venv" -W ignore -c 'import torch, snakemake, workflow_scripts
from rpy2.robjects import r
print("torch", torch.__version__, "snakemake", snakemake.__version__, r("R.version.string")[0])') ||
    die "the environment does not work (see above); remove .venv and make again"
  say "checked: $versions"
  mark check ok
}

case $mode in
  '' | --test | --docs) ;;
  *) die "install.sh knows --test and --docs, not $mode" ;;
esac
if ! sound_venv; then build_venv; fi
ready_r
ready_slurm
ready_rsync
ready_browser
ready_packages
ready_docs
check
say "ready after $SECONDS s"
