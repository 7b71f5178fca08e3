package emit

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// kernel is a file of one function.
func kernel(t *testing.T, name string, body func(c *build.Context)) *ir.File {
	t.Helper()
	c := build.NewContext()
	c.Function(name)
	c.SignatureExpr("func(x *float32)")
	body(c)
	c.VZEROUPPER()
	c.RET()
	f, err := c.Result()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// sum loads so many vectors, all of which are needed until the last is there, and
// adds them up.
func sum(n int, vector func(c *build.Context) reg.VecVirtual) func(c *build.Context) {
	return func(c *build.Context) {
		x := operand.Mem{Base: c.Load(c.Param("x"), c.GP64())}
		all := make([]reg.VecVirtual, n)
		for i := range all {
			all[i] = vector(c)
			c.VMOVUPS(x, all[i])
		}
		for _, v := range all[1:] {
			c.VADDPS(v, all[0], all[0])
		}
		c.VMOVUPS(all[0], x)
	}
}

func ymm(c *build.Context) reg.VecVirtual { return c.YMM() }
func zmm(c *build.Context) reg.VecVirtual { return c.ZMM() }

func TestWrite(t *testing.T) {
	for _, c := range []struct {
		what, name string
		body       func(c *build.Context)
		want       string // what the error says, or nothing
	}{
		{"16 registers", "sumAVX2", sum(16, ymm), ""},
		{"17 registers", "sumAVX2", sum(17, ymm), "function sumAVX2: failed to allocate registers: more vector registers are needed at once than avx2 has"},
		{"32 registers", "sumAVX512", sum(32, zmm), ""},
		{"33 registers", "sumAVX512", sum(33, zmm), "function sumAVX512: failed to allocate registers: more vector registers are needed at once than avx512 has"},
		{"long registers", "sumAVX2_6x2", sum(2, zmm), "function sumAVX2_6x2: VMOVUPS of this shape needs AVX512F, which avx2 lacks"},
		{"a register by its number", "sumAVX2", func(c *build.Context) { c.VADDPS(reg.Y1, reg.Y1, reg.Y17) }, "function sumAVX2: VADDPS names Y17, which avx2 lacks"},
		{"a mask", "sumAVX2", func(c *build.Context) { k := c.K(); c.KXNORW(k, k, k) }, "function sumAVX2: avx2 has no mask registers"},
		{"a memory operand of EVEX", "sumAVX2", func(c *build.Context) {
			c.VADDPS_BCST(operand.Mem{Base: c.Load(c.Param("x"), c.GP64())}, c.YMM(), c.YMM())
		}, "function sumAVX2: VADDPS of this shape needs AVX512F and AVX512VL, which avx2 lacks"},
		{"a shift of AVX-512", "shiftAVX2", func(c *build.Context) { y := c.YMM(); c.VPXOR(y, y, y); c.VPSRAQ(operand.U8(3), y, y) }, "function shiftAVX2: VPSRAQ of this shape needs"},
		{"a permutation whose other shape is AVX2's", "permuteAVX2", func(c *build.Context) { y := c.YMM(); c.VPXOR(y, y, y); c.VPERMQ(y, y, y) }, "function permuteAVX2: VPERMQ of this shape needs"},
		{"the 52-bit multiply-add", "productAVX512", func(c *build.Context) { z := c.ZMM(); c.VPXORQ(z, z, z); c.VPMADD52LUQ(z, z, z) }, "function productAVX512: VPMADD52LUQ of this shape needs AVX512IFMA, which avx512 lacks"},
		{"the same with its level", "productIFMA", func(c *build.Context) { z := c.ZMM(); c.VPXORQ(z, z, z); c.VPMADD52LUQ(z, z, z) }, ""},
		{"half precision", "halfAVX2", func(c *build.Context) { x := c.XMM(); c.VPXOR(x, x, x); c.VCVTPH2PS(x, c.YMM()) }, "needs F16C, which avx2 lacks"},
		{"AVX without a level for it", "sumSSE2", sum(2, ymm), "function sumSSE2: VMOVUPS of this shape needs AVX, which portable lacks"},
		{"no level", "sum", sum(2, ymm), "function sum: the name has no level at its end"},
	} {
		folder := filepath.Join(t.TempDir(), "kernels") // the package's name
		if err := os.Mkdir(folder, 0o777); err != nil {
			t.Fatal(err)
		}
		err := Write(kernel(t, c.name, c.body), filepath.Join(folder, "sum"))
		written, readErr := os.ReadDir(folder)
		if readErr != nil {
			t.Fatal(readErr)
		}
		if c.want == "" {
			if err != nil || len(written) != 2 {
				t.Errorf("%s in %s: %v, wrote %d files", c.what, c.name, err, len(written))
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s in %s: error %v, want %q", c.what, c.name, err, c.want)
		}
		if len(written) > 0 {
			t.Errorf("%s in %s: wrote %v", c.what, c.name, written)
		}
	}
}
