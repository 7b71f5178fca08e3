package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/renameio/v2/maybe"

	"qtool/datasets"
	"qtool/explain"
	"qtool/internal/whole"
	"qtool/model"
	"qtool/pipeline/folder"
	"qtool/recipe"
	"qtool/train"
)

// The files of a run folder.
const (
	fileRecipe    = "recipe.yaml"
	fileTeacher   = "teacher.safetensors"
	fileFloat     = "float.safetensors"
	fileQuantized = "quantized.safetensors"
	fileBundle    = "model.qb"
	fileReport    = "report.json"
	fileTraining  = "training.json"

	fileSearch        = "search.json"
	fileSearchPicture = "search.svg"
	dirPoints         = "points" // of run folders: the choices of a search

	// What an interrupted stage leaves for --resume; gone when it is finished.
	stateTeacher = "teacher.state"
	stateFloat   = "float.state"
	stateQAT     = "qat.state"
	stateVerify  = "verify.state"
	stateSearch  = "search.state"
)

// What a fresh quantization, search and training make anew: left from an earlier one,
// these would not belong to this one. What depends on others comes first.
var (
	quantizedFiles = []string{stateVerify, fileHTML, fileReport, fileBundle, stateQAT, fileQuantized}
	searchedFiles  = []string{stateSearch, fileSearchPicture, fileSearch, dirPoints}
	trainedFiles   = slices.Concat(quantizedFiles, searchedFiles, []string{stateFloat, fileFloat, fileTraining, stateTeacher, fileTeacher})
	// floatFiles are what a quantization takes over from the training before it.
	floatFiles = []string{fileFloat, fileTraining, fileTeacher}
)

// workspace is a run folder and what its stages share.
type workspace struct {
	*app
	dir      string
	folder   *folder.Folder // locked; nil before it is opened and after it is closed
	recipe   *recipe.Recipe
	network  *model.Network // the recipe's, as float training begins with it
	resume   bool
	data     *datasets.Dataset
	train    *datasets.Split
	val      *datasets.Split
	training map[string]trainingLog
	// calibrations is the comparison that chose the recipe's, nil for none.
	calibrations *calibrationTable
	// explanation is of the quantized network, nil where none was asked for.
	explanation *explain.Report
}

// trainingLog is the history of one training, kept in training.json; of ptq, which
// trains nothing, it has only Outside.
type trainingLog struct {
	History []train.Epoch `json:"history"`
	Best    int           `json:"best"`
	Seconds float64       `json:"seconds"`
	// Outside says, for every polynomial with an interval, how its inputs lie to
	// it on the images that OutsideOf names.
	Outside   []train.Outside `json:"outside,omitempty"`
	OutsideOf string          `json:"outside_of,omitempty"`
}

// path is where a file of the run is now: in the folder, or in the one inside it where
// new results are kept apart until they are complete.
func (w *workspace) path(name string) string {
	if w.folder == nil {
		return filepath.Join(w.dir, name)
	}
	return w.folder.Path(name)
}

// open creates the folder, loads the data and writes the resolved recipe. Results of an
// earlier run stay in the folder until commit; unfinished work of one that began afresh
// is dropped. inherits are files that the new run takes over.
func (w *workspace) open(ctx context.Context, inherits ...string) error {
	if err := w.load(ctx); err != nil {
		return err
	}
	return w.prepare(inherits...)
}

// prepare is open for data that is loaded already.
func (w *workspace) prepare(inherits ...string) error {
	if w.folder == nil {
		f, err := folder.Open(w.dir)
		if err != nil {
			return lockHint(err)
		}
		w.folder = f
	}
	var err error
	if w.resume {
		err = w.folder.Resume(w.resumable)
	} else {
		err = w.folder.Begin(trainedResults(), unfinishedFiles, inherits)
	}
	if err != nil {
		return err
	}
	if err := w.writeRecipe(); err != nil {
		return err
	}
	return w.readTraining()
}

// writeRecipe keeps the resolved recipe in the folder.
func (w *workspace) writeRecipe() error {
	b, err := w.recipe.Encode()
	if err != nil {
		return err
	}
	return maybe.WriteFile(w.path(fileRecipe), b, 0o644)
}

// note tells of something that is no error.
func (a *app) note(text string) { fmt.Fprintf(a.stderr, "qtool: note: %s\n", text) }

