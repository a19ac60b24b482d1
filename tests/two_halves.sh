#!/bin/sh
# All tests, in two processes side by side: most of them wait for a server, a browser or a child. What the
# first half says is shown as it comes, what the second says when both have ended.
set -u
coverage="$1/coverage"
shift

said=$(mktemp)
trap 'rm -f "$said"' EXIT
trap 'kill "$second" 2>/dev/null; exit 130' INT TERM HUP

"$coverage" run -m pytest "$@" tests/unit tests/house tests/contract tests/golden src >"$said" 2>&1 &
second=$!
"$coverage" run -m pytest "$@" tests \
  --ignore tests/unit --ignore tests/house --ignore tests/contract --ignore tests/golden
status=$?
echo "The other half, which ran beside it:"
wait "$second" || status=$?
cat "$said"
exit "$status"
