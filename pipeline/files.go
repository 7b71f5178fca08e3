package pipeline

import "slices"

// The files of a run folder.
const (
	FileRecipe    = "recipe.yaml"
	FileTeacher   = "teacher.safetensors"
	FileFloat     = "float.safetensors"
	FileQuantized = "quantized.safetensors"
	FileBundle    = "model.qb"
	FileReport    = "report.json"
	FileHTML      = "report.html"
	FileTraining  = "training.json"

	// Those of a search, which package tune makes.
	FileSearch        = "search.json"
	FileSearchPicture = "search.svg"
	DirPoints         = "points" // of run folders: the choices of a search

	// What an interrupted stage leaves for a run that resumes; gone when it is finished.
	StateVerify  = "verify.state"
	StateSearch  = "search.state"
	stateTeacher = "teacher.state"
	stateFloat   = "float.state"
	stateQAT     = "qat.state"
)

// What a fresh quantization, search and training make anew: left from an earlier one,
// these would not belong to this one. What depends on others comes first.
var (
	quantizedFiles = []string{StateVerify, FileHTML, FileReport, FileBundle, stateQAT, FileQuantized}
	searchedFiles  = []string{StateSearch, FileSearchPicture, FileSearch, DirPoints}
	trainedFiles   = slices.Concat(quantizedFiles, searchedFiles, []string{stateFloat, FileFloat, FileTraining, stateTeacher, FileTeacher})
	// FloatFiles are what a quantization takes over from the training before it.
	FloatFiles = []string{FileFloat, FileTraining, FileTeacher, recordsFile}
)

// unfinishedFiles are what interrupted stages leave in a folder without results: states,
// and records of stages whose results are not there any more.
var unfinishedFiles = []string{stateTeacher, stateFloat, stateQAT, StateVerify, StateSearch, recordsFile}

// trainedResults are the files of a folder that someone may have waited for.
func trainedResults() []string {
	return slices.DeleteFunc(slices.Clone(trainedFiles), func(name string) bool { return slices.Contains(unfinishedFiles, name) })
}

// maxStateBytes caps the JSON files that a run keeps for itself in its folder.
const maxStateBytes = 64 << 20