// load reads the dataset and splits its training images.
func (w *workspace) load(ctx context.Context) error {
	r := w.recipe
	var err error
	if w.network, err = r.Build(); err != nil {
		return fmt.Errorf("recipe %s: %w", r.Name, err)
	}
	d, err := w.loadData(ctx, r.Data.Name)
	if err != nil {
		return err
	}
	if err := fitsNetwork(d, w.network); err != nil {
		return fmt.Errorf("recipe %s: dataset %s: %w", r.Name, d.Name, err)
	}
	if err := r.Verify.CheckImages(d.Test.Len(), "images"); err != nil {
		return fmt.Errorf("recipe %s: %w", r.Name, err)
	}
	if n := r.Quantize.Images; r.Quantize.Method != "none" && n > d.Train.Len() {
		return fmt.Errorf("recipe %s: quantize.images: %d, the dataset has %d training images", r.Name, n, d.Train.Len())
	}
	images := d.Train
	if n := r.Data.Images; n > 0 {
		if n > images.Len() {
			return fmt.Errorf("recipe %s: data.images: %d, the dataset has %d training images", r.Name, n, images.Len())
		}
		images = images.First(n)
	}
	w.data, w.train = d, images
	if r.Data.Validation > 0 {
		if w.train, w.val, err = images.Holdout(r.Data.Validation, r.Seed); err != nil {
			return fmt.Errorf("recipe %s: data.validation: %w", r.Name, err)
		}
	}
	return nil
}

func (a *app) loadData(ctx context.Context, name string) (*datasets.Dataset, error) {
	return datasets.Load(ctx, name, datasets.Options{Dir: a.dataDir, Progress: a.progress()})
}

func fitsNetwork(d *datasets.Dataset, n *model.Network) error {
	shapes, err := n.Shapes()
	if err != nil {
		return err
	}
	if fmt.Sprint(d.Shape) != fmt.Sprint(n.Input) {
		return fmt.Errorf("images of shape %v, network.input is %v", d.Shape, n.Input)
	}
	if out := shapes[len(shapes)-1][0]; out != d.Classes {
		return fmt.Errorf("%d classes, the network's last layer has %d units", d.Classes, out)
	}
	return nil
}

// provenance is what a checkpoint of this run says of itself.
func (w *workspace) provenance(stage string) (model.Provenance, error) {
	sum, err := w.recipe.SHA256()
	return model.Provenance{
		Recipe: w.recipe.Name, RecipeSHA256: sum, Dataset: w.data.Name, DatasetSHA256: w.data.SHA256,
		Seed: w.recipe.Seed, Stage: stage, Version: version,
	}, err
}

// identity is what a training state must belong to.
func (w *workspace) identity(stage string) (string, error) {
	p, err := w.provenance(stage)
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(p)
	return string(b), err
}

// finished reads a checkpoint that an earlier, resumed run completed; nil where
// there is none.
func (w *workspace) finished(name, stage string) (*model.Checkpoint, error) {
	if !w.resume {
		return nil, nil
	}
	c, err := model.ReadCheckpoint(w.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	want, err := w.provenance(stage)
	if err != nil {
		return nil, err
	}
	if c.Provenance != want {
		return nil, fmt.Errorf("%s: cannot resume: it is of %+v, this run is %+v", w.path(name), c.Provenance, want)
	}
	return c, nil
}

func (w *workspace) readTraining() (err error) {
	w.training, err = readTrainingLogs(w.path(fileTraining))
	return err
}

// maxStateBytes caps the JSON files that a run keeps for itself in its folder.
const maxStateBytes = 64 << 20

// readTrainingLogs reads a training.json; it is empty where there is none.
func readTrainingLogs(path string) (map[string]trainingLog, error) {
	logs := map[string]trainingLog{}
	b, err := whole.Bytes(path, maxStateBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return logs, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &logs)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if logs == nil { // the file says null
		logs = map[string]trainingLog{}
	}
	return logs, nil
}

func (w *workspace) logTraining(stage string, log trainingLog) error {
	w.training[stage] = log
	b, err := json.MarshalIndent(w.training, "", "  ")
	if err != nil {
		return err
	}
	return maybe.WriteFile(w.path(fileTraining), append(b, '\n'), 0o644)
}

// forgetTraining drops what is known of the training of a float network that gives way to
// one from elsewhere.
func (w *workspace) forgetTraining() error {
	w.training = map[string]trainingLog{}
	for _, name := range []string{fileTraining, fileTeacher} {
		if err := os.Remove(w.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// onePath reports whether two paths are of one existing file or folder.
func onePath(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(x, y)
}

// sameBytes reports whether two files are there and have the same bytes.
func sameBytes(a, b string) bool {
	x, _, errA := fileSHA256(a)
	y, _, errB := fileSHA256(b)
	return errA == nil && errB == nil && x == y
}

// fileSHA256 is the hash and size of a file.
func fileSHA256(path string) (sum string, size int64, err error) {
	f, err := whole.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	if size, err = io.Copy(h, f); err != nil {
		return "", 0, err
	}
	return hex.EncodeToString(h.Sum(nil)), size, nil
}
