# A private PostgreSQL server for one part of the suites: sourced by its siblings, which get its socket's directory and
# port in PGHOST and PGPORT. It has no TCP port, and ends with the shell that started it, whatever that ends from.
# shellcheck shell=bash

bindir=$(pg_config --bindir)
port=54377

# PostgreSQL refuses to run as root.
as_server() {
    if [ "$(id -u)" -eq 0 ]; then
        runuser -u postgres -- env --chdir=/ "$@"
    else
        env --chdir=/ "$@"
    fi
}

# server_start: a fresh server. Not durable, because nothing here outlives it; commits stay synchronous, because
# PostgreSQL's own suite sees the difference in its plans.
server_start() {
    local parent=$work
    if [ -d /dev/shm ] && [ "$(df --output=avail -k /dev/shm | tail -1)" -gt 4000000 ]; then
        parent=/dev/shm
    fi
    server=$(mktemp -d "$parent/audit-transparency.XXXXXX")
    [ "$(id -u)" -ne 0 ] || chown postgres "$server"
    trap server_stop EXIT
    trap 'exit 130' INT TERM HUP
    as_server "$bindir/initdb" --pgdata="$server/data" --username=postgres --auth=trust --no-sync --encoding=UTF8 --locale=C >/dev/null
    cat >>"$server/data/postgresql.conf" <<SETTINGS
listen_addresses = ''
unix_socket_directories = '$server'
port = $port
fsync = off
full_page_writes = off
max_prepared_transactions = 10
shared_buffers = 256MB
max_wal_size = 4GB
log_lock_waits = off
SETTINGS
    as_server "$bindir/pg_ctl" --pgdata="$server/data" --log="$server/log" --wait --silent start
    export PGHOST=$server PGPORT=$port PGUSER=postgres
    unset PGDATABASE PGSERVICE PGOPTIONS DATABASE_URL
}

server_stop() {
    trap - EXIT
    if [ -n "${server:-}" ]; then
        as_server "$bindir/pg_ctl" --pgdata="$server/data" --mode=immediate --silent stop >/dev/null 2>&1 || true
        rm -rf -- "$server"
        server=
    fi
}

# server_watch DATABASE: installs the pipeline there and watches every table that is made from now on.
server_watch() {
    DATABASE_URL="postgresql:///$1?host=$PGHOST&port=$PGPORT&user=$PGUSER" "$audit" migrate >/dev/null
    psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --dbname="$1" --file="$here/watch_new_tables.sql"
}
