// Package runlog keeps what a long verification has finished, so that nothing of it is
// done again after a crash, a kill or a full disk: a file to which one record is
// appended for each finished part.
//
// The file is Magic and records. A record is
//
//	length of the payload  uint32, little endian
//	checksum of the head   uint32, CRC-32C of the record's number (uint64) and the length
//	payload
//	checksum               uint32, CRC-32C of the record's number (uint64) and the payload
//
// and is written by a single write. Record 0 is the Identity, as JSON; the payloads of
// the others are the caller's. As a record's number is part of its checksums, no record
// can be lost, doubled or moved unseen.
//
// A record that the end of the file cuts short, or the last one with a wrong checksum, is
// what a kill or a power cut leaves of the last write: it is cut off. Damage anywhere else
// is an error (ErrDamaged).
package runlog

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"time"

	"qtool/internal/lock"
	"qtool/internal/whole"
)

// Magic begins every log. Its last byte is the version of the format.
const Magic = "qtoollog\x00\x00\x00\x01"

// MaxRecord is the largest payload, in bytes.
const MaxRecord = 1 << 30

// syncEvery is how much time may pass between a write and its arrival on the disk: what a
// power cut may take. Nothing of it is lost to a kill.
const syncEvery = time.Second

var (
	// ErrDamaged marks a log with a record that is not as it was written.
	ErrDamaged = errors.New("damaged")
	// ErrForeign marks a file that is no log, or one of another version.
	ErrForeign = errors.New("not a log of this version")
)

var table = crc32.MakeTable(crc32.Castagnoli)

// file is what a log needs of an *os.File.
type file interface {
	io.WriterAt
	Truncate(size int64) error
	Sync() error
	Close() error
}

// Log is an open log, locked against other processes. It is not safe for concurrent use.
type Log struct {
	path     string
	file     file
	identity Identity
	begun    bool  // the file has the identity
	size     int64 // bytes of whole records
	records  int   // identity included
	synced   time.Time
	cut      int64
}

// Create opens a log for new records. What the file has is dropped by the first Append
// and not before: a verification that ends before it has finished anything leaves the
// file as it was. It returns an error that wraps lock.ErrHeld while another process has the log.
func Create(path string, identity Identity) (*Log, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	return &Log{path: path, file: f, identity: identity, synced: time.Now()}, nil
}

// Resume opens a log to go on with it: record is called with the payload of every record
// in order, and an error of it ends the reading. It must not keep the payload. A log that does not exist, or has no whole
// record, is begun. The error of a log of another identity is a *DifferentError; nothing
// is changed then, nor after any other error.
func Resume(path string, identity Identity, record func(payload []byte) error) (*Log, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	l := &Log{path: path, file: f, identity: identity, synced: time.Now()}
	if err := l.read(f, record); err != nil {
		f.Close()
		return nil, err
	}
	return l, nil
}

// open opens and locks a file, which need not exist. What is there and is not a
// regular file is refused before anything is verified, as it could keep nothing.
func open(path string) (*os.File, error) {
	for {
		if info, err := os.Stat(path); err == nil {
			if err := whole.Regular(path, info); err != nil {
				return nil, err
			}
		}
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			return nil, err
		}
		if err := lock.File(f); err != nil {
			f.Close()
			return nil, fmt.Errorf("%s is %w", path, err)
		}
		if lock.Current(f) {
			return f, nil
		}
		f.Close() // its last holder removed it in the meantime
	}
}

// Cut is how many bytes of a torn last record Resume found; the next Append overwrites
// them.
func (l *Log) Cut() int64 { return l.cut }

// Bytes is the size of the log's whole records.
func (l *Log) Bytes() int64 { return l.size }

// Append adds a record. After an error, of a full disk say, the log is what it was
// before.
func (l *Log) Append(payload []byte) error {
	var b []byte
	n := l.records
	if !l.begun {
		head, err := json.Marshal(l.identity)
		if err != nil {
			return fmt.Errorf("%s: identity: %w", l.path, err)
		}
		if b, err = frame([]byte(Magic), 0, head); err != nil {
			return fmt.Errorf("%s: %w", l.path, err)
		}
		n = 1
	}
	b, err := frame(b, n, payload)
	if err != nil {
		return fmt.Errorf("%s: %w", l.path, err)
	}
	if !l.begun || l.cut > 0 {
		if err := l.file.Truncate(l.size); err != nil {
			return err
		}
		l.cut = 0
	}
	if _, err := l.file.WriteAt(b, l.size); err != nil {
		// Whatever of the record has arrived is cut off again; if that fails too, the
		// reader will.
		return errors.Join(err, l.file.Truncate(l.size))
	}
	l.begun, l.records, l.size = true, n+1, l.size+int64(len(b))
	if time.Since(l.synced) >= syncEvery {
		return l.Sync()
	}
	return nil
}

// Sync waits until all records are on the disk.
func (l *Log) Sync() error {
	l.synced = time.Now()
	return l.file.Sync()
}

// Close ends the log; its file stays.
func (l *Log) Close() error {
	var err error
	if l.begun {
		err = l.file.Sync()
	}
	return errors.Join(err, l.file.Close())
}

// frame appends record n to b.
func frame(b []byte, n int, payload []byte) ([]byte, error) {
	if len(payload) > MaxRecord {
		return nil, fmt.Errorf("record %d of %d bytes passes the limit of %d", n, len(payload), MaxRecord)
	}
	var length [4]byte
	binary.LittleEndian.PutUint32(length[:], uint32(len(payload)))
	b = append(b, length[:]...)
	b = binary.LittleEndian.AppendUint32(b, checksum(n, length[:]))
	b = append(b, payload...)
	return binary.LittleEndian.AppendUint32(b, checksum(n, payload)), nil
}

// checksum is the CRC-32C of a record's number and bytes of it.
func checksum(n int, b []byte) uint32 {
	number := binary.LittleEndian.AppendUint64(nil, uint64(n))
	return crc32.Update(crc32.Checksum(number, table), table, b)
}
