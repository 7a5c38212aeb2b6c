# Sourced by install.sh and lock.sh: how they speak, and how they find uv and what pip is set to.
# shellcheck shell=bash
uv=''
say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: error: %s\n' "$@" >&2; exit 1; }

# uv does not read pip's settings: hand over the index, the local wheels and the certificates that pip would use.
from_pip() {
  local env=PIP_${1^^}
  env=${env//-/_}
  if [ -n "${!env:-}" ]; then printf '%s' "${!env}" | tr -s '\n' ' '; else
    sed -n "s/^[^=]*\.$1='\(.*\)'\$/\1/p" <<<"$pip_config" | tail -n 1 | sed 's/^\(\\n\)*//; s/\\n/ /g'
  fi
}
uv_settings() {
  local value pip_config
  pip_config=$("$python" -m pip config list 2>/dev/null || python3 -m pip config list 2>/dev/null || true)
  value=$(from_pip find-links) && [ -n "$value" ] && export UV_FIND_LINKS="${UV_FIND_LINKS:-${value// /,}}"
  value=$(from_pip index-url) && [ -n "$value" ] && export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$value}"
  # pip takes the best match of all indexes, and so must uv then
  value=$(from_pip extra-index-url) && [ -n "$value" ] && export UV_INDEX="${UV_INDEX:-$value}" &&
    export UV_INDEX_STRATEGY="${UV_INDEX_STRATEGY:-unsafe-best-match}"
  value=$(from_pip cert) && [ -n "$value" ] && export SSL_CERT_FILE="${SSL_CERT_FILE:-$value}"
  export UV_HTTP_TIMEOUT="${UV_HTTP_TIMEOUT:-180}"
}
find_uv() { # a uv that knows --torch-backend
  [ -z "${NO_UV:-}" ] || return 1
  for uv in uv .make/uv/bin/uv; do
    "$uv" pip install --help 2>/dev/null | grep -e --torch-backend >/dev/null && return
  done
  if [ -n "${1:-}" ] && "$1" -m pip --version >/dev/null 2>&1; then
    say "installing uv into .make/uv" # a minute's work for uv takes pip several
    "$1" -m pip install --quiet --upgrade --target .make/uv 'uv>=0.9' && uv=.make/uv/bin/uv && return
    say "uv is not to be had: going on with pip, slower"
  fi
  uv='' && return 1
}
