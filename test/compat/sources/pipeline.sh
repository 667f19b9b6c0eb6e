# pipeline.sh: answers each line with its number, its length, and itself in capitals, turned round.
# The rule: the shell counts, the programs of the pipeline do the rest.
number=0
while IFS= read -r line; do
  number=$((number + 1))
  length=$(printf '%s' "$line" | wc -c)
  printf '%s\n' "$line" | tr a-z A-Z | rev | sed "s/^/$number $length /"
done
