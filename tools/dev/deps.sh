#!/bin/sh
# Installs what packages.txt, or the list that is named, has and this machine lacks. Quiet and quick when nothing is missing.
set -eu
cd "$(dirname "$0")/../.."
list=${1:-packages.txt}
missing=$(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$list" | while read -r package; do
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
