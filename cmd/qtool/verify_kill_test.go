package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qtool/pipeline"
	"qtool/verify/runlog"
)

// briefly makes killRecipe train for a moment, as its verification is what is killed.
var briefly = []string{
	"--set", "data.images=1000", "--set", "network.layers.fc1.units=8", "--set", "train.epochs=2", "--set", "quantize.finetune.epochs=1",
	"--set", "quantize.weights.bits=3", "--set", "quantize.input.bits=3", "--set", "verify.backend=none",
}

// records are how many bytes the identity and each of the records of a log take; a torn
// one is left out.
func records(t *testing.T, path string) (identity int, each []int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil || len(b) < len(runlog.Magic) {
		return 0, nil
	}
	b = b[len(runlog.Magic):]
	for n := 0; len(b) >= 8; n++ {
		size := 12 + int(binary.LittleEndian.Uint32(b))
		if size > len(b) {
			break
		}
		if n == 0 {
			identity = size
		} else {
			each = append(each, size)
		}
		b = b[size:]
	}
	return identity, each
}

// TestVerifyKilled kills verifications of single images half-way and resumes them: at
// most one image is encrypted again, the answers are those of an uninterrupted run, and
// every image adds one record of about the same size to the log.
func TestVerifyKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the whole command several times; left out with -short")
	}
	dir, qtool, recipe := built(t, killRecipe)
	for _, c := range []struct {
		backend string
		images  int
		sets    []string
	}{
		{"packed-ckks", 100, nil},
		{"packed-bgv", 20, nil},
		{"pbs", 10, []string{
			"--set", "network.layers.square1.type=tanh", "--set", "quantize.activations.bits=3",
			"--set", "quantize.accumulator.bits=7",
		}},
	} {
		t.Run(c.backend, func(t *testing.T) {
			run := filepath.Join(dir, c.backend)
			train := slices.Concat([]string{"run", "--quiet", "-c", recipe, "--out", run}, briefly, c.sets)
			if out, err := exec.Command(qtool, train...).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			verifyKilled(t, qtool, dir, filepath.Join(run, pipeline.FileBundle), c.backend, c.images)
		})
	}
}

func verifyKilled(t *testing.T, qtool, dir, bundle, backend string, images int) {
	out := func(name string) string { return backend + "-" + name }
	command := func(name string, more ...string) (*exec.Cmd, *bytes.Buffer) {
		args := append([]string{"verify-encrypted", "--bundle", bundle, "--backend", backend, "--limit", strconv.Itoa(images), "--out", filepath.Join(dir, out(name))}, more...)
		cmd, stderr := exec.Command(qtool, args...), &bytes.Buffer{}
		cmd.Stderr = stderr
		return cmd, stderr
	}
	if cmd, stderr := command("whole"); cmd.Run() != nil {
		t.Fatalf("uninterrupted: %s", stderr)
	}
	log := filepath.Join(dir, out("killed"), pipeline.StateVerify)
	cmd, stderr := command("killed")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(5 * time.Minute)
	for {
		if _, each := records(t, log); len(each) >= images/2 {
			break
		}
		if time.Now().After(deadline) {
			cmd.Process.Kill()
			t.Fatalf("half of the images were not kept in time: %s", stderr)
		}
		time.Sleep(time.Millisecond)
	}
	cmd.Process.Kill()
	if err := cmd.Wait(); err == nil {
		t.Fatal("the verification was finished before it was killed")
	}
	identity, each := records(t, log)
	begun := lastNumber(t, stderr.String(), `batch (\d+) of `)
	if again := begun - len(each); again > 1 {
		t.Errorf("%d images were begun and %d kept: %d would be repeated", begun, len(each), again)
	}
	info, err := os.Stat(log)
	if err != nil {
		t.Fatal(err)
	}
	smallest, largest, sum := each[0], each[0], int64(len(runlog.Magic)+identity)
	for _, n := range each {
		smallest, largest, sum = min(smallest, n), max(largest, n), sum+int64(n)
	}
	if largest > 2*smallest || info.Size() > sum+int64(largest) {
		t.Errorf("%d records of %d to %d bytes in a log of %d: not one of an image", len(each), smallest, largest, info.Size())
	}

	cmd, stderr = command("killed", "--resume")
	if err := cmd.Run(); err != nil {
		t.Fatalf("resumed: %v\n%s", err, stderr)
	}
	if kept := lastNumber(t, stderr.String(), `answers the first (\d+) of `); kept != len(each) {
		t.Errorf("goes on behind %d images, %d were kept", kept, len(each))
	}
	whole, killed := steady(t, dir, out("whole")), steady(t, dir, out("killed"))
	for _, r := range []map[string]any{whole, killed} {
		for _, key := range []string{"latency", "lookups", "precision", "versions"} { // times, and the noise of fresh encryptions
			delete(r, key)
		}
		delete(r["bytes"].(map[string]any), "keys")
		delete(r["backend"].(map[string]any), "why") // has the machine's pace
	}
	if diff := cmp.Diff(whole, killed); diff != "" {
		t.Errorf("reports differ (-whole +killed)\n%s", diff)
	}
	if _, err := os.Stat(log); err == nil {
		t.Errorf("%s is left behind", log)
	}
}

// lastNumber is the last number that a pattern finds; 0 for none.
func lastNumber(t *testing.T, text, pattern string) int {
	t.Helper()
	all := regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1)
	if all == nil {
		return 0
	}
	n, err := strconv.Atoi(all[len(all)-1][1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
