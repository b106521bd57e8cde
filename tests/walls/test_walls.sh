#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The walls between the parts, as the linker and the sources show them: the core knows neither Janus nor HTTP, no part of ours can touch
# media, and each library has one home. Run by `make check`, in the build directory, which sets the variables used here.
LC_ALL=C
export LC_ALL
srcdir=${srcdir:-.}
CC=${CC:-cc} NM=${NM:-nm} READELF=${READELF:-readelf}
core=.libs/libotter-core.so
plugin=.libs/libjanus_otter.so
transport=.libs/libjanus_otter_transport.so
for tool in "${NM%% *}" "${READELF%% *}" "${CC%% *}"; do
	command -v "$tool" >/dev/null || { echo "SKIP: no $tool here"; exit 77; }
done
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
failures=0

# same SENTENCE EXPECTED GOT
same() {
	if [ "$2" = "$3" ]; then
		echo "ok - $1"
	else
		echo "not ok - $1"
		echo "  expected: $2"
		echo "  got:      $3"
		failures=$((failures + 1))
	fi
}

one_line() { sort -u | tr '\n' ' ' | sed 's/ $//'; }

# What a library exports, without the marks that sanitizers and the linker leave.
exports() {
	$NM -D --defined-only "$1" | awk '{ print $NF }' | sed 's/@.*//' | grep -vE '^(__asan_|__odr_asan|__sanitizer|__ubsan|__tsan|__sancov|_init$|_fini$|_edata$|_end$|__bss_start$)'
}
needs() { $READELF -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p'; }
# includes PATTERN FOLDER...: the files below the folders that include a header of this name
includes() {
	pattern=$1
	shift
	(cd "$srcdir" && grep -rlE --include='*.[ch]' "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]$pattern" "$@") | one_line
}

# ---- what leaves the libraries ----
for library in "$core" "$plugin" "$transport"; do
	[ -r "$library" ] || { echo "not ok - $library is built"; exit 1; }
done
same "the core exports otter_* alone" "" "$(exports "$core" | grep -v '^otter_' | one_line)"
same "the core does export something" "otter_open" "$(exports "$core" | grep -x otter_open)"
same "the plugin exports create alone" "create" "$(exports "$plugin" | one_line)"
same "the transport exports create alone" "create" "$(exports "$transport" | one_line)"

# ---- what they need ----
same "the core needs neither Janus nor HTTP" "" "$(needs "$core" | grep -iE 'janus|microhttpd' | one_line)"
for library in "$core" "$plugin" "$transport"; do
	same "$library cannot touch media: no ICE, SRTP or DTLS library" "" "$(needs "$library" | grep -iE 'nice|srtp|ssl|usrsctp' | one_line)"
done
same "the plugin hangs on the core" "libotter-core.so" "$(needs "$plugin" | grep otter)"
same "the transport hangs on the core" "libotter-core.so" "$(needs "$transport" | grep otter)"
same "the plugin speaks no HTTP" "" "$(needs "$plugin" | grep -i microhttpd)"

# ---- a core file that calls Janus or the HTTP library does not link; without the call it does ----
# links NAME: a real file of the core, with what is on standard input behind it
links() {
	{ cat "$srcdir/plugin/core/gate.c"; cat; } >"$scratch/$1.c"
	# shellcheck disable=SC2086 # flags are lists of words
	$CC $OTTER_CFLAGS -Wno-error -fvisibility=default -D_GNU_SOURCE -I"$srcdir/plugin/core" $CORE_CFLAGS -fPIC -shared -o "$scratch/$1.so" "$scratch/$1.c" \
		"$core" $OTTER_LDFLAGS $OTTER_CORE_LDFLAGS $CORE_LIBS >"$scratch/$1.log" 2>&1
}
if links plain </dev/null; then answer=links; else answer=$(cat "$scratch/plain.log"); fi
same "a file of the core links with the core's flags" "links" "$answer"

if echo 'extern int janus_log_level; int otter_calls_janus(void); int otter_calls_janus(void) { return janus_log_level; }' | links janus; then
	answer=links
else
	answer=$(grep -o "undefined .*janus_log_level" "$scratch/janus.log" | head -n 1 | sed 's/.*\(janus_log_level\)/undefined \1/')
fi
same "one that calls Janus does not" "undefined janus_log_level" "$answer"

if echo 'void MHD_stop_daemon(void *); void otter_calls_http(void); void otter_calls_http(void) { MHD_stop_daemon(0); }' | links http; then
	answer=links
else
	answer=$(grep -o "undefined .*MHD_stop_daemon" "$scratch/http.log" | head -n 1 | sed 's/.*\(MHD_stop_daemon\)/undefined \1/')
fi
same "one that calls the HTTP library does not" "undefined MHD_stop_daemon" "$answer"

# ---- each library has one home ----
same "<jwt.h> lives in token.c" "plugin/core/token.c" "$(includes 'jwt\.h' plugin transports)"
same "<sqlite3.h> lives in the store and in turndb.c" "plugin/core/store_sqlite_private.h plugin/core/turndb.c" "$(includes 'sqlite3\.h' plugin transports)"
same "<microhttpd.h> lives in http.c" "transports/http.c" "$(includes 'microhttpd\.h' plugin transports)"
same "no <janus/...> below plugin/core" "" "$(includes '(janus/|\.\./janus)' plugin/core)"
same "the faces do include Janus" "yes" "$([ -n "$(includes 'janus/' plugin transports)" ] && echo yes)"
same "the core includes nothing of the faces" "" "$(includes '(\.\./|handles\.h|config\.h|jcfg\.h|janus_log\.h|http\.h|routes\.h|files\.h)' plugin/core)"

[ "$failures" -eq 0 ]
