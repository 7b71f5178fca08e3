package folder

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qtool/internal/lock"
)

var (
	results = []string{"report", "bundle", "float"}
	states  = []string{"state"}
)

// tree is every file below a folder with its text.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		all[filepath.ToSlash(name)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	delete(all, ".lock")
	return all
}

// put writes files.
func put(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func opened(t *testing.T, dir string) *Folder {
	t.Helper()
	f, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func begun(t *testing.T, dir string, inherits ...string) *Folder {
	t.Helper()
	f := opened(t, dir)
	if err := f.Begin(results, states, inherits); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFirstRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "run")
	put(t, dir, map[string]string{"state": "left", "notes.txt": "mine"})
	f := begun(t, dir)
	if f.Staged() || f.Path("float") != filepath.Join(dir, "float") {
		t.Errorf("works in %s", f.Path(""))
	}
	put(t, f.Path(""), map[string]string{"float": "1"})
	if r, err := f.Commit(results); err != nil || r.Renewed != nil || r.Removed != nil {
		t.Errorf("%+v, %v", r, err)
	}
	if diff := cmp.Diff(map[string]string{"float": "1", "notes.txt": "mine"}, tree(t, dir)); diff != "" {
		t.Error(diff)
	}
}

// old and renewed are a folder before and after a command that replaces its float network.
var (
	old     = map[string]string{"recipe": "a", "float": "A", "bundle": "A", "report": "A", "points/1/bundle": "A", "points/2/bundle": "A", "notes.txt": "mine"}
	fresh   = map[string]string{"recipe": "b", "float": "B", "bundle": "B", "points/2/bundle": "B"}
	names   = []string{"report", "bundle", "points", "float", "recipe"}
	renewed = map[string]string{"recipe": "b", "float": "B", "bundle": "B", "points/2/bundle": "B", "notes.txt": "mine"}
)

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, old)
	f := begun(t, dir, "float", "missing")
	if !f.Staged() {
		t.Fatal("works beside the older results")
	}
	if b, err := os.ReadFile(f.Path("float")); err != nil || string(b) != "A" {
		t.Errorf("inherited %q, %v", b, err)
	}
	put(t, f.Path(""), fresh)
	r, err := f.Commit(names)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Replaced{Renewed: []string{"bundle", "points", "float", "recipe"}, Removed: []string{"report"}}); !cmp.Equal(r, want) {
		t.Errorf("%+v, want %+v", r, want)
	}
	if diff := cmp.Diff(renewed, tree(t, dir)); diff != "" {
		t.Error(diff)
	}
	if f.Staged() || f.Path("x") != filepath.Join(dir, "x") {
		t.Errorf("works in %s", f.Path(""))
	}
}

// A command that fails or is killed before it is finished leaves what was there.
func TestUnfinished(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, old)
	f := begun(t, dir)
	put(t, f.Path(""), map[string]string{"recipe": "b", "float": "B"})
	f.Close()
	now := tree(t, dir)
	for name, text := range old {
		if now[name] != text {
			t.Errorf("%s was %q and is %q", name, text, now[name])
		}
	}
	fits := func(recipe string) func(string) error {
		return func(dir string) error {
			b, err := os.ReadFile(filepath.Join(dir, "recipe"))
			if err == nil && string(b) != recipe {
				err = errors.New("of another recipe")
			}
			return err
		}
	}
	for recipe, staged := range map[string]bool{"b": true, "a": false} {
		f := opened(t, dir)
		if err := f.Resume(fits(recipe)); err != nil || f.Staged() != staged {
			t.Errorf("recipe %s goes on in %s, %v", recipe, f.Path(""), err)
		}
		f.Close()
	}
	f = opened(t, dir)
	if err := f.Resume(fits("c")); err == nil || err.Error() != "of another recipe" {
		t.Errorf("%v", err)
	}
	// Afresh, the unfinished work is dropped.
	if err := f.Begin(results, states, nil); err != nil || !f.Staged() {
		t.Fatal(err)
	}
	if left := tree(t, f.Path("")); len(left) != 0 {
		t.Errorf("%v is left", left)
	}
}

