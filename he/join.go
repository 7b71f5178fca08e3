package he

import "slices"

// Join is what one run on all samples of several runs of an executor, in their order,
// would have given: answers one behind the other, seconds added up, the bytes of the
// last run. Of accounts it has
//
//	Noise        the least budget
//	NodeSeconds  the sums
//	*Latency     the medians, the first run's First, the longest Encode
//	*Lookups     the sums, and means weighted by look-ups; samples are counted through
//	Domains      the widest use
//
// It has no Answers where there are no runs, and panics where runs have answers of
// different kinds. It changes none of the runs.
func Join(runs []*Result) *Result {
	all := &Result{}
	for k, r := range runs {
		if k == 0 {
			all.Answers = clone(r.Answers)
		} else {
			all.Answers = all.Answers.followed(r.Answers)
		}
		t, u := &all.Cost.Seconds, r.Cost.Seconds
		t.Keygen, t.Encrypt, t.Evaluate, t.Decrypt = t.Keygen+u.Keygen, t.Encrypt+u.Encrypt, t.Evaluate+u.Evaluate, t.Decrypt+u.Decrypt
		all.Cost.Bytes = r.Cost.Bytes
	}
	joinAccounts(all, runs, joinNoise)
	joinAccounts(all, runs, joinNodeSeconds)
	joinAccounts(all, runs, joinLatencies)
	joinAccounts(all, runs, joinLookups)
	joinAccounts(all, runs, joinDomains)
	return all
}

// clone keeps what is appended to the answers away from a run's own.
func clone(a Answers) Answers {
	switch a := a.(type) {
	case Exact:
		return slices.Clip(a)
	case Approximate:
		a.Reals = slices.Clip(a.Reals)
		return a
	}
	return a
}

// part is a run's account, and the number of the run's first sample among all.
type part[A Account] struct {
	account A
	from    int
}

// joinAccounts adds the accounts of type A of all runs, joined, if there are any.
func joinAccounts[A Account](all *Result, runs []*Result, join func([]part[A]) A) {
	var parts []part[A]
	from := 0
	for _, r := range runs {
		if a, ok := AccountOf[A](r); ok {
			parts = append(parts, part[A]{a, from})
		}
		from += r.Answers.Len()
	}
	if len(parts) > 0 {
		all.Accounts = append(all.Accounts, join(parts))
	}
}

func joinNoise(parts []part[Noise]) Noise {
	all := parts[0].account
	for _, p := range parts {
		all.BitsLeft = min(all.BitsLeft, p.account.BitsLeft)
	}
	return all
}

func joinNodeSeconds(parts []part[NodeSeconds]) NodeSeconds {
	all := make(NodeSeconds, len(parts[0].account))
	for _, p := range parts {
		for i, s := range p.account {
			all[i] += s
		}
	}
	return all
}

// joinLatencies takes a run that found its weights encoded to have an Encode of 0.
func joinLatencies(parts []part[*Latency]) *Latency {
	median := func(of func(*Latency) float64) float64 {
		x := make([]float64, len(parts))
		for i, p := range parts {
			x[i] = of(p.account)
		}
		slices.Sort(x)
		return x[len(x)/2]
	}
	all := *parts[0].account
	all.Encrypt = median(func(l *Latency) float64 { return l.Encrypt })
	all.Evaluate = median(func(l *Latency) float64 { return l.Evaluate })
	all.Decrypt = median(func(l *Latency) float64 { return l.Decrypt })
	for _, p := range parts {
		all.Encode = max(all.Encode, p.account.Encode)
	}
	return &all
}

func joinLookups(parts []part[*Lookups]) *Lookups {
	all := &Lookups{}
	for _, p := range parts {
		all.Add(p.account, p.from)
	}
	return all
}

func joinDomains(parts []part[Domains]) Domains {
	all := slices.Clone(parts[0].account)
	for _, p := range parts[1:] {
		for i, d := range p.account {
			all[i].SeenLo, all[i].SeenHi = min(all[i].SeenLo, d.SeenLo), max(all[i].SeenHi, d.SeenHi)
		}
	}
	return all
}
