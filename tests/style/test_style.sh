#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# C looks as .clang-format says. Versions of clang-format differ in details: Debian 12's (14) decides.
set -eu
cd "$srcdir"
if ! clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
	echo "SKIP: the style was not checked: clang-format 14 is not here (apt-get install clang-format)"
	exit 77
fi
find plugin transports tests -name '*.[ch]' -exec clang-format --dry-run -Werror {} +
echo "PASS: all C is as .clang-format has it (mend with: clang-format -i FILE)"
