package lock

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// TestMain is also a process that locks the folder it is given and keeps it until its
// standard input ends.
func TestMain(m *testing.M) {
	if dir := os.Getenv("QTOOL_TEST_LOCK"); dir != "" {
		if _, err := Folder(dir); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("locked")
		os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	h, err := Folder(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Folder(dir)
	if want := fmt.Sprintf("folder %s is in use by another process (process %d)", dir, os.Getpid()); !errors.Is(err, ErrHeld) || err.Error() != want {
		t.Errorf("a second lock: %v, want %q", err, want)
	}
	if err := h.Release(); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%v is left", left)
	}
	if h, err = Folder(dir); err != nil {
		t.Fatalf("after the release: %v", err)
	}
	if err := h.Release(); err != nil {
		t.Fatal(err)
	}
	if err := (*Held)(nil).Release(); err != nil {
		t.Errorf("no lock: %v", err)
	}
	if _, err := Folder(filepath.Join(dir, "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing folder: %v", err)
	}
}

// The lock of a process that is killed ends with it, though its file stays.
func TestKilledHolder(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "QTOOL_TEST_LOCK="+dir)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 100)
	n, err := out.Read(b)
	if err != nil || string(b[:n]) != "locked\n" {
		t.Fatalf("%q, %v", b[:n], err)
	}
	_, err = Folder(dir)
	if !errors.Is(err, ErrHeld) || !strings.Contains(err.Error(), fmt.Sprintf("(process %d)", cmd.Process.Pid)) {
		t.Errorf("locked by process %d: %v", cmd.Process.Pid, err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	h, err := Folder(dir)
	if err != nil {
		t.Fatalf("after its holder was killed: %v", err)
	}
	if err := h.Release(); err != nil {
		t.Error(err)
	}
}

// However locks and releases interleave, only one holds the folder.
func TestOneHolder(t *testing.T) {
	dir := t.TempDir()
	var inside atomic.Int32
	var got atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				h, err := Folder(dir)
				if errors.Is(err, ErrHeld) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if n := inside.Add(1); n != 1 {
					t.Errorf("%d hold the folder", n)
				}
				got.Add(1)
				inside.Add(-1)
				if err := h.Release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got.Load() == 0 {
		t.Error("nobody ever held the folder")
	}
}
