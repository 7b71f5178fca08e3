package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"qtool/bundle"
	"qtool/model"
	"qtool/quant"
)

func newInspectCommand(a *app) *cobra.Command {
	var o activationOptions
	cmd := &cobra.Command{
		Use:   "inspect [FILE]",
		Short: "show what a bundle or a checkpoint holds, or what a polynomial makes of an activation",
		Long: withExitStatus(`Inspect reads a .qb bundle or a .safetensors checkpoint, checks it (hashes, shapes,
proved ranges, golden vectors), and prints its layers and where it comes from.

The columns of a bundle: the range proved for every possible input, the two's
complement bits that hold it, and the bits that calibration images really used.

With --activation it shows instead how polynomials of one degree approximate a
function on an interval: coefficients, the worst error and where it is, the root
mean square error, and the error drawn over the interval. Every worst error is of
the coefficients as printed with --json; of the minimax fit it is also told how
far below it any polynomial of that degree could get at most.`),
		Example: `  qtool inspect lenet/model.qb
  qtool inspect lenet/quantized.safetensors --json
  qtool inspect --activation sigmoid --degree 3
  qtool inspect --activation relu --degree 6 --interval -3,5 --method minimax --plot relu.svg`,
		Args: func(cmd *cobra.Command, args []string) error {
			if o.function != "" {
				if len(args) > 0 {
					return fmt.Errorf("inspect takes a file or --activation, not both")
				}
				return nil
			}
			for _, name := range []string{"degree", "interval", "method", "plot"} {
				if cmd.Flags().Changed(name) {
					return fmt.Errorf("--%s goes with --activation", name)
				}
			}
			return cobra.ExactArgs(1)(cmd, args)
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if o.function != "" {
				return runInspectActivation(a, o)
			}
			return runInspect(a, args[0])
		},
	}
	o.register(cmd)
	return cmd
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
	f, err := os.Open(path)
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
}

func inspectBundle(a *app, path string, f *bundle.File) error {
	v := bundleView{File: path, Input: f.Program.Input, Labels: f.Program.Labels, Golden: len(f.Golden.Inputs), Provenance: f.Provenance}
	v.Layers = layerRows(f.Program, nil)
	var err error
	if v.SHA256, v.Bytes, err = fileSHA256(path); err != nil {
		return err
	}
	if a.json {
		return a.encode(v)
	}
	p := &printer{w: a.stdout}
	p.f("%s: integer bundle of recipe %s, seed %d, on %s; %s\n", path, v.Provenance.Recipe, v.Provenance.Seed, v.Provenance.Dataset, size(v.Bytes))
	p.f("SHA-256 %s\n", v.SHA256)
	p.f("input %v, %s; %d labels; %d golden inputs replayed\n\n", v.Input.Shape, describeQuantizer(v.Input.Quantizer), len(v.Labels), v.Golden)
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

type checkpointView struct {
	File       string            `json:"file"`
	SHA256     string            `json:"sha256"`
	Network    *model.Network    `json:"network"`
	Parameters int               `json:"parameters"`
	Quantizers *model.Quantizers `json:"quantizers,omitempty"`
	Provenance model.Provenance  `json:"provenance"`
}

func inspectCheckpoint(a *app, path string, c *model.Checkpoint) error {
	v := checkpointView{File: path, Network: c.Network, Parameters: c.Params.Count(), Quantizers: c.Quantizers, Provenance: c.Provenance}
	var err error
	if v.SHA256, _, err = fileSHA256(path); err != nil {
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
	p.f("%s: %s checkpoint of recipe %s, seed %d, on %s; %d parameters\n", path, c.Provenance.Stage, c.Provenance.Recipe, c.Provenance.Seed, c.Provenance.Dataset, v.Parameters)
	p.f("SHA-256 %s\n", v.SHA256)
	if c.Quantizers != nil {
		p.f("input: %s\n", describeQuantizer(c.Quantizers.Input))
	}
	p.f("\n")
	t := newTable()
	t.AppendHeader(table.Row{"layer", "type", "output", "parameters", "weight grid"})
	right(t, 4)
	for i, l := range c.Network.Layers {
		w, b := c.Params.Of(l.Name)
		count := ""
		if l.Weighted() {
			count = fmt.Sprint(len(w) + len(b))
		} else if theta := c.Params.Coefficients(l.Name); theta != nil {
			count = fmt.Sprint(len(theta))
		}
		t.AppendRow(table.Row{l.Name, l.Type, fmt.Sprint(shapes[i]), count, weightGrid(c.Quantizers, l.Name)})
	}
	p.f("%s\n", t.Render())
	return p.err
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
