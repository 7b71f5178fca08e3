package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"qtool/internal/lock"
	"qtool/internal/whole"
	"qtool/pipeline/folder"
	"qtool/recipe"
)

// unfinishedFiles are what interrupted stages leave in a folder without results.
var unfinishedFiles = []string{stateTeacher, stateFloat, stateQAT, stateVerify, stateSearch}

// trainedResults are the files of a folder that someone may have waited for.
func trainedResults() []string {
	return slices.DeleteFunc(slices.Clone(trainedFiles), func(name string) bool { return slices.Contains(unfinishedFiles, name) })
}

// hold locks the folder for the whole command, if it is there already: what the command
// reads from it must not change under its hands. The caller calls leave.
func (w *workspace) hold() error {
	f, err := folder.OpenExisting(w.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return lockHint(err)
	}
	w.folder = f
	return nil
}

// leave gives the folder free, and says where new results are that did not get complete
// beside older ones.
func (w *workspace) leave() {
	if w.folder != nil && w.folder.Staged() {
		w.note(fmt.Sprintf("%s still has the results of an earlier run; what this one has made is kept apart in %s, where --resume goes on", w.dir, w.path("")))
	}
	if err := w.folder.Close(); err != nil {
		w.note(err.Error())
	}
	w.folder = nil
}

// lockHint says what to do about a folder that another command has.
func lockHint(err error) error {
	if errors.Is(err, lock.ErrHeld) {
		return hinted{err, "wait for the other command, or name another folder with --out"}
	}
	return err
}

// resumable refuses a folder with unfinished work of another recipe.
func (w *workspace) resumable(dir string) error {
	there, err := whole.Bytes(filepath.Join(dir, fileRecipe), recipe.MaxBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	here, err := w.recipe.Encode()
	if err != nil || string(there) == string(here) {
		return err
	}
	return hinted{
		fmt.Errorf("%s: cannot resume: %s there is of another recipe: %s", w.dir, fileRecipe, firstDifference(there, here)),
		"run with the same -c and --set, or without --resume to start afresh",
	}
}

// firstDifference names the first key in which two resolved recipes differ.
func firstDifference(there, here []byte) string {
	var a, b yaml.MapSlice
	if yaml.Unmarshal(there, &a) != nil || yaml.Unmarshal(here, &b) != nil {
		return "it cannot be read"
	}
	key, x, y := different("", a, b)
	return fmt.Sprintf("%s is %s there and %s here", strings.TrimPrefix(key, "."), x, y)
}

// different is the path of the first key below path in which two values differ, and
// what they are there.
func different(path string, a, b any) (key, x, y string) {
	m, isMap := a.(yaml.MapSlice)
	n, both := b.(yaml.MapSlice)
	if isMap && both {
		for _, pair := range keysOf(m, n) {
			if fmt.Sprint(pair.a) != fmt.Sprint(pair.b) {
				return different(path+"."+pair.key, pair.a, pair.b)
			}
		}
	}
	list, isList := a.([]any)
	other, both := b.([]any)
	if isList && both && len(list) == len(other) {
		for i := range list {
			if fmt.Sprint(list[i]) != fmt.Sprint(other[i]) {
				return different(fmt.Sprintf("%s.%d", path, i), list[i], other[i])
			}
		}
	}
	return path, shown(a), shown(b)
}

// pair is a key with its value in two maps, nil where one lacks it.
type pair struct {
	key  string
	a, b any
}

// keysOf are the keys of two maps in the order of the first.
func keysOf(a, b yaml.MapSlice) (all []pair) {
	value := func(m yaml.MapSlice, key any) any {
		for _, item := range m {
			if item.Key == key {
				return item.Value
			}
		}
		return nil
	}
	for _, item := range a {
		all = append(all, pair{fmt.Sprint(item.Key), item.Value, value(b, item.Key)})
	}
	for _, item := range b {
		if value(a, item.Key) == nil {
			all = append(all, pair{fmt.Sprint(item.Key), nil, item.Value})
		}
	}
	return all
}

// shown is a value of a recipe in a message.
func shown(v any) string {
	if v == nil {
		return "not set"
	}
	if s := fmt.Sprint(v); len(s) <= 60 {
		return s
	}
	return "something else"
}

// commit puts the new results in the place of those of an earlier run, and tells of what
// was replaced. A search stays where neither its float network nor its recipe changed.
func (w *workspace) commit() error {
	if !w.folder.Staged() {
		return nil
	}
	names := append(slices.Clone(trainedFiles), fileRecipe)
	if w.keepsSearch() {
		names = slices.DeleteFunc(names, func(name string) bool { return slices.Contains(searchedFiles, name) })
	}
	r, err := w.folder.Commit(names)
	if err != nil {
		return err
	}
	r.Removed = slices.DeleteFunc(r.Removed, func(name string) bool { return slices.Contains(unfinishedFiles, name) })
	var told []string
	if len(r.Renewed) > 0 {
		told = append(told, "replaced "+strings.Join(r.Renewed, ", "))
	}
	if len(r.Removed) > 0 {
		told = append(told, "removed "+strings.Join(r.Removed, ", "))
	}
	if told != nil {
		w.note(fmt.Sprintf("%s had results of an earlier run: %s", w.dir, strings.Join(told, "; ")))
	}
	return nil
}

// keepsSearch reports whether an earlier search in the folder is still one of its recipe
// and float network.
func (w *workspace) keepsSearch() bool {
	if _, err := os.Stat(w.path(fileSearch)); err == nil {
		return false // there is a new one
	}
	for _, name := range []string{fileRecipe, fileFloat} {
		if !sameBytes(filepath.Join(w.dir, name), w.path(name)) {
			return false
		}
	}
	return true
}
