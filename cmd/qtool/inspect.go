package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"qtool/bundle"
	"qtool/internal/whole"
	"qtool/model"
	"qtool/pipeline"
	"qtool/quant"
)

func newInspectCommand(a *app) *cobra.Command {
	var activation activationOptions
	var o pipeline.Encryption
	plan := false
	cmd := &cobra.Command{
		Use:   "inspect [FILE]",
		Short: "show what a bundle or a checkpoint holds, or what a polynomial makes of an activation",
		Long: withExitStatus(`Inspect reads a .qb bundle or a .safetensors checkpoint, checks it (hashes, shapes,
static bounds, golden vectors), and prints its layers and where it comes from.

The columns of a bundle: the static bound for every possible input, the two's
complement bits that hold it, and the bits of the calibration range.

With --plan it shows how a packed back end would evaluate a bundle, as qtool plan does
for every back end, layer by layer: where values stand, products and rotations, ciphertext primes, predicted time and
precision, and the time that a run measured whose report.json lies beside the bundle.

With --activation it shows instead how polynomials of one degree approximate a
function on an interval: coefficients, the worst error and where it is, the root
mean square error, and the error drawn over the interval. Every worst error is of
the coefficients as printed with --json; of the minimax fit it is also told how
far below it any polynomial of that degree could get at most.`),
		Example: `  qtool inspect lenet/model.qb
  qtool inspect lenet/quantized.safetensors --json
  qtool inspect --plan lenet/model.qb
  qtool inspect --activation sigmoid --degree 3
  qtool inspect --activation relu --degree 6 --interval -3,5 --method minimax --plot relu.svg`,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := goWith(cmd, "activation", activation.function != "", "degree", "interval", "method", "plot"); err != nil {
				return err
			}
			if err := goWith(cmd, "plan", plan, "backend", "log-n", "precision"); err != nil {
				return err
			}
			if activation.function == "" {
				return cobra.ExactArgs(1)(cmd, args)
			}
			if len(args) > 0 || plan {
				return fmt.Errorf("inspect takes a file or --activation, not both")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if activation.function != "" {
				return runInspectActivation(a, activation)
			}
			if plan {
				f, err := bundle.ReadFile(args[0])
				if err != nil {
					return err
				}
				return inspectPlan(cmd.Context(), a, args[0], f, o)
			}
			return runInspect(a, args[0])
		},
	}
	activation.register(cmd)
	cmd.Flags().BoolVar(&plan, "plan", false, "show how a packed back end evaluates the bundle")
	cmd.Flags().StringVar(&o.Backend, "backend", "packed-ckks", "with --plan: packed-ckks or packed-bgv")
	registerPacked(cmd, &o)
	return cmd
}

// goWith refuses flags that say nothing without another one, which is set or not.
func goWith(cmd *cobra.Command, other string, set bool, names ...string) error {
	for _, name := range names {
		if !set && cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s goes with --%s", name, other)
		}
	}
	return nil
}

func runInspect(a *app, path string) error {
	kind, err := sniff(path)
	if err != nil {
		return err
	}
	if kind == ".qb" {
		f, err := bundle.ReadFile(path)
		if err != nil {
			return err
		}
		return inspectBundle(a, path, f)
	}
	c, err := model.ReadCheckpoint(path)
	if err != nil {
		return err
	}
	return inspectCheckpoint(a, path, c)
}

// sniff tells a bundle (a zip) from a checkpoint by its first bytes.
func sniff(path string) (string, error) {
	f, err := whole.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	head := make([]byte, 4)
	if _, err := io.ReadFull(f, head); err != nil {
		return "", fmt.Errorf("%s is too short to be a bundle or a checkpoint", path)
	}
	if strings.HasPrefix(string(head), "PK") {
		return ".qb", nil
	}
	return ".safetensors", nil
}

type bundleView struct {
	File       string            `json:"file"`
	SHA256     string            `json:"sha256"`
	Bytes      int64             `json:"bytes"`
	Input      bundle.Input      `json:"input"`
	Labels     []string          `json:"labels"`
	Layers     []layerRow        `json:"layers"`
	Golden     int               `json:"golden_inputs"`
	Provenance bundle.Provenance `json:"provenance"`
	Encoder    encoderView       `json:"encoder"`
	Client     *textView         `json:"client,omitempty"` // as Encoder.Text
}

func inspectBundle(a *app, path string, f *bundle.File) error {
	v := bundleView{File: path, Input: f.Program.Input, Labels: f.Program.Labels, Golden: len(f.Golden.Inputs), Provenance: f.Provenance}
	v.Layers = layerRows(f.Program, nil)
	var err error
	if v.SHA256, v.Bytes, err = whole.SHA256(path); err != nil {
		return err
	}
	if err := v.encoder(f); err != nil {
		return err
	}
	if a.json {
		return a.encode(v)
	}
	p := &printer{w: a.stdout}
	p.f("%s: integer bundle of recipe %s, seed %d, on %s; %s\n", path, v.Provenance.Recipe, v.Provenance.Seed, v.Provenance.Dataset, size(v.Bytes))
	p.f("SHA-256 %s\n", v.SHA256)
	p.f("input %v, %s; %d labels; %d golden inputs replayed\n\n", v.Input.Shape, describeQuantizer(v.Input.Quantizer), len(v.Labels), v.Golden)
	p.encoder(v)
	p.f("%s\n", layersTable(v.Layers))
	return p.err
}

