#!/bin/sh
# What the tests need beside Python: a browser, a database server, a reverse proxy, which they start and
# stop themselves, small tools, and a scan of a head. As root on Debian or Ubuntu they are installed (and their services are
# not started); elsewhere one line says what is missing, and the tests that need it are skipped.
set -eu

missing=""
need() { [ -e "$1" ] || missing="$missing $2"; }
need /usr/bin/chromium chromium
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
need /usr/sbin/nginx nginx
need /usr/bin/openssl openssl
need /usr/bin/unzip unzip
need /usr/bin/curl curl
need /usr/bin/caddy caddy
need /usr/bin/systemd-analyze systemd
# A head CT; systems that leave out documentation lack it even when the package is there.
need /usr/share/doc/invesalius-examples/examples/Cranium.inv3 invesalius-examples
command -v ip >/dev/null || missing="$missing iproute2"
command -v mkfs.ext4 >/dev/null || [ -e /usr/sbin/mkfs.ext4 ] || missing="$missing e2fsprogs"

[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "Not installed, so the tests that need them are skipped:$missing."
  exit 0
fi
echo "Installing for the tests:$missing."
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 (words are meant)
apt-get install -y -qq --no-install-recommends $missing >/dev/null
