#!/bin/sh
# Installs what packages.txt names and this machine lacks. Quiet and quick when nothing is missing.
#
#   tools/dev/deps.sh [LIST]              another list than packages.txt
set -eu
cd "$(dirname "$0")/../.."
missing=$(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "${1:-packages.txt}" | while read -r package; do
	dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || echo "$package"
done)
[ -n "$missing" ] || exit 0
# shellcheck disable=SC2086,SC2116 # one line; one word a package
echo "installing: $(echo $missing)"
as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
$as_root apt-get update -qq
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing
