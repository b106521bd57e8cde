#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What the containers run: `otter` or `turn` in the foreground, `healthy otter|turn`, `key …` and `room …` as ./otter has them (in the container
# that runs: docker compose exec), or any other command.
set -eu
umask 077
export PYTHONPATH=/opt/otter/scripts PYTHONDONTWRITEBYTECODE=1

furnish() {
	python3 -P /opt/otter/docker/furnish.py "$@"
}

case ${1:-} in
otter)
	furnish otter
	exec janus --configs-folder=/var/lib/otter/conf/janus
	;;
turn)
	furnish turn
	exec turnserver -c /var/lib/otter-turn/conf/turnserver.conf
	;;
healthy)
	shift
	furnish healthy "$@"
	;;
key | room)
	exec python3 -P -m otterctl "$@" --home /var/lib/otter
	;;
*)
	exec "$@"
	;;
esac
