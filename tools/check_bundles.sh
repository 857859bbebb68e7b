#!/usr/bin/env bash
# Proves that the widgets' committed bundles are what a build of the committed sources gives.
set -euo pipefail
cd "$(dirname "$0")/.."

rebuilt=$(mktemp -d)
trap 'rm -rf "$rebuilt"' EXIT
npm run --silent build -- --out "$rebuilt"

status=0
for folder in piximi_widgets/widgets/*/; do
  name=$(basename "$folder")
  if [ ! -d "$rebuilt/$name" ] && [ ! -d "$folder/static" ]; then continue; fi
  diff -rq "$folder/static" "$rebuilt/$name" || status=1
done
if [ "$status" != 0 ]; then
  echo "The bundles above were not built from the sources beside them. Run make bundles and commit the result." >&2
fi
exit "$status"
