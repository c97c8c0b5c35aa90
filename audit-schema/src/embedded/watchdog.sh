# Runs a private PostgreSQL server for as long as standard input stays open, then stops it and removes its files.
# Only the program that wants the server holds the other end, so however that program ends (kill -9 too), the end of
# file comes. Everything that could be left behind is made here, never by the program.
#
# watchdog.sh <work directory> <data directory> <directory of the binaries> <options of initdb> [options of postgres …]
#
# Prints the server's process id when it has started it, or else what went wrong.

# Ctrl-C and a closing terminal end the program, and only through it the server.
trap '' HUP INT TERM PIPE
umask 077
exec 3<&0

work=$1
data=$2
bin=$3
options=$4
shift 4

mkdir -- "$work" 2>&1 || exit 1
log=$work/server.log

if [ ! -s "$data/PG_VERSION" ]; then
    # The options are words of ours without blanks inside.
    # shellcheck disable=SC2086
    if ! "$bin/initdb" -D "$data" $options >"$log" 2>&1 </dev/null 3<&-; then
        cat "$log"
        rm -rf -- "$work"
        exit 1
    fi
fi

"$bin/postgres" -D "$data" -k "$work" "$@" >"$log" 2>&1 </dev/null 3<&- &
server=$!
echo "$server"

(
    read -r _ <&3
    kill -INT "$server"
    # A fast stop waits for a checkpoint; after ten seconds it is enough that the data can be recovered.
    tries=0
    while kill -0 "$server" && [ "$tries" -lt 200 ]; do
        sleep 0.05
        tries=$((tries + 1))
    done
    kill -QUIT "$server"
) >/dev/null 2>&1 &
guard=$!

wait "$server"
code=$?
kill -KILL "$guard" 2>/dev/null
[ "$code" -eq 0 ] || tail -c 4000 "$log" 2>/dev/null
rm -rf -- "$work"
exit "$code"
