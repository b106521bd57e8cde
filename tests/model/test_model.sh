#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The SDK's own machines, in Node: what they do, and that the protocol holds in every order of events.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if ! command -v node >/dev/null; then
	echo "SKIPPED: the protocol is not explored, because there is no node (Debian: nodejs)"
	exit 77
fi
node --test "$here/test_steps.js"
exec node "$here/run.js" ${OTTER_DEEP:+--deep}
