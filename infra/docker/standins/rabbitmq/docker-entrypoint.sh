#!/bin/sh
# Takes what the official image takes. RABBITMQ_DEFAULT_USER, _PASS, _VHOST, RABBITMQ_NODE_PORT, RABBITMQ_ERLANG_COOKIE
# and the files in /etc/rabbitmq/conf.d are read by the broker itself; here it only gets its own user.
set -eu
case $1 in
  rabbitmq*)
    if [ "$(id -u)" = 0 ]; then
      find /var/lib/rabbitmq ! -user rabbitmq -exec chown rabbitmq {} +
      exec setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups "$0" "$@"
    fi
    ;;
esac
exec "$@"
