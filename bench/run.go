package bench

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
	"unicode"
)

// Options say what Run measures.
type Options struct {
	Recipes []string
	Data    string // folder of datasets, looked at before $QTOOL_DATA
	Kernels bool   // measure peaks, kernels and look-ups of some widths too
	// Rounds is how often each figure is measured; Steps is of a round of
	// training; Slice is how long a kernel runs in a round.
	Rounds, Steps int
	Slice         time.Duration
	// Command makes the command of a process that calls Serve, with the kernels in
	// use or with portable ones.
	Command func(ctx context.Context, portable bool) *exec.Cmd
	// Portable is whether there is a second process, of portable kernels.
	Portable bool
	// Short leaves portable kernels out of long tasks.
	Short bool
	// Profile, if not empty, is a folder for a CPU profile of the last round of each
	// of a recipe's tasks, with the kernels in use.
	Profile string
	// Progress, if not nil, is told of each round that begins, and of long ones how
	// far they are; total may grow.
	Progress func(done, total int, what string)
}

// Result is what Run found.
type Result struct {
	Schema  int      `json:"schema"` // 1
	Machine *Machine `json:"machine"`
	Rounds  int      `json:"rounds"`
	// Portable says that there are figures of portable kernels.
	Portable bool     `json:"portable"`
	Figures  []Figure `json:"figures"`
	// Programs has, by recipe, the SHA-256 of the program that a few steps of
	// training made, the same with portable kernels.
	Programs map[string]string `json:"programs,omitempty"`
	Seconds  float64           `json:"seconds"`
	// Comparison is what Compare compared with; nil where it was not asked for.
	Comparison *Comparison `json:"comparison,omitempty"`
}

// Run measures. It returns an error, and no result, if an encrypted logit differs
// from the integer program's, or a program with portable kernels from that with
// the kernels in use.
func Run(ctx context.Context, o Options) (*Result, error) {
	begin := time.Now()
	m, err := ThisMachine()
	if err != nil {
		return nil, err
	}
	r := &runner{Options: o, result: &Result{Schema: 1, Machine: m, Rounds: o.Rounds, Portable: o.Portable, Programs: map[string]string{}}}
	for _, portable := range []bool{false, true} {
		if portable && !o.Portable {
			continue
		}
		p, err := start(o.Command(ctx, portable))
		if err != nil {
			return nil, err
		}
		defer p.stop()
		r.processes = append(r.processes, p)
	}
	peaks := map[Bound]float64{}
	if o.Kernels {
		if err := r.measureKernels(ctx, peaks); err != nil {
			return nil, err
		}
	}
	for i, name := range o.Recipes {
		r.ahead = (len(o.Recipes) - i - 1) * 4 * o.Rounds * len(r.processes)
		if err := r.measureRecipe(ctx, name); err != nil {
			return nil, err
		}
	}
	for i := range r.result.Figures {
		r.result.Figures[i].complete(peaks)
	}
	r.result.Seconds = time.Since(begin).Seconds()
	return r.result, nil
}

type runner struct {
	Options
	result      *Result
	processes   []*process
	done, ahead int // rounds
}

func (r *runner) measureKernels(ctx context.Context, of map[Bound]float64) error {
	var tasks []Task
	for _, k := range peaks() {
		tasks = append(tasks, k.Task)
	}
	for _, k := range kernels() {
		tasks = append(tasks, k.Task)
	}
	tasks = append(tasks, tableTasks()...)
	r.ahead = len(r.Recipes) * 4 * r.Rounds * len(r.processes)
	if err := r.measure(ctx, tasks); err != nil {
		return err
	}
	for _, f := range r.result.Figures {
		if f.Kind == Peak && f.Active != nil {
			of[f.Bound] = f.Active.Median
		}
	}
	return nil
}

func (r *runner) measureRecipe(ctx context.Context, name string) error {
	var d *Description
	for k, p := range r.processes {
		r.progress(name + ": data and a few steps of training")
		a, err := p.ask(ctx, request{Describe: name, Data: r.Data, Steps: r.Steps}, nil)
		if err != nil {
			return err
		}
		if err := a.err(); err != nil {
			return err
		}
		if k == 0 {
			d = a.Description
		} else if a.Description.SHA256 != d.SHA256 {
			return fmt.Errorf("bench: recipe %s: training with %s kernels gave the program %s, with portable ones %s", name, r.result.Machine.Kernels, d.SHA256, a.Description.SHA256)
		}
	}
	if d.SHA256 != "" {
		r.result.Programs[name] = d.SHA256
	}
	return r.measure(ctx, d.Tasks)
}

func (r *runner) progress(what string) {
	if r.Progress != nil {
		r.Progress(r.done, r.done+r.ahead, what)
	}
}

// measure adds figures: of each task all rounds, the processes in turn.
func (r *runner) measure(ctx context.Context, tasks []Task) error {
	for _, t := range tasks {
		rounds, processes, _ := r.extent(t)
		r.ahead += rounds * len(processes)
	}
	for _, t := range tasks {
		f := Figure{Task: t}
		rounds, processes, leftOut := r.extent(t)
		f.LeftOut = leftOut
		values, cpu, notes := make([][]float64, len(processes)), make([][]float64, len(processes)), make([]string, len(processes))
		for range rounds {
			for k := range processes {
				if f.Skipped == "" {
					a, err := r.round(ctx, t, k)
					if err != nil {
						return err
					}
					f.Skipped = a.Error
					if a.Value > 0 { // portable code has no peak of its own
						values[k], notes[k] = append(values[k], a.Value), a.Note
					}
					if a.CPU > 0 {
						cpu[k] = append(cpu[k], a.CPU)
					}
				}
				r.done++
				r.ahead--
			}
		}
		for k, v := range values {
			if f.Skipped != "" || len(v) == 0 {
				continue
			}
			if s := newSample(v, cpu[k], notes[k]); k == 0 {
				f.Active = s
			} else {
				f.Portable = s
			}
		}
		r.result.Figures = append(r.result.Figures, f)
	}
	return nil
}

// round has process k measure a round of a task.
func (r *runner) round(ctx context.Context, t Task, k int) (answer, error) {
	what := describe(t, k > 0)
	r.progress(what)
	q := request{Task: t, Data: r.Data, Steps: r.Steps, Slice: int(r.Slice.Milliseconds())}
	if r.Profile != "" && k == 0 && t.Recipe != "" {
		q.Profile = filepath.Join(r.Profile, profileName(t))
	}
	return r.processes[k].ask(ctx, q, func(share float64) { r.progress(fmt.Sprintf("%s: %.0f %%", what, 100*share)) })
}

// extent is how often a task is measured, and in which processes; leftOut says why
// not in all.
func (r *runner) extent(t Task) (rounds int, processes []*process, leftOut string) {
	if !t.Long {
		return r.Rounds, r.processes, ""
	}
	if r.Short && len(r.processes) > 1 {
		return 1, r.processes[:1], "with portable kernels it takes longer still: not in a quick run"
	}
	return 1, r.processes, ""
}

// profileName is a task's file: its recipe and its name's words.
func profileName(t Task) string {
	recipe := strings.TrimSuffix(filepath.Base(t.Recipe), ".yaml")
	words := strings.FieldsFunc(t.Name, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) })
	return recipe + "-" + strings.Join(words, "-") + ".pprof"
}

func describe(t Task, portable bool) string {
	what := t.Name
	if t.Recipe != "" {
		what = t.Recipe + ": " + what
	}
	if portable {
		what += " (portable)"
	}
	return what
}
