package runlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"qtool/internal/lock"
)

var identity = Identity{{"bundle", "aa"}, {"samples", "0 to 9"}, {"moduli", "[3 5]"}}

// write makes a log of some records.
func write(t testing.TB, path string, records ...string) {
	t.Helper()
	l, err := Create(path, identity)
	if err != nil {
		t.Fatal(err)
	}
	appended(t, l, records...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func appended(t testing.TB, l *Log, records ...string) {
	t.Helper()
	for _, r := range records {
		if err := l.Append([]byte(r)); err != nil {
			t.Fatal(err)
		}
	}
}

// resume reads a log and keeps it open.
func resume(path string, id Identity) (*Log, []string, error) {
	var got []string
	l, err := Resume(path, id, func(b []byte) error {
		got = append(got, string(b))
		return nil
	})
	return l, got, err
}

// records closes the log after reading it.
func records(t testing.TB, path string) []string {
	t.Helper()
	l, got, err := resume(path, identity)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return got
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestResume(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if got := records(t, path); got != nil {
		t.Errorf("a log that does not exist has records %q", got)
	}
	write(t, path, "one", "", "three")
	l, got, err := resume(path, identity)
	if err != nil || !slices.Equal(got, []string{"one", "", "three"}) || l.Cut() != 0 {
		t.Fatalf("%q, %d bytes cut off, %v", got, l.Cut(), err)
	}
	appended(t, l, "four")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := records(t, path); !slices.Equal(got, []string{"one", "", "three", "four"}) {
		t.Errorf("%q", got)
	}
	if n := int64(len(read(t, path))); n != l.Bytes() {
		t.Errorf("%d bytes, the log says %d", n, l.Bytes())
	}
}

// A new log leaves the old one alone until it has something to keep.
func TestCreateKeepsUntilAppend(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	write(t, path, "old")
	l, err := Create(path, identity)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := records(t, path); !slices.Equal(got, []string{"old"}) {
		t.Errorf("%q after a log without a record", got)
	}
	write(t, path, "new")
	if got := records(t, path); !slices.Equal(got, []string{"new"}) {
		t.Errorf("%q", got)
	}
}

func TestOtherIdentity(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	write(t, path, "one")
	before := read(t, path)
	for _, c := range []struct {
		id   Identity
		want string
		keys []string
	}{
		{Identity{{"bundle", "bb"}, {"samples", "0 to 9"}, {"moduli", "[3 5]"}}, "cannot go on: bundle there is aa, here it is bb", []string{"bundle"}},
		{Identity{{"bundle", "aa"}, {"samples", "0 to 4"}, {"moduli", "[7]"}}, "samples there is 0 to 9, here it is 0 to 4; moduli differ too", []string{"samples", "moduli"}},
		{identity[:2], "moduli there is [3 5], here it is not known", []string{"moduli"}},
		{append(slices.Clone(identity), Field{"seed", "1"}), "seed there is not known, here it is 1", []string{"seed"}},
		{Identity{{"bundle", "aa"}, {"samples", "0 to 9"}, {"moduli", strings.Repeat("7", 1000)}}, strings.Repeat("7", shown) + "...", []string{"moduli"}},
	} {
		_, _, err := resume(path, c.id)
		var d *DifferentError
		if !errors.As(err, &d) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) || !slices.Equal(d.Keys, c.keys) {
			t.Errorf("%v, want one with %q", err, c.want)
		}
	}
	if string(read(t, path)) != string(before) {
		t.Error("a refused log was changed")
	}
}

func TestLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l, err := Create(path, identity)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Create(path, identity); !errors.Is(err, lock.ErrHeld) || !strings.Contains(err.Error(), path) {
		t.Errorf("created twice: %v", err)
	}
	if _, _, err := resume(path, identity); !errors.Is(err, lock.ErrHeld) {
		t.Errorf("resumed while in use: %v", err)
	}
	l.Close()
	write(t, path, "one")
}

// Wherever the end of a log is cut off, the whole records before it are read, and it goes
// on behind them.
func TestTorn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	all := []string{"one", "", strings.Repeat("three", 30)}
	write(t, path, all...)
	whole := read(t, path)
	for n := range whole {
		if err := os.WriteFile(path, whole[:n], 0o644); err != nil {
			t.Fatal(err)
		}
		l, got, err := resume(path, identity)
		if err != nil {
			t.Fatalf("cut to %d of %d bytes: %v", n, len(whole), err)
		}
		if !slices.Equal(got, all[:len(got)]) || l.Bytes()+l.Cut() != int64(n) {
			t.Errorf("cut to %d bytes: %q, %d and %d torn bytes", n, got, l.Bytes(), l.Cut())
		}
		appended(t, l, all[len(got):]...)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if string(read(t, path)) != string(whole) {
			t.Errorf("cut to %d bytes and gone on with, the log differs", n)
		}
	}
}

