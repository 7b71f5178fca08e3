package wire

import (
	"fmt"
	"io"
)

// OpenWanted opens an object that stands alone and refuses another one than want; see
// Reader.Expect. Nothing at all is an error that wraps io.ErrUnexpectedEOF.
func OpenWanted(r io.Reader, want Object) (*Reader, error) {
	in, err := Open(r)
	if err == io.EOF {
		return nil, fmt.Errorf("wire: %v: there is nothing to read: %w", want.Kind, io.ErrUnexpectedEOF)
	}
	if err != nil {
		return nil, err
	}
	return in, in.Expect(want)
}
