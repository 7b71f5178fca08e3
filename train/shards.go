package train

import "qtool/model"

// normBatch is the fewest images that a step of a network with batch norms takes:
// one image of a dense layer has no deviation, and is normalised to 0.
const normBatch = 2

// minShards is the smallest batch that two shards with at least normBatch images
// each can share, whatever is left of it at an epoch's end.
const minShards = 6

// normed reports whether images must not stand alone: whether a batch norm has one
// number of each image in a channel.
func normed(n *model.Network) bool {
	shapes, err := n.Shapes()
	if err != nil {
		return false // and is refused elsewhere
	}
	for i, l := range n.Layers {
		if l.Type == model.BatchNorm && elements(shapes[i][1:]) == 1 {
			return true
		}
	}
	return false
}

func elements(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// shardsOf is how many shards a batch of the given size is shared by.
func (f *fitter) shardsOf(batch int) int {
	if f.normed && batch < minShards {
		return 1
	}
	return min(shardCount, batch)
}

// part is the images from..to-1 of a batch that shard s takes. A shard takes size images,
// the last one those that are left. Where an image must not stand alone and the last shard
// would have one, the shard before leaves it another.
func (f *fitter) part(s, size, images int) (from, to int) {
	from, to = min(s*size, images), min((s+1)*size, images)
	if !f.normed || images < 2*normBatch {
		return from, to
	}
	if images-to == 1 {
		to--
	}
	if to-from == 1 {
		from--
	}
	return from, to
}

// trains reports whether a batch of so many images makes a step: one image that is
// left at an epoch's end does not, where images must not stand alone.
func (f *fitter) trains(images int) bool { return !f.normed || images >= normBatch }

// trained is how many images of an epoch make steps.
func (f *fitter) trained() int {
	n := f.task.Train.Len()
	if rest := n % f.task.Config.Batch; rest > 0 && !f.trains(rest) {
		return n - rest
	}
	return n
}
