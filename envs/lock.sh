#!/usr/bin/env bash
# `make lock`: compiles envs/requirements.in into envs/requirements.lock, for Python 3.11 and the CPU build of torch, and
# pyproject.toml's group docs into envs/docs.lock, which agrees with it.
# The pins at hand are kept where they fit; UPGRADE=1 takes the newest versions. rpy2 has its own two locks, by R.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. envs/uv.sh
python=.venv/bin/python
uv_settings
find_uv "$python" || die "make lock needs uv; install it, then make lock again"
# Local wheels, where there are some, hold the CPU build of torch; --torch-backend would look past them.
backend=(--torch-backend cpu)
[ -z "${UV_FIND_LINKS:-}" ] || backend=()
# The pin of torch has no local version and would turn uv to PyPI's CUDA build.
grep -v '^torch==' envs/requirements.lock >.make/requirements.lock
"$uv" pip compile --quiet "${backend[@]}" ${UPGRADE:+--upgrade} --python-version 3.11 --no-annotate --no-header \
  envs/requirements.in -o .make/requirements.lock >/dev/null || die "envs/requirements.in does not resolve (see above)"
# No local version: the same lock serves every build of torch.
sed -i 's/+cpu$//' .make/requirements.lock
mv .make/requirements.lock envs/requirements.lock
"$uv" pip compile --quiet ${UPGRADE:+--upgrade} --python-version 3.11 --no-annotate --no-header --group docs \
  --constraints envs/requirements.lock -o envs/docs.lock >/dev/null || die "pyproject.toml's docs do not resolve (see above)"
say "envs/requirements.lock has $(wc -l <envs/requirements.lock) pins, envs/docs.lock $(wc -l <envs/docs.lock)"
