package bgv

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugePages asks for huge pages in the part of v that is whole ones. It is
// advice: a kernel that does not follow it changes nothing.
func hugePages(v []uint64) {
	const size = 2 << 20
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 8*len(v))
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(v))) % size)
	if whole := (len(bytes) - skip) / size * size; whole > 0 {
		_ = unix.Madvise(bytes[skip:skip+whole], unix.MADV_HUGEPAGE)
	}
}