// Whichever step of Commit is the last one before a crash, the folder has results of one
// run alone, and the next command on it makes the new ones whole.
func TestCrashInCommit(t *testing.T) {
	type step struct {
		name string
		do   func(t *testing.T, dir string)
	}
	rename := func(from, to string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	steps := []step{{"list", func(t *testing.T, dir string) {
		put(t, filepath.Join(dir, Unfinished), map[string]string{listFile: `["report","bundle","points","float","recipe"]`})
	}}, {"rename", rename(Unfinished, finished)}}
	for _, name := range names {
		steps = append(steps, step{"remove " + name, remove(name)})
	}
	steps = append(steps, step{"remove points/1", remove("points/1")}, step{"remove list", remove(finished + "/" + listFile)})
	for _, name := range []string{"bundle", "float", "points", "recipe"} {
		steps = append(steps, step{"move " + name, rename(finished+"/"+name, name)})
	}
	steps = append(steps, step{"remove finished", remove(finished)})
	for n := range len(steps) + 1 {
		dir := t.TempDir()
		put(t, dir, old)
		f := begun(t, dir)
		put(t, f.Path(""), fresh)
		f.Close()
		last := "nothing"
		for _, s := range steps[:n] {
			s.do(t, dir)
			last = s.name
		}
		have := map[string]bool{}
		for name, text := range tree(t, dir) {
			if !strings.HasPrefix(name, ".") && name != "notes.txt" {
				have[strings.ToLower(text)] = true
			}
		}
		if len(have) > 1 {
			t.Errorf("after %s: results of both runs side by side: %v", last, tree(t, dir))
		}
		f = opened(t, dir)
		want := renewed
		if n < 2 { // the new results did not count yet
			want = old
		}
		got := tree(t, dir)
		for name := range got {
			if n < 2 && strings.HasPrefix(name, Unfinished) {
				delete(got, name)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("opened after %s:\n%s", last, diff)
		}
		f.Close()
	}
}

// A list that names something outside of the folder is refused before anything is removed.
func TestForeignList(t *testing.T) {
	for _, name := range []string{"../outside", "/etc", ".", ""} {
		dir := filepath.Join(t.TempDir(), "run")
		put(t, dir, old)
		put(t, filepath.Dir(dir), map[string]string{"outside": "mine"})
		put(t, dir, map[string]string{finished + "/" + listFile: `["` + name + `"]`, finished + "/float": "B"})
		if f, err := Open(dir); err == nil || !strings.Contains(err.Error(), "is not a name in the folder") {
			t.Errorf("%q: %v", name, err)
			f.Close()
		}
		if b, err := os.ReadFile(filepath.Join(filepath.Dir(dir), "outside")); err != nil || string(b) != "mine" {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestLocked(t *testing.T) {
	dir := t.TempDir()
	f := opened(t, dir)
	if _, err := Open(dir); !errors.Is(err, lock.ErrHeld) || !strings.Contains(err.Error(), dir) {
		t.Errorf("opened twice: %v", err)
	}
	f.Close()
	opened(t, dir)
	missing := filepath.Join(dir, "missing")
	if _, err := OpenExisting(missing); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing folder: %v", err)
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("a missing folder was created")
	}
	if err := (*Folder)(nil).Close(); err != nil {
		t.Error(err)
	}
}

// A folder that new results cannot be moved into keeps them, and says where they are.
func TestMoveFails(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, old)
	f := begun(t, dir)
	put(t, f.Path(""), fresh)
	// A folder that is on nobody's list is in a file's way.
	put(t, dir, map[string]string{"extra/file": "mine"})
	put(t, f.Path(""), map[string]string{"extra": "B"})
	_, err := f.Commit(names)
	if err == nil || !strings.Contains(err.Error(), "the new results are complete in "+filepath.Join(dir, finished)) {
		t.Fatalf("%v", err)
	}
	f.Close()
	if err := os.RemoveAll(filepath.Join(dir, "extra")); err != nil {
		t.Fatal(err)
	}
	opened(t, dir)
	want := map[string]string{"extra": "B"}
	for name, text := range renewed {
		want[name] = text
	}
	if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
		t.Error(diff)
	}
	if slices.ContainsFunc(results, func(name string) bool { _, err := os.Stat(filepath.Join(dir, finished, name)); return err == nil }) {
		t.Error("something is left in the folder of finished results")
	}
}
