package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"qtool/datasets"
	"qtool/datasets/text"
	"qtool/model/sequence"
	"qtool/train"
	qs "qtool/qat/sequence"
	ts "qtool/train/sequence"
)

func main() {
	kind := flag.String("kind", "chunk", "")
	T := flag.Int("T", 5, "")
	words := flag.Int("words", 4, "")
	hidden := flag.Int("hidden", 16, "")
	inputs := flag.Int("inputs", 16, "")
	epochs := flag.Int("epochs", 4, "")
	batch := flag.Int("batch", 100, "")
	lr := flag.Float64("lr", 0.003, "")
	drop := flag.Float64("drop", 0.4, "")
	wd := flag.Float64("wd", 0.05, "")
	seed := flag.Uint64("seed", 1, "")
	pol := flag.Float64("pol", 0, "")
	mask := flag.Bool("mask", false, "")
	patience := flag.Int("patience", 10, "")
	poly := flag.Bool("poly", false, "")
	linear := flag.Bool("linear", false, "")
	corpus := flag.String("corpus", "sst2", "")
	qbits := flag.Int("qbits", 0, "")
	xbits := flag.Int("xbits", 4, "")
	acc := flag.Int("acc", 8, "")
	cr := flag.Int("cr", 2, "")
	freeze := flag.Int("freeze", 0, "")
	qepochs := flag.Int("qepochs", 4, "")
	qlr := flag.Float64("qlr", 0.002, "")
	qdrop := flag.Float64("qdrop", 0.3, "")
	keep := flag.Bool("keep", false, "")
	teacher := flag.Bool("teacher", false, "")
	flag.Parse()
	ctx := context.Background()
	c, err := text.Load(ctx, *corpus, datasets.Options{})
	check(err)
	vec, err := text.LoadVectors(ctx, "glove", 50, datasets.Options{})
	check(err)
	v := text.NewVocabulary(c.Train, vec.Words, 1)
	l := text.FitLogistic(v, c.Train, 1)
	sel := text.Selection{Kind: *kind, Steps: *T}
	if *kind == "chunk" {
		sel.Words = *words
	}
	tr, dev, test := ts.Samples(c.Train, v, sel, l.Weight), ts.Samples(c.Dev, v, sel, l.Weight), ts.Samples(c.Test, v, sel, l.Weight)
	E := 50
	if *pol > 0 {
		E++
	}
	n := &sequence.Network{Cell: "lstm", Embedding: E, Inputs: *inputs, Hidden: *hidden, Steps: *T, Mask: *mask}
	if *poly {
		n.Gates = &sequence.Gates{Degree: 3, Radius: 4, LinearOutput: *linear, Penalty: 10, Inside: 0.85}
	}
	p, err := n.Initialise(v.Len(), *seed)
	check(err)
	tmp := make([]float32, v.Len()*50)
	for i := range v.Words {
		copy(tmp[i*50:], p[0].Data[i*E:i*E+50])
	}
	v.Embed(tmp, vec)
	for i := range v.Words {
		copy(p[0].Data[i*E:i*E+50], tmp[i*50:(i+1)*50])
		if *pol > 0 {
			p[0].Data[i*E+50] = float32(*pol) * l.Weight[i]
		}
	}
	cfg := train.Config{Epochs: *epochs, Batch: *batch, LearningRate: *lr, Schedule: "cosine", Warmup: 0.2, Clip: 1, Patience: *patience}
	s := time.Now()
	r, err := ts.Fit(ctx, ts.Task{Network: n, Params: p, Train: tr, Dev: dev, Config: cfg, Dropout: *drop, WordDropout: *wd, Seed: *seed})
	check(err)
	e, err := ts.NewEvaluator(n, r.Params, nil)
	check(err)
	a, err := e.Accuracy(ctx, test)
	check(err)
	if *qbits > 0 {
		ps := sequence.Network(*n)
		_ = ps
		z, err := qs.Start(ctx, n, r.Params, qs.Config{WeightBits: *qbits, InputBits: *xbits, StateBits: 4, WeightKind: "mse", AccumulatorBits: *acc, CellRange: *cr, Fraction: 20}, tr[:2000])
		check(err)
		e, err := ts.NewEvaluator(n, z.Quantized().Params, z)
		check(err)
		a, err := e.Accuracy(ctx, test)
		check(err)
		d, err := e.Accuracy(ctx, dev)
		check(err)
		cfg.LearningRate, cfg.Epochs = *qlr, *qepochs
		cfg.FreezeScales = *freeze
		var teach []float32
		if *teacher {
			e, err := ts.NewEvaluator(n, r.Params, nil)
			check(err)
			teach, err = e.Logits(ctx, tr)
			check(err)
		}
		r, err := ts.Fit(ctx, ts.Task{KeepWords: *keep, Teacher: teach, Network: n, Params: z.Quantized().Params, Quantizer: z, Train: tr, Dev: dev, Config: cfg, Dropout: *qdrop, WordDropout: *wd, Seed: *seed})
		check(err)
		e, err = ts.NewEvaluator(n, r.Params, z)
		check(err)
		b, err := e.Accuracy(ctx, test)
		check(err)
		h := ""
		for _, x := range r.History {
			h += fmt.Sprintf(" %.4f/%.4f/%.2f", x.Loss, x.Accuracy, 100*x.Validation)
		}
		fmt.Printf("   ptq dev %.2f test %.2f, qat best %d qtest %.2f |%s\n", 100*d, 100*a, r.Best, 100*b, h)
	}
	h := ""
	for _, x := range r.History {
		h += fmt.Sprintf(" %.4f/%.4f/%.2f", x.Loss, x.Accuracy, 100*x.Validation)
	}
	fmt.Printf("%v: best %d test %.2f time %.1f |%s\n", os.Args[1:], r.Best, 100*a, time.Since(s).Seconds(), h)
}
func check(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
