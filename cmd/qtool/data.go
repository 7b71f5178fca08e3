package main

import (
	"bytes"
	"context"
	"fmt"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"qtool/datasets"
	"qtool/datasets/text"
	"qtool/internal/whole"
	"qtool/recipe/material"
)

// datasets is where datasets are looked for.
func (a *app) datasets() datasets.Options {
	return datasets.Options{Dir: a.dataDir, Progress: a.progress()}
}

func newDataCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "data",
		Short: "list, fetch and look at datasets",
		Long: withExitStatus(`Data shows the datasets that recipes use. They are looked up in --data, then in
$QTOOL_DATA, then in the user cache, and at last downloaded (SHA-256 checked).

  digits    generated handwritten-like digits; nothing to download
  mnist     LeCun's handwritten digits
  idx:DIR   your own images: a folder with the four files of MNIST's names and format

and corpora of sentences, which are read from --data or $QTOOL_DATA:

  sentences  generated short reviews; nothing to read
  sst2       Stanford Sentiment Treebank, two classes: phrases to train, sentences to test
  uci        UCI's Sentiment Labelled Sentences`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDataListCommand(a), newDataFetchCommand(a), newDataShowCommand(a))
	return cmd
}

func newDataListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "name the datasets",
		Long:    withExitStatus("List names the datasets that can be loaded by name."),
		Example: "  qtool data list",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			names := append(datasets.Names(), text.Names()...)
			if a.json {
				return a.encode(names)
			}
			p := &printer{w: a.stdout}
			for _, n := range names {
				p.f("%s\n", n)
			}
			return p.err
		},
	}
}

func newDataFetchCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "fetch NAME",
		Short:   "load a dataset, downloading it if need be, and describe it",
		Long:    withExitStatus("Fetch loads a dataset, which puts it into the user cache if it had to be\ndownloaded, checks it, and prints its shape, sizes and content hash."),
		Example: "  qtool data fetch mnist",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return runDataFetch(cmd.Context(), a, args[0]) },
	}
}

type datasetView struct {
	Name     string `json:"name"`
	Shape    []int  `json:"shape"`
	Classes  int    `json:"classes"`
	Training []int  `json:"training_per_class"`
	Test     []int  `json:"test_per_class"`
	SHA256   string `json:"sha256"`
}

func runDataFetch(ctx context.Context, a *app, name string) error {
	if text.Known(name) {
		return fetchCorpus(ctx, a, name)
	}
	d, err := datasets.Load(ctx, name, a.datasets())
	if err != nil {
		return err
	}
	v := datasetView{d.Name, d.Shape, d.Classes, d.Train.PerClass(d.Classes), d.Test.PerClass(d.Classes), d.SHA256}
	if a.json {
		return a.encode(v)
	}
	p := &printer{w: a.stdout}
	p.f("%s: %s of shape %v, %d classes\ncontent SHA-256 %s\n\n", v.Name, d.Unit().Many, v.Shape, v.Classes, v.SHA256)
	t := newTable()
	t.AppendHeader(table.Row{"class", "training", "test"})
	right(t, 2, 3)
	for c := range v.Classes {
		t.AppendRow(table.Row{c, v.Training[c], v.Test[c]})
	}
	t.AppendFooter(table.Row{"all", d.Train.Len(), d.Test.Len()})
	p.f("%s\n", t.Render())
	if empty := d.EmptyClasses(); len(empty) > 0 {
		p.f("\n%s no %s; labels count from 0\n", material.ClassesHave(empty), d.Unit().One)
	}
	return p.err
}

// corpusView describes a corpus; counts are of negative and positive sentences.
type corpusView struct {
	Name     string `json:"name"`
	Training [2]int `json:"training_per_class"`
	Dev      [2]int `json:"dev_per_class"`
	Test     [2]int `json:"test_per_class"`
	SHA256   string `json:"sha256"`
}

func fetchCorpus(ctx context.Context, a *app, name string) error {
	c, err := text.Load(ctx, name, datasets.Options{Dir: a.dataDir})
	if err != nil {
		return err
	}
	count := func(all []text.Sentence) (n [2]int) {
		for _, s := range all {
			n[s.Label]++
		}
		return n
	}
	v := corpusView{c.Name, count(c.Train), count(c.Dev), count(c.Test), c.SHA256}
	if a.json {
		return a.encode(v)
	}
	p := &printer{w: a.stdout}
	p.f("%s: sentences, 2 classes\ncontent SHA-256 %s\n\n", v.Name, v.SHA256)
	t := newTable()
	t.AppendHeader(table.Row{"class", "training", "dev", "test"})
	right(t, 2, 3, 4)
	for k, label := range text.Labels {
		t.AppendRow(table.Row{label, v.Training[k], v.Dev[k], v.Test[k]})
	}
	t.AppendFooter(table.Row{"all", len(c.Train), len(c.Dev), len(c.Test)})
	p.f("%s\n", t.Render())
	return p.err
}

func newDataShowCommand(a *app) *cobra.Command {
	var out, split string
	var rows, columns int
	cmd := &cobra.Command{
		Use:     "show NAME",
		Short:   "draw the first images as a PNG",
		Long:    withExitStatus("Show writes a contact sheet of a dataset's first images."),
		Example: "  qtool data show digits --out digits.png\n  qtool data show mnist --split test --rows 20 --columns 20 --out mnist.png",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := datasets.Load(cmd.Context(), args[0], a.datasets())
			if err != nil {
				return err
			}
			s, ok := map[string]*datasets.Split{"train": d.Train, "test": d.Test}[split]
			if !ok {
				return fmt.Errorf("split %q is unknown: want train or test", split)
			}
			var png bytes.Buffer
			if err := datasets.ContactSheet(&png, s, rows, columns); err != nil {
				return err
			}
			if out == "-" {
				_, err := a.stdout.Write(png.Bytes())
				return err
			}
			if err := whole.WriteFile(out, png.Bytes()); err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.stdout, "wrote %s\n", out)
			return err
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "PNG file, or - for stdout (required)")
	cmd.Flags().StringVar(&split, "split", "train", "train or test")
	cmd.Flags().IntVar(&rows, "rows", 10, "rows of images")
	cmd.Flags().IntVar(&columns, "columns", 20, "columns of images")
	cmd.MarkFlagRequired("out")
	return cmd
}
