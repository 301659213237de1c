#!/usr/bin/env bash
# Tries the packed package with other lines of Node: `npm run test:nodes`, or `scripts/node-lines.sh 24`.
# Node is fetched as an npm package; a line that cannot be had is skipped, loudly.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

lines=("$@")
[ ${#lines[@]} -gt 0 ] || lines=(22 24)
platform=$(node -p '`${process.platform}-${process.arch}`')
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=()
skipped=()

for line in "${lines[@]}"; do
  if ! npm install --prefix "$tmp/$line" --no-save --no-audit --no-fund --loglevel=error \
    "node-$platform@$line" >"$tmp/log" 2>&1; then
    skipped+=("$line")
    echo "SKIPPED: Node $line: npm has no node-$platform@$line for us: $(tail -n 1 "$tmp/log")" >&2
    continue
  fi
  node="$tmp/$line/node_modules/node-$platform/bin/node"
  echo "=== Node $("$node" --version)"
  node scripts/check-package.mjs --smoke --node "$node" || failed+=("$line")
done

[ ${#skipped[@]} -eq 0 ] || echo "NOT TRIED: Node ${skipped[*]}" >&2
if [ ${#failed[@]} -gt 0 ]; then
  echo "FAILED with Node ${failed[*]}" >&2
  exit 1
fi
