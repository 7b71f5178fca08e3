package train_test

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"os"
	"os/exec"
	"strings"
	"testing"

	"qtool/kernel/cpu"
	"qtool/model"
)

// helper marks the process that TestLevelsDoNotMatter starts.
const helper = "QTOOL_TEST_PRINT_PARAMETERS"

// TestLevelsDoNotMatter trains at every level of vector instructions that this
// machine has, each in a process of its own: the parameters must be the same to
// the bit.
func TestLevelsDoNotMatter(t *testing.T) {
	if os.Getenv(helper) != "" {
		fmt.Println("parameters", trainedHash(t))
		return
	}
	if testing.Short() {
		t.Skip("trains in several processes")
	}
	if cpu.Detected == cpu.Portable {
		t.Skip("this processor has no vector instructions that kernels use")
	}
	printed := map[string][]cpu.Level{}
	for l := cpu.Portable; l <= min(cpu.Detected, cpu.AVX512); l++ {
		c := exec.Command(os.Args[0], "-test.run=^TestLevelsDoNotMatter$", "-test.count=1")
		c.Env = append(os.Environ(), helper+"=1", cpu.Variable+"="+l.String())
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", l, err, out)
		}
		line, _, ok := strings.Cut(string(out), "\n")
		if !ok || !strings.HasPrefix(line, "parameters ") {
			t.Fatalf("%v printed %q", l, out)
		}
		printed[line] = append(printed[line], l)
	}
	if len(printed) != 1 {
		t.Errorf("other parameters at other levels: %v", printed)
	}
}

// trainedHash is over the parameters of networks with every kind of layer,
// trained in float and with fake quantization.
func trainedHash(t *testing.T) uint64 {
	h := fnv.New64a()
	k := task(t, 1)
	k.Network = &model.Network{Input: []int{1, 28, 28}, Layers: []model.Layer{
		{Type: model.Conv, Name: "conv1", Channels: 5, Kernel: 5, Stride: 2, Padding: 2},
		{Type: model.Tanh, Name: "tanh"},
		{Type: model.AvgPool, Name: "pool", Kernel: 3, Stride: 2},
		{Type: model.Conv, Name: "conv2", Channels: 7, Kernel: 3, Padding: 1},
		{Type: model.ReLU, Name: "relu"},
		{Type: model.AvgPool, Name: "pool2", Kernel: 2},
		{Type: model.Flatten, Name: "flat"},
		{Type: model.Dense, Name: "fc1", Units: 21},
		{Type: model.Sigmoid, Name: "sigmoid"},
		{Type: model.Dense, Name: "fc2", Units: 20},
		{Type: model.Polynomial, Name: "poly", Coefficients: []float64{0.5, 1, -0.25, 0.125}},
		{Type: model.Dense, Name: "fc3", Units: 10},
	}}
	var err error
	if k.Params, err = k.Network.Initialise(3); err != nil {
		t.Fatal(err)
	}
	k.Config.Epochs = 1
	write := func(p model.Parameters) {
		for _, s := range p {
			binary.Write(h, binary.LittleEndian, s.Data)
		}
	}
	write(fit(t, k).Params)
	for _, perChannel := range []bool{false, true} {
		write(fit(t, quantizeTask(t, task(t, 1), perChannel)).Params)
	}
	return h.Sum64()
}
