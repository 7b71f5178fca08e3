#!/bin/sh
# Makes FOLDER/build: the executables that the harness runs, qtool itself, the network and
# its plans. What is there already is kept, so that a second call is quick.
#
#   scripts/build_task.sh FOLDER
#
# QTOOL         the qtool binary (default: the one on the PATH)
# QTOOL_BUNDLE  the network (default: mnist-lenet1-square is trained, about a minute; its
#               data are looked for where $QTOOL_DATA says, or downloaded)
set -eu
if [ $# -ne 1 ]; then
	echo "usage: $0 FOLDER" >&2
	exit 2
fi
here=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1/build"
build=$(cd "$1/build" && pwd)
qtool=${QTOOL:-$(command -v qtool || true)}
if [ -z "$qtool" ] || ! [ -x "$qtool" ]; then
	echo "$0: no qtool: set QTOOL to its binary, or put it on the PATH" >&2
	exit 1
fi
if ! cmp -s "$qtool" "$build/qtool"; then
	cp "$qtool" "$build/qtool.new"
	mv "$build/qtool.new" "$build/qtool"
	rm -f "$build"/*.qbc "$build"/*.qbs # another version may plan otherwise
fi
for name in client_key_generation server_preprocess_model client_preprocess_input \
	client_encode_encrypt_input server_encrypted_compute client_decrypt_decode client_postprocess; do
	cp "$here/executables/stage.sh" "$build/$name"
	chmod +x "$build/$name"
done
if [ -n "${QTOOL_BUNDLE:-}" ]; then
	if ! cmp -s "$QTOOL_BUNDLE" "$build/model.qb"; then
		cp "$QTOOL_BUNDLE" "$build/model.qb"
		rm -f "$build"/*.qbc "$build"/*.qbs
	fi
elif ! [ -f "$build/model.qb" ]; then
	"$build/qtool" run --quiet -c mnist-lenet1-square --set verify.backend=none --out "$build/run"
	cp "$build/run/model.qb" "$build/model.qb"
fi
# One image at a time for single and small, batches for medium and large.
plan() {
	[ -f "$build/$1.qbs" ] || "$build/qtool" plan --quiet --bundle "$build/model.qb" --backend "$2" --limit "$3" \
		--client "$build/$1.qbc" --server "$build/$1.qbs" >"$build/$1.txt"
}
plan one packed-ckks 1
plan batch bgv 10000
echo "built in $build"
