#!/usr/bin/env bash
# Installs the programs that tests use besides npm packages: a browser for pages, a NATS server and PostgreSQL.
# Part of `npm test`; silent when all is there. What cannot be installed is named loudly, and the tests that
# need it skip: everything else still runs.
set -euo pipefail

have() {
  case $1 in
    chromium) command -v chromium || command -v chromium-browser || command -v google-chrome ;;
    # Debian puts it where only root's PATH leads.
    nats-server) command -v nats-server || compgen -G '/usr/sbin/nats-server' ;;
    postgresql) command -v postgres || compgen -G '/usr/lib/postgresql/*/bin/postgres' ;;
  esac >/dev/null
}

what_for() {
  case $1 in
    chromium) echo 'tests that open HTML reports and pages' ;;
    nats-server) echo 'tests that run pipelines on several machines' ;;
    postgresql) echo 'tests that read from and write to a database' ;;
  esac
}

missing=()
for tool in chromium nats-server postgresql; do
  have "$tool" || missing+=("$tool")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
reason=''
if ! command -v apt-get >/dev/null; then
  reason='this is not a Debian-like system: install them by your own means'
elif [ "$(id -u)" -ne 0 ]; then
  # -n: never wait for a password, there may be nobody to type it.
  if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
  else
    reason="no root rights: run \`sudo apt-get install ${missing[*]}\` yourself"
  fi
fi

apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq \
    -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

if [ -z "$reason" ]; then
  echo "Installing for the tests: ${missing[*]} (once, with apt-get)" >&2
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  if apt update >"$log" 2>&1 && apt install -y --no-install-recommends "${missing[@]}" >>"$log" 2>&1; then
    exit 0
  fi
  # One package that cannot be had must not cost the others.
  for tool in "${missing[@]}"; do
    apt install -y --no-install-recommends "$tool" >>"$log" 2>&1 || true
  done
  reason="apt-get failed: $(grep -m 1 -E '^(E|W):' "$log" || tail -n 1 "$log")"
fi

left=()
for tool in "${missing[@]}"; do
  have "$tool" || left+=("$tool")
done
[ ${#left[@]} -eq 0 ] && exit 0
{
  echo '========================================================================'
  echo "NOT INSTALLED: ${left[*]}"
  echo "  $reason"
  for tool in "${left[@]}"; do
    echo "  without $tool these are SKIPPED: $(what_for "$tool")"
  done
  echo '========================================================================'
} >&2
