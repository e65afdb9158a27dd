#!/bin/sh
# Prints the N most frequent words of a text, one on a line: the count, a space, the word.
#
# A word is a run of the letters a to z; upper case counts as lower case, every other byte separates words. The most
# frequent word comes first, and words of one count come in alphabetical order, so that the output is the same bytes
# on every machine.
set -eu
LC_ALL=C
export LC_ALL

usage() {
    echo "usage: ${0##*/} FILE N    (N: how many words, 1 or more)" >&2
    exit 2
}

[ $# -eq 2 ] || usage
file=$1
count=$2
case $count in
'' | 0* | *[!0-9]*) usage ;;
esac
if [ ! -f "$file" ] || [ ! -r "$file" ]; then
    echo "${0##*/}: cannot read $file" >&2
    exit 1
fi

tr 'A-Z' 'a-z' <"$file" |
    tr -cs 'a-z' '\n' |
    sed '/^$/d' |
    sort |
    uniq -c |
    sort -k1,1nr -k2,2 |
    awk -v most="$count" 'NR <= most { print $1 " " $2 }'
