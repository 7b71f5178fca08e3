package report

import "fmt"

// costView is what the run took.
type costView struct {
	Phases figure
	Time   []fact
	Bytes  []fact
}

// fact is a line of a description list. Code is shown in fixed width.
type fact struct {
	Name, Value string
	Code        bool
}

func (in *Input) cost() costView {
	r := in.Report
	s := r.Seconds
	v := costView{Phases: placeholder("Nothing was encrypted.")}
	if total := s.Encrypted(); total > 0 {
		var bars []bar
		for _, p := range []struct {
			name    string
			seconds float64
		}{{"keygen", s.Keygen}, {"encrypt", s.Encrypt}, {"evaluate", s.Evaluate}, {"decrypt", s.Decrypt}} {
			bars = append(bars, bar{Label: p.name, Value: p.seconds, Text: fmt.Sprintf("%s, %s %%", duration(p.seconds), fixed(100*p.seconds/total, 0))})
		}
		n := in.encryptedImages()
		v.Phases = figure{barChart("Seconds of each phase of the encrypted run", bars), fmt.Sprintf("%s for %s, %s %s.", duration(total), in.count(n), duration(total/float64(max(n, 1))), in.unit().A())}
		if b := r.Backend; b != nil && b.Slots > 1 {
			v.Phases.Caption += fmt.Sprintf(" A batch holds up to %s and takes the same time for one, so this is throughput.", in.count(b.Slots))
			if n < b.Slots {
				v.Phases.Caption += fmt.Sprintf(" This run filled %s of one batch; a full one is cheaper %s.", share(n, b.Slots), in.unit().A())
			}
		}
	}
	for _, t := range []struct {
		name    string
		seconds float64
	}{{"training", s.Train}, {"quantization", s.Quantize}, {"integer reference", s.Integer}, {"encrypted run", s.Encrypted()}} {
		if t.seconds > 0 {
			v.Time = append(v.Time, fact{Name: t.name, Value: duration(t.seconds)})
		}
	}
	for _, b := range []struct {
		name  string
		bytes int64
		zero  bool // 0 is a figure, not a missing one
	}{
		{"bundle", r.Bytes.Bundle, false},
		{"ciphertexts in, a full batch", r.Bytes.CiphertextIn, false},
		{"ciphertexts out, a full batch", r.Bytes.CiphertextOut, false},
		{"evaluation keys", r.Bytes.Keys, r.Backend != nil},
		{"peak memory", r.PeakRSSBytes, false},
	} {
		if b.bytes > 0 || b.zero {
			v.Bytes = append(v.Bytes, fact{Name: b.name, Value: size(b.bytes)})
		}
	}
	return v
}
