// Package pipeline makes what a recipe says, stage by stage, in a folder: data, teacher,
// train, calibrate, quantize, export and verify. Run does them all; Train, Quantize and
// Check do a part, and a Workspace does them one at a time.
//
// A folder's files are the files of Stages. What is in it belongs together: one run at a
// time has it (package folder), results of an earlier run stay until the new results are
// complete, and every stage notes by hash what it read and made (see Stages), so that a
// run which is resumed takes nothing that is of something else.
//
// Networks of images and of sentences go one way through all stages; what differs between
// their samples is the concern of package recipe/material.
//
// Progress and notes go to a Watcher. Errors may carry advice, see Hint.
package pipeline
