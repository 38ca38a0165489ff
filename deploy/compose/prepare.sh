#!/bin/sh
# Makes a password for Redis, once: into `.env` for the nodes, and its hash into `users.acl` for Redis.
set -eu
cd "$(dirname "$0")"
[ -f .env ] && { echo ".env is there already: remove it for a new password" >&2; exit 1; }
password=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')
hash=$(printf %s "$password" | sha256sum | cut -d' ' -f1)
umask 077
printf 'REDIS_PASSWORD=%s\n' "$password" > .env
grep -v '^#' ../redis/users.acl | sed "s/#0\{64\}/#$hash/" > users.acl
chmod 644 users.acl
echo "now: docker compose up --build"
