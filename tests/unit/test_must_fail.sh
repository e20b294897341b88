#!/bin/sh
# Compiles each file of must_fail/: sound.c must pass, every other one must fail,
# with the text that its first line expects in the compiler's message. TAP.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=${BY_SRCDIR:-$(cd "$here/../.." && pwd)}
cc=${CC:-cc}
messages=$(mktemp) || exit 1
trap 'rm -f "$messages"' EXIT

compile()
{
	$cc -std=c17 -Wall -Wextra -Werror -D_GNU_SOURCE -I"$top/include" -c -o /dev/null "$1" 2>"$messages"
}

set -- "$here"/must_fail/*.c
echo "1..$#"
number=0
for file; do
	number=$((number + 1))
	name=$(basename "$file" .c)
	expect=$(sed -n '1s/.*expect: \([^ ].*\) \*\/$/\1/p' "$file")
	if compile "$file"; then
		[ "$name" = sound ] && echo "ok $number - $name compiles" && continue
		echo "not ok $number - $name compiles, and must not"
	elif [ "$name" != sound ] && [ -n "$expect" ] && grep -q -e "$expect" "$messages"; then
		echo "ok $number - $name does not compile"
	else
		echo "not ok $number - $name: the message is not about '$expect'"
		sed 's/^/# /' "$messages"
	fi
done
