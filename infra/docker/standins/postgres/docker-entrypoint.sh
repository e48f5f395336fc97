#!/bin/bash
# Takes what the official image takes: POSTGRES_USER, _PASSWORD, _DB, _INITDB_ARGS and _HOST_AUTH_METHOD (the first
# four also as NAME_FILE), `-c name=value` arguments, --user, and /docker-entrypoint-initdb.d/*.{sh,sql,sql.gz}.
set -eo pipefail

case ${1:-postgres} in -*) set -- postgres "$@" ;; esac
[ "${1:-}" = postgres ] || exec "$@"

if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA"
  find "$PGDATA" /var/run/postgresql ! -user postgres -exec chown postgres {} +
  exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi

# setting NAME DEFAULT: the value of NAME, or of the file that NAME_FILE names, or the default.
setting() {
  local file=$1_FILE
  if [ -n "${!file:-}" ]; then cat "${!file}"; else printf '%s' "${!1:-$2}"; fi
}

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  POSTGRES_USER=$(setting POSTGRES_USER postgres)
  POSTGRES_DB=$(setting POSTGRES_DB "$POSTGRES_USER")
  POSTGRES_PASSWORD=$(setting POSTGRES_PASSWORD '')
  auth=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
  if [ -z "$POSTGRES_PASSWORD" ] && [ "$auth" != trust ]; then
    echo "POSTGRES_PASSWORD must not be empty (or set POSTGRES_HOST_AUTH_METHOD=trust)" >&2
    exit 1
  fi
  export POSTGRES_USER POSTGRES_DB POSTGRES_PASSWORD PGUSER=$POSTGRES_USER PGPASSWORD=$POSTGRES_PASSWORD

  chmod 700 "$PGDATA"
  eval "initdb --username=\"\$POSTGRES_USER\" --pwfile=<(printf '%s\n' \"\$POSTGRES_PASSWORD\") $(setting POSTGRES_INITDB_ARGS '')"
  printf '\nhost all all all %s\n' "$auth" >>"$PGDATA/pg_hba.conf"

  # The scripts run against a server that the network cannot see, with the arguments of the real one.
  arguments=$(printf '%q ' "${@:2}" -c listen_addresses= -p "${PGPORT:-5432}")
  pg_ctl -w -o "$arguments" start
  [ "$POSTGRES_DB" = postgres ] || createdb --maintenance-db=postgres "$POSTGRES_DB"
  sql() { psql -v ON_ERROR_STOP=1 --no-psqlrc --dbname "$POSTGRES_DB" "$@"; }
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
      *.sh) if [ -x "$file" ]; then "$file"; else . "$file"; fi ;;
      *.sql) sql -f "$file" ;;
      *.sql.gz) gunzip -c "$file" | sql ;;
    esac
  done
  pg_ctl -m fast -w stop
  unset PGUSER PGPASSWORD
  echo "PostgreSQL init process complete; ready for start up."
fi
exec "$@"
