package model

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"qtool/internal/safetensors"
)

// synonyms are what other tools call the running moments of a batch norm.
var synonyms = map[string]string{".running_mean": ".mean", ".running_var": ".variance"}

// Import makes parameters of a network from the tensors of a safetensors file that
// another tool wrote. renames maps names of the file's tensors, or what they begin
// with before a point, to the network's: fc.weight to fc1.weight, or features.0 to
// conv1. The running moments of PyTorch's batch norms are known by their names, and
// their count of batches is left out.
//
// It returns an error that names the tensors which are missing, the file's that
// belong nowhere, a shape that is another (and says so where it is the transposed
// one), a value that float32 does not hold exactly or that is not finite, and a
// rename that applies to nothing.
func (n *Network) Import(tensors []safetensors.Foreign, renames map[string]string) (Parameters, error) {
	found, extra, err := n.match(tensors, renames)
	if err != nil {
		return nil, err
	}
	want, err := n.parameters()
	if err != nil {
		return nil, err
	}
	var missing []string
	for i := range want {
		t := found[want[i].Name]
		if t == nil {
			missing = append(missing, fmt.Sprintf("%s %v", want[i].Name, want[i].Shape))
			continue
		}
		if !slices.Equal(t.Shape, want[i].Shape) {
			return nil, fmt.Errorf("model: tensor %q has shape %v, the network's %q has %v%s", t.Name, t.Shape, want[i].Name, want[i].Shape, transposed(t.Shape, want[i].Shape))
		}
		if want[i].Data, err = t.Float32s(); err != nil {
			return nil, fmt.Errorf("model: tensor %q: %w", t.Name, err)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("model: the file lacks %s; it has %s", strings.Join(missing, ", "), unclaimed(extra))
	}
	if len(extra) > 0 {
		return nil, fmt.Errorf("model: the network has no place for %s", unclaimed(extra))
	}
	return want, want.Check(n)
}

// match pairs the network's tensor names with a file's tensors; extra are those
// that belong nowhere.
func (n *Network) match(tensors []safetensors.Foreign, renames map[string]string) (found map[string]*safetensors.Foreign, extra []*safetensors.Foreign, err error) {
	want, err := n.parameters()
	if err != nil {
		return nil, nil, err
	}
	names := map[string]bool{}
	for _, t := range want {
		names[t.Name] = true
	}
	found, used := map[string]*safetensors.Foreign{}, map[string]bool{}
	for i := range tensors {
		t := &tensors[i]
		name := renamed(t.Name, renames, used)
		for theirs, ours := range synonyms {
			if stem, ok := strings.CutSuffix(name, theirs); ok && !names[name] {
				name = stem + ours
			}
		}
		switch other := found[name]; {
		case strings.HasSuffix(name, ".num_batches_tracked") && !names[name]:
		case !names[name]:
			extra = append(extra, t)
		case other != nil:
			return nil, nil, fmt.Errorf("model: tensors %q and %q both become %q", other.Name, t.Name, name)
		default:
			found[name] = t
		}
	}
	for _, theirs := range slices.Sorted(maps.Keys(renames)) {
		if !used[theirs] {
			return nil, nil, fmt.Errorf("model: map %s=%s: the file has no such tensor: it has %s", theirs, renames[theirs], listed(tensors))
		}
	}
	return found, extra, nil
}

// renamed is a tensor's name in the network: by its whole name, or by the longest
// beginning that is renamed.
func renamed(name string, renames map[string]string, used map[string]bool) string {
	for stem := name; ; {
		if to, ok := renames[stem]; ok {
			used[stem] = true
			return to + name[len(stem):]
		}
		i := strings.LastIndexByte(stem, '.')
		if i < 0 {
			return name
		}
		stem = stem[:i]
	}
}

// transposed is a hint where a is b with its dimensions turned.
func transposed(a, b []int) string {
	turned := slices.Clone(a)
	slices.Reverse(turned)
	if len(a) > 1 && slices.Equal(turned, b) {
		return ": it is transposed (PyTorch's order is [outputs, inputs])"
	}
	x, y := slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	if len(a) > 2 && slices.Equal(x, y) {
		return ": its dimensions are in another order (PyTorch's is [outputs, inputs, rows, columns])"
	}
	return ""
}

// listed are a file's tensors in words, the first of many.
func listed(tensors []safetensors.Foreign) string {
	all := make([]*safetensors.Foreign, len(tensors))
	for i := range tensors {
		all[i] = &tensors[i]
	}
	return unclaimed(all)
}

func unclaimed(tensors []*safetensors.Foreign) string {
	const most = 8
	var names []string
	for i, t := range tensors {
		if i == most {
			names = append(names, fmt.Sprintf("and %d more", len(tensors)-most))
			break
		}
		names = append(names, fmt.Sprintf("%s %v", t.Name, t.Shape))
	}
	if names == nil {
		return "nothing else"
	}
	return strings.Join(names, ", ")
}

// Foreign tells whether a file is a safetensors file that another tool wrote, and
// gives its tensors: one without the metadata of a checkpoint, of sentences of earlier
// versions either.
func Foreign(b []byte) ([]safetensors.Foreign, bool) {
	tensors, metadata, err := safetensors.ReadForeign(b, safetensors.DefaultLimits)
	_, own := metadata["schema"]
	_, old := metadata[sequenceKey]
	return tensors, err == nil && !own && !old
}
