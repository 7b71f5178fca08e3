package emit

import (
	"fmt"
	"strings"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/reg"

	"qtool/kernel/cpu"
	"qtool/kernel/internal/isa"
)

// Compile is avo's pass of the same name, with registers and instructions held to
// what a function's level has. Its errors name the function.
func Compile(f *ir.File) error {
	return pass.Concat(
		each(interleave),
		pass.Verify,
		each(pass.PruneJumpToFollowingLabel),
		each(pass.PruneDanglingLabels),
		each(pass.LabelTarget),
		each(pass.CFG),
		pass.InstructionPass(pass.ZeroExtend32BitOutputs),
		each(pass.Liveness),
		each(allocate),
		each(pass.BindRegisters),
		each(pass.VerifyAllocation),
		each(pass.EnsureBasePointerCalleeSaved),
		pass.Func(pass.IncludeTextFlagHeader),
		each(pass.PruneSelfMoves),
		each(pass.RequiredISAExtensions),
		each(check),
	).Execute(f)
}

// each names the function in which a pass fails.
func each(p func(*ir.Function) error) pass.Interface {
	return pass.FunctionPass(func(fn *ir.Function) error {
		if err := p(fn); err != nil {
			return fmt.Errorf("function %s: %w", fn.Name, err)
		}
		return nil
	})
}

// allocate gives physical registers to a function's virtual ones, of the vector
// registers only the registers that its level has. It is avo's AllocateRegisters but for
// that.
func allocate(fn *ir.Function) error {
	level, err := isa.LevelOf(fn.Name)
	if err != nil {
		return err
	}
	allocators := map[reg.Kind]*pass.Allocator{}
	for _, i := range fn.Instructions() {
		for _, r := range i.Registers() {
			a, ok := allocators[r.Kind()]
			if !ok {
				if a, err = allocator(r.Kind(), level); err != nil {
					return err
				}
				allocators[r.Kind()] = a
			}
			a.Add(r.ID())
		}
	}
	for _, i := range fn.Instructions() {
		for _, d := range i.OutputRegisters() {
			out := i.LiveOut.OfKind(d.Kind())
			out.DiscardRegister(d)
			allocators[d.Kind()].AddInterferenceSet(d, out)
		}
	}
	fn.Allocation = reg.NewEmptyAllocation()
	for kind, a := range allocators {
		given, err := a.Allocate()
		if err != nil {
			return fmt.Errorf("%w: more %s registers are needed at once than %v has", err, kindNames[kind], level)
		}
		if err := fn.Allocation.Merge(given); err != nil {
			return err
		}
	}
	return nil
}

var kindNames = map[reg.Kind]string{reg.KindGP: "general", reg.KindVector: "vector", reg.KindOpmask: "mask"}

// allocator gives registers of one kind. The base pointer, which a function has to
// restore, is the last to be given.
func allocator(kind reg.Kind, level cpu.Level) (*pass.Allocator, error) {
	var has []reg.Physical
	for _, r := range reg.FamilyOfKind(kind).Registers() {
		switch {
		case kind == reg.KindVector && int(r.PhysicalIndex()) >= isa.VectorRegisters(level):
		case kind == reg.KindOpmask && level < cpu.AVX512:
		default:
			has = append(has, r)
		}
	}
	if len(has) == 0 {
		return nil, fmt.Errorf("%v has no %s registers", level, kindNames[kind])
	}
	a, err := pass.NewAllocator(has)
	if err != nil {
		return nil, err
	}
	for _, r := range has {
		if r.Info()&reg.BasePointer != 0 {
			a.SetPriority(r.ID(), -1)
		}
	}
	return a, nil
}

// check refuses registers, given by name, and instructions that the function's
// level lacks.
func check(fn *ir.Function) error {
	level, err := isa.LevelOf(fn.Name)
	if err != nil {
		return err
	}
	has := isa.Features(level)
	for _, i := range fn.Instructions() {
		for _, extension := range i.ISA {
			if !has[extension] {
				return fmt.Errorf("%s of this shape needs %s, which %v lacks", i.Opcode, strings.Join(i.ISA, " and "), level)
			}
		}
		for _, r := range i.Registers() {
			if p := reg.ToPhysical(r); p.Kind() == reg.KindVector && int(p.PhysicalIndex()) >= isa.VectorRegisters(level) {
				return fmt.Errorf("%s names %s, which %v lacks", i.Opcode, r.Asm(), level)
			}
		}
	}
	return nil
}