func describeQuantizer(q quant.Params) string {
	kind := "unsigned"
	if q.Signed {
		kind = "signed"
	}
	return fmt.Sprintf("%d bits %s, scale %.6g, zero point %d", q.Bits, kind, q.Scale, q.ZeroPoint)
}

// describeStates says in which numbers a recurrent layer computes.
func describeStates(r model.RecurrentQuantizer) string {
	if r.Fraction > 0 {
		return fmt.Sprintf("fixed point with %d bits behind the point, gates are polynomials", r.Fraction)
	}
	text := fmt.Sprintf("%d bits, gates are tables", r.StateBits)
	if r.CellRange > 0 {
		text += fmt.Sprintf(", cell states up to %d", r.CellRange)
	}
	return text
}

type checkpointView struct {
	File       string            `json:"file"`
	SHA256     string            `json:"sha256"`
	Network    *model.Network    `json:"network"`
	Words      int               `json:"words,omitempty"` // of its vocabulary
	Parameters int               `json:"parameters"`
	Quantizers *model.Quantizers `json:"quantizers,omitempty"`
	Provenance model.Provenance  `json:"provenance"`
}

func inspectCheckpoint(a *app, path string, c *model.Checkpoint) error {
	v := checkpointView{File: path, Network: c.Network, Words: len(c.Words), Parameters: c.Params.Count(), Quantizers: c.Quantizers, Provenance: c.Provenance}
	var err error
	if v.SHA256, _, err = whole.SHA256(path); err != nil {
		return err
	}
	if a.json {
		return a.encode(v)
	}
	shapes, err := c.Network.Shapes()
	if err != nil {
		return err
	}
	p := &printer{w: a.stdout}
	count := fmt.Sprintf("%d parameters", v.Parameters)
	if v.Words > 0 {
		count = fmt.Sprintf("%d words, %s", v.Words, count)
	}
	p.checkpoint(path, v.SHA256, c.Provenance, count)
	if c.Quantizers != nil {
		p.f("input: %s\n", describeQuantizer(c.Quantizers.Input))
		for _, r := range c.Quantizers.Recurrent {
			p.f("states of %s: %s\n", r.Layer, describeStates(r))
		}
	}
	p.f("\n")
	t := newTable()
	// What layers read is of interest where it is not the one before.
	chain := c.Network.IsChain()
	sources, err := c.Network.Sources()
	if err != nil {
		return err
	}
	if chain {
		t.AppendHeader(table.Row{"layer", "type", "output", "parameters", "weight grid"})
		right(t, 4)
	} else {
		t.AppendHeader(table.Row{"layer", "type", "inputs", "output", "parameters", "weight grid"})
		right(t, 5)
	}
	for i, l := range c.Network.Layers {
		count := ""
		if n := c.Params.CountOf(l); n > 0 {
			count = fmt.Sprint(n)
		}
		row := table.Row{l.Name, l.Type}
		if !chain {
			row = append(row, inputsOf(c.Network, sources[i], i))
		}
		t.AppendRow(append(row, fmt.Sprint(shapes[i]), count, weightGrid(c.Quantizers, l.Name)))
	}
	p.f("%s\n", t.Render())
	return p.err
}

// checkpoint says what a checkpoint file is of, and how much is in it.
func (p *printer) checkpoint(path, sum string, from model.Provenance, count string) {
	p.f("%s: %s checkpoint of recipe %s, seed %d, on %s; %s\nSHA-256 %s\n", path, from.Stage, from.Recipe, from.Seed, from.Dataset, count, sum)
}

// inputsOf names the tensors that layer i reads, or nothing where that is just the
// one before.
func inputsOf(n *model.Network, from []int, i int) string {
	if len(from) == 1 && from[0] == i-1 {
		return ""
	}
	names := make([]string, len(from))
	for k, f := range from {
		if names[k] = model.InputName; f != model.Input {
			names[k] = n.Layers[f].Name
		}
	}
	return strings.Join(names, ", ")
}

func weightGrid(q *model.Quantizers, layer string) string {
	if q == nil {
		return ""
	}
	for _, w := range q.Weights {
		if w.Layer == layer {
			if len(w.Scales) == 1 {
				return fmt.Sprintf("%d bits, scale %.6g", w.Bits, w.Scales[0])
			}
			return fmt.Sprintf("%d bits, %d scales", w.Bits, len(w.Scales))
		}
	}
	return ""
}

// encode prints a value as indented JSON.
func (a *app) encode(v any) error {
	e := json.NewEncoder(a.stdout)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