// A power cut may leave a file longer than what has arrived of it.
func TestUnwrittenPages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	write(t, path, "one", "two", strings.Repeat("three", 1000))
	whole := read(t, path)
	for _, n := range []int{0, len(Magic), len(Magic) + 3, len(whole) - 5012, len(whole) - 5008, len(whole) - 3, len(whole) - 1} {
		b := append(slices.Clone(whole[:n]), make([]byte, len(whole)-n)...)
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		l, got, err := resume(path, identity)
		if err != nil {
			t.Errorf("nothing but zeros from byte %d on: %v", n, err)
			continue
		}
		if l.Cut() == 0 && n < len(whole)-1 || len(got) > 2 {
			t.Errorf("zeros from byte %d on: %d records, %d bytes cut off", n, len(got), l.Cut())
		}
		l.Close()
	}
}

// Every changed byte before the last record is an error that names file and record; in
// the last one it is an error or cuts the record off, and never another payload.
func TestDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	all := []string{"first record", "second record", "last record"}
	write(t, path, all...)
	whole := read(t, path)
	last := len(whole) - frameBytes - len(all[2])
	for i := range whole {
		for _, bit := range []byte{1, 0x80} {
			b := slices.Clone(whole)
			b[i] ^= bit
			if err := os.WriteFile(path, b, 0o644); err != nil {
				t.Fatal(err)
			}
			l, got, err := resume(path, identity)
			switch {
			case err == nil && i < last:
				t.Errorf("byte %d changed: no error", i)
			case err == nil:
				if !slices.Equal(got, all[:2]) || l.Cut() == 0 {
					t.Errorf("byte %d of the last record changed: %q", i, got)
				}
			case i < len(Magic):
				if !errors.Is(err, ErrForeign) {
					t.Errorf("byte %d changed: %v", i, err)
				}
			default:
				if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), path+": record ") {
					t.Errorf("byte %d changed: %v", i, err)
				}
			}
			if err == nil {
				l.Close()
			} else if string(read(t, path)) != string(b) {
				t.Errorf("a damaged log was changed")
			}
		}
	}
}

// Records that are left out, doubled or in another order are damage.
func TestMoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	write(t, path, "aaaa", "bbbb", "cccc", "dddd")
	whole := read(t, path)
	const n = frameBytes + 4
	at := func(k int) []byte { return whole[len(whole)-(4-k)*n : len(whole)-(3-k)*n] }
	head := whole[:len(whole)-4*n]
	for _, order := range [][]int{{1, 2, 3}, {0, 2, 3}, {0, 0, 1, 2}, {1, 0, 2, 3}} {
		b := slices.Clone(head)
		for _, k := range order {
			b = append(b, at(k)...)
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, got, err := resume(path, identity); !errors.Is(err, ErrDamaged) {
			t.Errorf("records %v: %q, %v", order, got, err)
		}
	}
}

func TestForeign(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "log")
	for _, text := range []string{`{"identity":"bgv","batches":[]}`, "{", "qtoollog\x00\x00\x00\x02more"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, _, err := resume(path, identity); !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: %v", text, err)
		}
		if got := string(read(t, path)); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
	if _, _, err := resume(dir, identity); err == nil {
		t.Error("a folder is read as a log")
	}
	// A length beyond the limit, with the checksum that belongs to it.
	head := binary.LittleEndian.AppendUint32(nil, MaxRecord+1)
	head = binary.LittleEndian.AppendUint32(head, checksum(0, head))
	if err := os.WriteFile(path, append([]byte(Magic), head...), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := resume(path, identity); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "pass the limit") {
		t.Errorf("a record beyond the limit: %v", err)
	}
}

// smallDisk is a file on a disk with so much room.
type smallDisk struct {
	*os.File
	room   int64
	writes int
	bytes  int64
}

