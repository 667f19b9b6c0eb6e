#!/bin/bash
# Pipelines, subshells, substitutions, background jobs and traps of a real shell.
set -u
fail() { echo "pipeline.sh: $*" >&2; exit 1; }

sorted=$(printf '%s\n' pear apple fig | sort | tr '\n' ' ')
[ "$sorted" = "apple fig pear " ] || fail "sorted: $sorted"
echo "= sorted $sorted"
[ "$(seq 1 1000 | awk '{ s += $1 } END { print s }')" = 500500 ] || fail sum
seq 1 20000 | head -n 3 >/dev/null
echo "= pipe status ${PIPESTATUS[1]}"
(exit 7); echo "= subshell $?"

mkdir work && cd work || fail mkdir
for i in 1 2 3 4 5; do echo "file $i" >"f$i"; done
echo "= $(cat f* | wc -l) lines in $(ls | wc -l) files"
find . -name 'f*' -exec cat {} + | sort -u | tail -n 1 | sed 's/^/= /'
cp f1 g && mv g h && ln -s h l && [ "$(cat l)" = "file 1" ] || fail link
cat <<TEXT | grep -c o
one
two
three
TEXT

sleep 0.01 & first=$!
(exit 3) & second=$!
wait $second; echo "= background $?"
wait $first; echo "= background $?"
echo "~ $$ $first $second $RANDOM $SECONDS"
trap 'echo "= trapped"' USR1
kill -USR1 $$
trap 'echo "= at exit"' EXIT
diff <(echo a) <(echo a) || fail diff
echo "~ $(date +%s%N)"
read -r line < <(echo "from a process")
echo "= $line"
exit 0
