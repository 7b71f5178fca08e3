package bench

import (
	"bufio"
	"os"
	"runtime"
	"strconv"
	"strings"

	"qtool/internal/memory"
	"qtool/kernel/cpu"
	"qtool/kernel/f32"
)

// Machine is what figures were measured on.
type Machine struct {
	CPU     string  `json:"cpu"`
	Arch    string  `json:"arch"`
	Cores   int     `json:"cores"`
	Memory  int64   `json:"memory_bytes"`           // 0 where it is not known
	Load    float64 `json:"load,omitempty"`         // average of the last minute, before the measurement; 0 where it is not known
	Go      string  `json:"go"`                     //
	Has     string  `json:"detected"`               // the highest kernel level that the processor has
	Kernels string  `json:"kernels"`                // the level in use
	Float   string  `json:"float_kernels"`          // the level of the kernels that training uses
	Reduced bool    `json:"kernels_are_restricted"` // by QTOOL_CPU
}

// ThisMachine describes the machine. It returns an error where QTOOL_CPU cannot be
// followed.
func ThisMachine() (*Machine, error) {
	if err := cpu.Err(); err != nil {
		return nil, err
	}
	m := &Machine{
		CPU: runtime.GOARCH, Arch: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.GOMAXPROCS(0), Go: runtime.Version(),
		Has: cpu.Detected.String(), Kernels: cpu.Active.String(), Float: f32.Name(), Reduced: cpu.Active < cpu.Detected,
	}
	// Linux alone tells the rest without a system call of its own.
	if v := field("/proc/cpuinfo", "model name"); v != "" {
		m.CPU = v
		if f, n := field("/proc/cpuinfo", "cpu family"), field("/proc/cpuinfo", "model"); f != "" && n != "" {
			m.CPU += ", family " + f + " model " + n
		}
	}
	m.Memory = memory.Total()
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		first, _, _ := strings.Cut(string(b), " ")
		m.Load, _ = strconv.ParseFloat(first, 64)
	}
	return m, nil
}

// field is the first value of a key in a file of lines "key : value", "" where
// there is none.
func field(path, key string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if k, v, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
