package model

import (
	"fmt"
	"slices"
)

// Input is how Network.Sources and Layer.From name the network's input: by index
// and by name.
const (
	Input     = -1
	InputName = "input"
)

// Sources are the tensors that each layer reads: indices of layers before it, or
// Input. A layer without From reads the one before it. The error names the layer
// and what it asks for.
func (n *Network) Sources() ([][]int, error) {
	at := make(map[string]int, len(n.Layers)+1)
	all := make([][]int, len(n.Layers))
	at[InputName] = Input
	for i, l := range n.Layers {
		if len(l.From) == 0 {
			all[i] = []int{i - 1} // Input for the first layer
		}
		for _, name := range l.From {
			from, ok := at[name]
			if !ok {
				return nil, fmt.Errorf("model: layer %q (%s): %w", l.Name, l.Type, n.unknown(i, name))
			}
			all[i] = append(all[i], from)
		}
		at[l.Name] = i
	}
	return all, nil
}

// unknown says why layer i cannot read the tensor called name.
func (n *Network) unknown(i int, name string) error {
	switch k := slices.IndexFunc(n.Layers, func(l Layer) bool { return l.Name == name }); {
	case k == i:
		return fmt.Errorf("from: it reads itself: want layers before it")
	case k > i:
		return fmt.Errorf("from: %q stands after it: a layer reads layers before it, so that there is no cycle", name)
	}
	return fmt.Errorf("from: no layer is called %q", name)
}

// Readers are the layers that read each layer's tensor, in order. A layer that
// reads a tensor twice is there twice.
func Readers(sources [][]int) [][]int {
	all := make([][]int, len(sources))
	for i, from := range sources {
		for _, k := range from {
			if k != Input {
				all[k] = append(all[k], i)
			}
		}
	}
	return all
}

// IsChain reports whether every layer reads just the one before it.
func (n *Network) IsChain() bool {
	sources, err := n.Sources()
	if err != nil {
		return false
	}
	for i, from := range sources {
		if len(from) != 1 || from[0] != i-1 {
			return false
		}
	}
	return true
}

// checkReaders refuses layers whose outputs go nowhere: the last layer alone has
// no reader. It also refuses a batch norm that does not follow a layer with
// weights, or one that others read as well, since it becomes a part of that layer.
func (n *Network) checkReaders(sources [][]int) error {
	readers := Readers(sources)
	last := len(n.Layers) - 1
	for i, l := range n.Layers {
		err := error(nil)
		if i < last && len(readers[i]) == 0 {
			err = fmt.Errorf("no layer reads it: leave it out, or name it in another layer's from")
		}
		if l.Type == BatchNorm {
			switch from := sources[i][0]; {
			case from == Input || !n.Layers[from].Weighted():
				err = fmt.Errorf("it must follow a conv or dense layer, whose outputs it normalises")
			case len(readers[from]) > 1:
				other := readers[from][slices.IndexFunc(readers[from], func(r int) bool { return r != i })]
				err = fmt.Errorf("layer %q reads %q too, which the batch norm becomes a part of: let it read %q", n.Layers[other].Name, n.Layers[from].Name, l.Name)
			}
		}
		if err != nil {
			return fmt.Errorf("model: layer %q (%s): %w", l.Name, l.Type, err)
		}
	}
	return nil
}

// only is the single layer that reads layer i's tensor, or -1.
func only(readers [][]int, i int) int {
	if len(readers[i]) != 1 {
		return -1
	}
	return readers[i][0]
}
