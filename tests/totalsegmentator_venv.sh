#!/bin/sh
# A Python with TotalSegmentator in it, for the tests that run the real program: 7 GB, kept in the cache beside
# nothing of the project's own. Where it cannot be made one line says so, and those tests are skipped.
set -eu

place="${XDG_CACHE_HOME:-$HOME/.cache}/plastinate-tests/totalsegmentator-2.18"
[ -e "$place/made" ] && exit 0
echo "Installing TotalSegmentator apart, for the tests that run it: 7 GB, a minute or two."
mkdir -p "$(dirname "$place")"
rm -rf "$place"
if ! { "${PYTHON:-python3}" -m venv "$place" && "$place/bin/pip" install --quiet --disable-pip-version-check \
  --no-cache-dir 'TotalSegmentator>=2.18,<3'; }; then
  rm -rf "$place"
  echo "It could not be installed, so the tests that need it are skipped."
  exit 0
fi
touch "$place/made"
