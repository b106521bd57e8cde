#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs each fuzz target over its corpus. Run by `make check`, in the build directory; an input that crashes is named last.
srcdir=${srcdir:-.}
failures=0
for target in $FUZZ_TARGETS; do
	if "./fuzz_$target" "$srcdir/tests/fuzz/corpus/$target"; then
		echo "ok - $target survives its corpus"
	else
		echo "not ok - $target survives its corpus"
		failures=$((failures + 1))
	fi
done
[ -n "$FUZZ_TARGETS" ] && [ "$failures" -eq 0 ]
