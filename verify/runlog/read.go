package runlog

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// frameBytes is what a record takes beside its payload.
const frameBytes = 12

// errTorn is the end of what can be read: a last record that is not whole.
var errTorn = errors.New("torn")

// read takes the records of a file and finds where the next one goes.
func (l *Log) read(f *os.File, record func([]byte) error) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	r := &reader{bufio.NewReaderSize(io.NewSectionReader(f, 0, info.Size()), 1<<16), info.Size()}
	magic, err := r.take(min(int64(len(Magic)), info.Size()))
	if err != nil {
		return fmt.Errorf("%s: %w", l.path, err)
	}
	if !bytes.HasPrefix([]byte(Magic), magic) && !blank(magic) {
		return fmt.Errorf("%s: %w", l.path, ErrForeign)
	}
	if len(magic) < len(Magic) {
		l.cut = info.Size()
		return nil
	}
	end := int64(len(Magic))
	for n := 0; r.left > 0; n++ {
		payload, err := r.record(n)
		if errors.Is(err, errTorn) {
			break
		}
		if err != nil {
			return fmt.Errorf("%s: record %d: %w", l.path, n, err)
		}
		if n == 0 {
			err = l.compare(payload)
		} else if err = record(payload); err != nil {
			err = fmt.Errorf("record %d: %w", n, err)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", l.path, err)
		}
		l.begun, l.records, end = true, n+1, end+frameBytes+int64(len(payload))
	}
	if l.begun {
		l.size = end
	}
	l.cut = info.Size() - l.size
	return nil
}

// compare refuses the records of another identity.
func (l *Log) compare(payload []byte) error {
	var have Identity
	if err := json.Unmarshal(payload, &have); err != nil {
		return fmt.Errorf("%w: identity: %w", ErrDamaged, err)
	}
	return have.same(l.identity)
}

// reader reads records of a file with so many bytes left.
type reader struct {
	*bufio.Reader
	left int64
}

// take reads n bytes. Memory grows with what arrives.
func (r *reader) take(n int64) ([]byte, error) {
	var b bytes.Buffer
	k, err := io.CopyN(&b, r, n)
	r.left -= k
	return b.Bytes(), err
}

// record reads record n, or returns errTorn at what the last write left of it.
func (r *reader) record(n int) ([]byte, error) {
	if r.left < 8 {
		return nil, errTorn
	}
	head, err := r.take(8)
	if err != nil {
		return nil, err
	}
	if binary.LittleEndian.Uint32(head[4:]) != checksum(n, head[:4]) {
		// A power cut may leave a file that is longer than what has arrived of it.
		if r.blankRest() {
			return nil, errTorn
		}
		return nil, fmt.Errorf("%w: the length has a wrong checksum", ErrDamaged)
	}
	length := int64(binary.LittleEndian.Uint32(head))
	if length > MaxRecord {
		return nil, fmt.Errorf("%w: %d bytes pass the limit of %d", ErrDamaged, length, MaxRecord)
	}
	if r.left < length+4 {
		return nil, errTorn
	}
	payload, err := r.take(length)
	if err != nil {
		return nil, err
	}
	sum, err := r.take(4)
	if err != nil {
		return nil, err
	}
	if binary.LittleEndian.Uint32(sum) != checksum(n, payload) {
		if r.left == 0 {
			return nil, errTorn
		}
		return nil, fmt.Errorf("%w: the payload of %d bytes has a wrong checksum", ErrDamaged, length)
	}
	return payload, nil
}

// blankRest reports whether all that is left is zero.
func (r *reader) blankRest() bool {
	for {
		b, err := r.ReadByte()
		if b != 0 || err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}

// blank reports whether all bytes are zero.
func blank(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }
