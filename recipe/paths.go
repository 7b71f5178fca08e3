package recipe

import (
	"os"
	"path/filepath"

	"qtool/datasets"
	"qtool/train"
)

// mapPaths gives a copy of the recipe in which every path to a file or folder is
// what f makes of it.
func (r *Recipe) mapPaths(f func(path string) string) *Recipe {
	c := *r
	if dir, ok := datasets.UserFolder(c.Data.Name); ok && dir != "" {
		c.Data.Name = datasets.WithFolder(f(dir))
	}
	if s := c.Sentence; s != nil {
		copied := *s
		copied.Vectors = mapVectors(s.Vectors, f)
		c.Sentence = &copied
	}
	if t := c.Data.Text; t != nil {
		copied := *t
		copied.Vectors = mapVectors(t.Vectors, f)
		c.Data.Text = &copied
	}
	for _, t := range []**train.TeacherConfig{&c.Train.Teacher, &c.Quantize.Finetune.Teacher} {
		if *t != nil && (*t).Checkpoint != "" && (*t).Checkpoint != train.OwnFloat && (*t).Checkpoint != train.RecipeTeacher {
			copied := **t
			copied.Checkpoint = f(copied.Checkpoint)
			*t = &copied
		}
	}
	return &c
}

// mapVectors is what f makes of vectors that are a path.
func mapVectors(vectors string, f func(path string) string) string {
	if vectors == "" || vectors == "none" || vectors == "glove" {
		return vectors
	}
	return f(vectors)
}

// At is the recipe as it must be written to a file in dir: its relative paths are
// relative to dir. A path that has no relative form from there becomes absolute.
func (r *Recipe) At(dir string) *Recipe {
	c := r.mapPaths(func(path string) string {
		if filepath.IsAbs(path) {
			return path
		}
		return relative(dir, filepath.Join(r.Dir, path))
	})
	c.Dir = dir
	return c
}

// relative is path as seen from the folder dir.
func relative(dir, path string) string {
	from, err := filepath.Abs(dir)
	if err != nil {
		return path
	}
	to, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(from, to); err == nil {
		return rel
	}
	return to
}

// typed makes the paths that overrides changed, which are typed in the working
// folder, relative to the recipe's, where they lead to something from there.
func (r *Recipe) typed(before *Recipe) *Recipe {
	if r.Dir == "" {
		return r
	}
	was := map[string]bool{}
	before.mapPaths(func(path string) string {
		was[path] = true
		return path
	})
	return r.mapPaths(func(path string) string {
		if _, err := os.Stat(path); err != nil || was[path] || filepath.IsAbs(path) {
			return path
		}
		return relative(r.Dir, path)
	})
}

// anywhere is the recipe with the last parts of its paths alone, which is the same
// wherever the files lie.
func (r *Recipe) anywhere() *Recipe {
	return r.mapPaths(func(path string) string {
		if base := filepath.Base(path); filepath.IsLocal(base) && base != "." {
			return base
		}
		return path
	})
}
