#!/bin/sh
# provision.sh: gives a machine what HotSwap needs to run: the sections `to run` and `for the demo`
# of tools/packages.txt, Node 20, and, in a checkout that was not built, the build.
# The box of `npm run bed:up` has all of it already; then this does nothing. Argument: the checkout.
# The rule: names of packages are read from the list, and stand in no other place.
set -eu
checkout=$1

# The names of one section of the list: from its heading to the next empty line.
section() {
  sed -n "/^# $1\$/,/^\$/p" "$checkout/tools/packages.txt" | sed 's/#.*//;/^ *$/d'
}

missing=
for name in $(section 'to run'; section 'for the demo'); do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null || :)
  [ "$status" = installed ] || missing="$missing $name"
done
if [ -n "$missing" ]; then
  apt-get -q update
  # shellcheck disable=SC2086 # a list of words
  RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
    apt-get -q -y --no-install-recommends install $missing
fi

major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)
if [ "$major" -lt 20 ]; then
  echo "Node 20 or later is needed and this machine has $major: see docs/install.md" >&2
  exit 1
fi
if [ ! -e "$checkout/dist/src/cli/replicate.js" ]; then
  cd "$checkout" && npm run setup
fi
mkdir -p /etc/hotswap
