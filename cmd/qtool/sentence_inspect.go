package main

import (
	"fmt"

	"github.com/jedib0t/go-pretty/v6/table"

	"qtool/internal/whole"
	"qtool/model"
	"qtool/model/sequence"
)

// readerView describes a checkpoint of a network that reads sentences.
type readerView struct {
	File       string               `json:"file"`
	SHA256     string               `json:"sha256"`
	Network    *sequence.Network    `json:"network"`
	Words      int                  `json:"words"`
	Parameters int                  `json:"parameters"`
	Quantizers *sequence.Quantizers `json:"quantizers,omitempty"`
	Provenance model.Provenance     `json:"provenance"`
}

func inspectSentences(a *app, path string, c *sequence.Checkpoint) error {
	v := readerView{File: path, Network: c.Network, Words: len(c.Words), Parameters: c.Params.Count(), Quantizers: c.Quantizers, Provenance: c.Provenance}
	var err error
	if v.SHA256, _, err = whole.SHA256(path); err != nil {
		return err
	}
	if a.json {
		return a.encode(v)
	}
	p := &printer{w: a.stdout}
	p.checkpoint(path, v.SHA256, c.Provenance, fmt.Sprintf("%d words, %d parameters", v.Words, v.Parameters))
	if q := c.Quantizers; q != nil {
		p.f("family: %s; input: %s\n", q.Family, describeQuantizer(q.Input))
	}
	p.f("\n")
	t := newTable()
	t.AppendHeader(table.Row{"tensor", "shape", "numbers"})
	right(t, 3)
	for _, d := range c.Params {
		t.AppendRow(table.Row{d.Name, d.Shape, len(d.Data)})
	}
	p.f("%s\n", t.Render())
	return p.err
}
