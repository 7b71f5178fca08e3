package pipeline

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/recipe"
	"qtool/recipe/material"
)

// calibration are the training samples that calibrate; a note says which classes
// are not among them though they are trained on.
func (m *Material) calibration() *datasets.Split {
	s := m.Calibration()
	have := m.Train.PerClass(m.Data.Classes)
	missing := slices.DeleteFunc(s.Missing(m.Data.Classes), func(c int) bool { return have[c] == 0 })
	if len(missing) > 0 && !*m.told {
		*m.told = true
		m.w.Note(fmt.Sprintf("%s no %s among the %d of quantize.images", material.ClassesHave(missing), m.Unit().One, s.Len()))
	}
	return s
}

// loadData loads a dataset whose name may be relative to the folder base.
func (e *Env) loadData(ctx context.Context, name, base string) (*datasets.Dataset, error) {
	return datasets.Load(ctx, name, datasets.Options{Dir: e.DataDir, Base: base, Progress: e.Downloads})
}

func itOrThem(classes []int) string {
	if len(classes) == 1 {
		return "it"
	}
	return "them"
}

// knownData is the dataset that a bundle in a folder was made with, which is known
// by its content: it may lie where the recipe beside the bundle says, if that is
// the bundle's, or wherever the name leads from the folder, --data and QTOOL_DATA.
func (e *Env) knownData(ctx context.Context, prov bundle.Provenance, dir string) (*datasets.Dataset, error) {
	name := prov.Dataset
	if _, own := datasets.UserFolder(name); !own {
		return e.loadData(ctx, name, "")
	}
	if r, err := recipe.Load(filepath.Join(dir, FileRecipe), nil); err == nil {
		if sum, err := r.SHA256(); err == nil && sum == prov.RecipeSHA256 {
			name = r.Data.Name
		}
	}
	return datasets.Load(ctx, name, datasets.Options{Dir: e.DataDir, Base: dir, SHA256: prov.DatasetSHA256})
}
