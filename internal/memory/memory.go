// Package memory says how much memory a process may use.
package memory

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"
)

// Total is the bytes of the machine's memory, or the bytes that its control group
// allows if they are fewer. It is 0 where Linux does not say.
func Total() int64 {
	total := int64(0)
	if f, err := os.Open("/proc/meminfo"); err == nil {
		total = installed(f)
		_ = f.Close() // read only
	}
	if b, err := os.ReadFile("/sys/fs/cgroup/memory.max"); err == nil {
		// "max", which is no number, allows all.
		if limit, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64); err == nil && limit > 0 && (total == 0 || limit < total) {
			total = limit
		}
	}
	return total
}

// installed is MemTotal of a file like /proc/meminfo, 0 if it has none.
func installed(r io.Reader) int64 {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		if name != "MemTotal" {
			continue
		}
		digits, _ := strings.CutSuffix(strings.TrimSpace(value), " kB")
		kilobytes, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || kilobytes < 0 || kilobytes > 1<<50 {
			return 0
		}
		return kilobytes << 10
	}
	return 0
}
