package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"qtool/datasets"
	"qtool/he/wire"
)

const roleRecipe = `
name: roles
data: {name: digits, images: 300}
network:
  input: [1, 28, 28]
  layers:
    - {type: avgpool, name: pool, kernel: 4}
    - {type: flatten, name: flatten}
    - {type: dense, name: fc1, units: 8}
    - {type: square, name: square1}
    - {type: dense, name: fc2, units: 10}
train: {epochs: 1, batch: 20, learning_rate: 0.01, clip: 1}
quantize: {weights: {bits: 3}, input: {bits: 2}, images: 300, finetune: {epochs: 1, batch: 20, learning_rate: 0.002, clip: 1}}
verify: {limit: 1, backend: none}
`

// roleFiles are a folder with a plan's halves, keys, and two encrypted images.
func roleFiles(t *testing.T) (dir string, qtool func(args ...string) *exec.Cmd) {
	t.Helper()
	dir = t.TempDir()
	qtool = func(args ...string) *exec.Cmd {
		cmd := exec.Command("qtool", append(args, "--quiet")...) // this test's own binary; see TestMain
		cmd.Dir = dir
		return cmd
	}
	if err := os.WriteFile(filepath.Join(dir, "r.yaml"), []byte(roleRecipe), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"run -c r.yaml --out d",
		"plan --bundle d/model.qb --backend packed-ckks --client c.qbc --server s.qbs",
		"keygen --client c.qbc --secret k.key --keys e.keys",
		"encrypt --client c.qbc --secret k.key --in digits --limit 2 --out y.qbm",
	} {
		if out, err := qtool(strings.Fields(line)...).CombinedOutput(); err != nil {
			t.Fatalf("qtool %s: %v\n%s", line, err, out)
		}
	}
	return dir, qtool
}

// pieces are parts of the payload of the first object in a file.
func pieces(t *testing.T, path string) [][]byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in, err := wire.Open(f)
	if err != nil {
		t.Fatal(err)
	}
	return windows(in.NewBytes(int(in.Object().Length)), 64, 32)
}

// TestServerMemory looks into the memory of a server that has answered one message and
// waits for the next: the evaluation keys are there, and nothing of the secret key is.
func TestServerMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("short: it runs the command as processes of its own")
	}
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	dir, qtool := roleFiles(t)
	server := qtool("infer", "--server", "s.qbs", "--keys", "e.keys", "--in", "-", "--out", "-")
	in, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	server.Stderr = &stderr
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	sent, err := os.ReadFile(filepath.Join(dir, "y.qbm"))
	if err != nil {
		t.Fatal(err)
	}
	go in.Write(sent[:len(sent)/2+100])
	first, err := wire.Open(out)
	if err != nil {
		t.Fatal(err, stderr.String())
	}
	first.NewBytes(int(first.Object().Length))
	if err := first.End(); err != nil {
		t.Fatal(err)
	}
	secret, id := pieces(t, filepath.Join(dir, "k.key")), first.Object().Key
	found, known, searched := 0, false, int64(0)
	writable(t, server.Process.Pid, func(b []byte) {
		searched += int64(len(b))
		known = known || bytes.Contains(b, id[:])
		for _, p := range secret {
			if bytes.Contains(b, p) {
				found++
			}
		}
	})
	if len(secret) < 32 || !known || searched < 1<<24 || found > 0 {
		t.Errorf("%d of %d pieces of the secret key are in %d bytes of the server's memory, the key's id is: %v", found, len(secret), searched, known)
	}
	if _, err := in.Write(sent[len(sent)/2+100:]); err != nil {
		t.Error(err)
	}
	in.Close()
	if _, err := io.Copy(io.Discard, out); err != nil {
		t.Error(err)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("%v\n%s", err, stderr.String())
	}
}

// writable gives each writable part of a process's memory to do.
func writable(t *testing.T, pid int, do func([]byte)) {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Skip("the memory of another process cannot be read here: ", err)
	}
	defer mem.Close()
	for line := range strings.Lines(string(maps)) {
		var from, to int64
		var permissions string
		if _, err := fmt.Sscanf(line, "%x-%x %s", &from, &to, &permissions); err != nil || !strings.HasPrefix(permissions, "rw") {
			continue
		}
		const part, overlap = 1 << 24, 64
		for at := from; at < to; at += part {
			b := make([]byte, min(part+overlap, to-at))
			n, _ := mem.ReadAt(b, at) // some parts cannot be read
			do(b[:n])
		}
	}
}

// Ctrl-C ends a command that waits for input, and leaves nothing half-written.
func TestRolesInterrupted(t *testing.T) {
	if testing.Short() {
		t.Skip("short: it runs the command as processes of its own")
	}
	if runtime.GOOS == "windows" {
		t.Skip("sends an interrupt")
	}
	dir, qtool := roleFiles(t)
	d, err := datasets.Load(t.Context(), "digits", datasets.Options{Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	sent, err := os.ReadFile(filepath.Join(dir, "y.qbm"))
	if err != nil {
		t.Fatal(err)
	}
	before := entries(t, dir)
	for name, c := range map[string]struct {
		args  string
		input []byte
	}{
		"encrypt":             {"encrypt --client c.qbc --secret k.key --in - --out x.qbm", d.Test.First(3).Images},
		"encrypt to a folder": {"encrypt --client c.qbc --secret k.key --in - --out x/", d.Test.First(3).Images},
		"infer":               {"infer --server s.qbs --keys e.keys --in - --out x.qbm", sent[:len(sent)-1]},
		"passphrase":          {"keygen --client c.qbc --secret x.key --keys x.keys --passphrase-file -", []byte("abc")},
	} {
		cmd := qtool(strings.Fields(c.args)...)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := in.Write(c.input); err != nil {
			t.Error(name, err)
		}
		// Until there is something half-written.
		deadline := time.Now().Add(time.Minute)
		for fmt.Sprint(entries(t, dir)) == fmt.Sprint(before) && time.Now().Before(deadline) {
			time.Sleep(10 * time.Millisecond)
		}
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Error(name, err)
		}
		err = cmd.Wait()
		in.Close()
		if cmd.ProcessState.ExitCode() != exitInterrupted || !strings.Contains(out.String(), "qtool: error: interrupted") {
			t.Errorf("%s: %v\n%s", name, err, out.String())
		}
		if after := entries(t, dir); fmt.Sprint(after) != fmt.Sprint(before) {
			t.Errorf("%s leaves %v, before there were %v", name, after, before)
		}
	}
}

// entries are the names in a folder.
func entries(t *testing.T, dir string) (names []string) {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		names = append(names, e.Name())
	}
	return names
}
