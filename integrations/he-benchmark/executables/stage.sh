#!/bin/sh
# A stage of the harness, by the name that it is called by; its argument is the size:
# 0 single, 1 small, 2 medium, 3 large. It runs in the folder that has datasets/ and io/.
set -eu
build=$(cd "$(dirname "$0")" && pwd)
stage=$(basename "$0")
qtool() { "$build/qtool" --quiet "$@" >/dev/null; }

if [ "$stage" = server_preprocess_model ]; then
	exit 0 # the plans are made when the task is built; weights are encoded where they are used
fi
case ${1:-} in
0) size=single plan=one ;;
1) size=small plan=one ;;
2) size=medium plan=batch ;;
3) size=large plan=batch ;;
*)
	echo "usage: $stage 0|1|2|3 (single, small, medium, large)" >&2
	exit 2
	;;
esac
io=io/$size
client=$build/$plan.qbc
server=$build/$plan.qbs
secret=$io/secret_key/client.key

case $stage in
client_key_generation)
	rm -rf "$io/secret_key" "$io/public_keys" "$io/ciphertexts_upload" "$io/ciphertexts_download"
	mkdir -p "$io/secret_key" "$io/public_keys"
	qtool keygen --client "$client" --secret "$secret" --keys "$io/public_keys/evaluation.keys"
	;;
client_preprocess_input)
	# The encoder of the client half reads the numbers themselves.
	mkdir -p "$io/intermediate"
	cp "datasets/$size/intermediate/test_pixels.txt" "$io/intermediate/samples.txt"
	;;
client_encode_encrypt_input)
	mkdir -p "$io/ciphertexts_upload"
	qtool encrypt --client "$client" --secret "$secret" --in "numbers:$io/intermediate/samples.txt" --out "$io/ciphertexts_upload/inputs.qbm"
	;;
server_encrypted_compute)
	mkdir -p "$io/ciphertexts_download"
	qtool infer --server "$server" --keys "$io/public_keys/evaluation.keys" --in "$io/ciphertexts_upload/inputs.qbm" --out "$io/ciphertexts_download/outputs.qbm"
	;;
client_decrypt_decode)
	"$build/qtool" --quiet decrypt --client "$client" --secret "$secret" --in "$io/ciphertexts_download/outputs.qbm" >"$io/intermediate/labels.txt"
	;;
client_postprocess)
	cut -f1 "$io/intermediate/labels.txt" >"$io/encrypted_model_predictions.txt"
	;;
*)
	echo "$stage is no stage of the harness" >&2
	exit 2
	;;
esac
