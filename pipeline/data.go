package pipeline

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/internal/hint"
	"qtool/model"
	"qtool/recipe"
)

// trainingSplit is what a recipe trains on, and what it holds out, nil for nothing.
func trainingSplit(d *datasets.Dataset, r *recipe.Recipe) (train, val *datasets.Split, err error) {
	train = d.Train
	if n := r.Data.Images; n > 0 {
		train = train.Draw(n, r.Seed)
	}
	if n := r.Data.Validation; n > 0 {
		return train.Holdout(n, r.Seed)
	}
	return train, nil, nil
}

// calibration are the training images that calibrate; a note says which classes
// are not among them though they are trained on.
func (m *Images) calibration() *datasets.Split {
	s := m.train.Draw(m.w.recipe.Quantize.Images, m.w.recipe.Seed)
	have := m.train.PerClass(m.w.data.Classes)
	missing := slices.DeleteFunc(s.Missing(m.w.data.Classes), func(c int) bool { return have[c] == 0 })
	if len(missing) > 0 && !*m.told {
		*m.told = true
		m.w.Note(fmt.Sprintf("%s no %s among the %d of quantize.images", ClassesHave(missing), m.w.data.Unit().One, s.Len()))
	}
	return s
}

// loadData loads a dataset whose name may be relative to the folder base.
func (e *Env) loadData(ctx context.Context, name, base string) (*datasets.Dataset, error) {
	return datasets.Load(ctx, name, datasets.Options{Dir: e.DataDir, Base: base, Progress: e.Downloads})
}

func fitsNetwork(d *datasets.Dataset, n *model.Network) error {
	shapes, err := n.Shapes()
	if err != nil {
		return err
	}
	if fmt.Sprint(d.Shape) != fmt.Sprint(n.Input) {
		return fmt.Errorf("%s of shape %v, network.input is %v", d.Unit().Many, d.Shape, n.Input)
	}
	out := shapes[len(shapes)-1][0]
	if out == d.Classes {
		return nil
	}
	err = fmt.Errorf("%d classes, the network's last layer has %d units", d.Classes, out)
	empty := d.EmptyClasses()
	switch {
	case len(empty) == 0:
		return err
	case len(empty) == 1 && empty[0] == 0 && out == d.Classes-1:
		return hint.With(fmt.Errorf("%w: class 0 has no %s, labels begin at 1", err, d.Unit().One),
			fmt.Sprintf("labels count from 0: take 1 from each of them, or give the last layer %d units, the first of which nothing trains", d.Classes))
	}
	return hint.With(fmt.Errorf("%w: %s no %s", err, ClassesHave(empty), d.Unit().One),
		fmt.Sprintf("labels count from 0 without gaps: renumber them, or give the last layer %d units", d.Classes))
}

// ClassesHave names classes as a sentence begins that says what they have: "class 3 has",
// "classes 1 and 2 have".
func ClassesHave(classes []int) string {
	const most = 10
	names := make([]string, len(classes))
	for i, c := range classes {
		names[i] = strconv.Itoa(c)
	}
	if len(names) == 1 {
		return "class " + names[0] + " has"
	}
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("%d more", len(classes)-most))
	}
	last := len(names) - 1
	return "classes " + strings.Join(names[:last], ", ") + " and " + names[last] + " have"
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
