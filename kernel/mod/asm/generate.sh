# Writes the assembly of kernel/mod and kernel/peak and the Go declarations of its
# functions.
cd "$(dirname "$0")" || exit 1
for k in ntt linear vectors inner; do
	go run . -kernel $k -out ../${k}_amd64.s -stubs ../${k}_amd64.go -pkg mod || exit 1
done
go run . -kernel peak -out ../../peak/peak_amd64.s -stubs ../../peak/peak_amd64.go -pkg peak