var errFull = errors.New("no space left on device")

func (d *smallDisk) WriteAt(b []byte, at int64) (int, error) {
	d.writes++
	n := min(int64(len(b)), max(d.room-at, 0))
	k, err := d.File.WriteAt(b[:n], at)
	d.bytes += int64(k)
	if err == nil && k < len(b) {
		err = errFull
	}
	return k, err
}

// On a disk that fills, whatever fitted stays, nothing is half-written, and there is room
// again the same log goes on.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	reference := filepath.Join(dir, "whole")
	all := []string{"first", "second", "third"}
	write(t, reference, all...)
	whole := read(t, reference)
	for room := range len(whole) {
		path := filepath.Join(dir, fmt.Sprint(room))
		l, err := Create(path, identity)
		if err != nil {
			t.Fatal(err)
		}
		disk := &smallDisk{File: l.file.(*os.File), room: int64(room)}
		l.file = disk
		kept := 0
		for _, r := range all {
			if err = l.Append([]byte(r)); err != nil {
				break
			}
			kept++
		}
		if !errors.Is(err, errFull) {
			t.Fatalf("room for %d bytes: %v", room, err)
		}
		if n := int64(len(read(t, path))); n != l.Bytes() {
			t.Errorf("room for %d bytes: %d bytes in the file, %d of whole records", room, n, l.Bytes())
		}
		disk.room = 1 << 20
		appended(t, l, all[kept:]...)
		l.Close()
		if string(read(t, path)) != string(whole) {
			t.Errorf("room for %d bytes and then more: the log differs", room)
		}
	}
}

// One write a record, of nothing but the record.
func TestBytesWritten(t *testing.T) {
	l, err := Create(filepath.Join(t.TempDir(), "log"), identity)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	disk := &smallDisk{File: l.file.(*os.File), room: 1 << 30}
	l.file = disk
	appended(t, l, "first")
	first := disk.bytes
	const n, payload = 1000, 250
	for k := range n {
		appended(t, l, strings.Repeat("x", payload))
		if disk.writes != k+2 {
			t.Fatalf("%d writes for %d records", disk.writes, k+2)
		}
	}
	if want := first + n*(payload+frameBytes); disk.bytes != want || l.Bytes() != want {
		t.Errorf("%d bytes written for %d records of %d bytes, want %d", disk.bytes, n, payload, want)
	}
}

// Any sequence of kills and resumptions keeps exactly what was appended.
func TestKillsAndResumptions(t *testing.T) {
	dir := t.TempDir()
	k := 0
	rapid.Check(t, func(t *rapid.T) {
		k++
		path := filepath.Join(dir, fmt.Sprint(k))
		var want []string
		for range rapid.IntRange(1, 8).Draw(t, "sessions") {
			l, got, err := resume(path, identity)
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("%q, want %q, %v", got, want, err)
			}
			more := rapid.SliceOfN(rapid.StringMatching(`[a-z]{0,20}`), 0, 4).Draw(t, "records")
			for _, r := range more {
				if err := l.Append([]byte(r)); err != nil {
					t.Fatal(err)
				}
			}
			want = append(want, more...)
			l.Close()
			if len(want) == 0 || !rapid.Bool().Draw(t, "torn") {
				continue
			}
			size := frameBytes + len(want[len(want)-1])
			cut := rapid.IntRange(1, size).Draw(t, "cut")
			if err := os.Truncate(path, l.Bytes()-int64(cut)); err != nil {
				t.Fatal(err)
			}
			want = want[:len(want)-1]
		}
	})
}

// Any bytes are read or refused, without a panic, and what is read is written back to the
// byte.
func FuzzResume(f *testing.F) {
	path := filepath.Join(f.TempDir(), "seed")
	write(f, path, "one", "two")
	whole := read(f, path)
	f.Add(whole)
	f.Add(whole[:len(whole)-3])
	f.Add([]byte(Magic))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "log")
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		l, got, err := resume(path, identity)
		if err != nil {
			return
		}
		size := l.Bytes()
		l.Close()
		if size == 0 {
			return
		}
		again := filepath.Join(t.TempDir(), "again")
		write(t, again, got...)
		if len(got) > 0 && len(read(t, again)) > int(size)+200 {
			t.Errorf("%d bytes of %d records are %d when written again", size, len(got), len(read(t, again)))
		}
	})
}
