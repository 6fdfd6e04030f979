package vm

import (
	"cmp"
	"fmt"
	"strconv"
	"time"
)

// Limits bound one activation or, for Source, one file of a script.
type Limits struct {
	Instructions int64         // VM instructions, 0: the default
	Memory       int64         // bytes that the script can reach
	Time         time.Duration // executing Lua, host calls not counted
	Steps        int           // steps of the whole run
	Output       int64         // bytes of all log lines
	Depth        int           // calls within calls; not above the machine's
	StringLength int           // bytes of one string
	Source       int           // bytes of one file
}

// DefaultLimits are used where no other limit is set.
var DefaultLimits = Limits{
	Instructions: 50_000_000,
	Memory:       64 << 20,
	Time:         5 * time.Second,
	Steps:        10_000,
	Output:       1 << 20,
	Depth:        180,
	StringLength: 8 << 20,
	Source:       256 << 10,
}

// or replaces the zero fields of l by those of other.
func (l Limits) or(other Limits) Limits {
	return Limits{
		Instructions: cmp.Or(l.Instructions, other.Instructions),
		Memory:       cmp.Or(l.Memory, other.Memory),
		Time:         cmp.Or(l.Time, other.Time),
		Steps:        cmp.Or(l.Steps, other.Steps),
		Output:       cmp.Or(l.Output, other.Output),
		Depth:        cmp.Or(l.Depth, other.Depth),
		StringLength: cmp.Or(l.StringLength, other.StringLength),
		Source:       cmp.Or(l.Source, other.Source),
	}
}

// count is a number with its noun: "10,000 steps".
func count(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return grouped(n) + " " + noun
}

func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// bytesText is a size as people write it: "64 MiB", "1,500 bytes".
func bytesText(n int64) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%s MiB", grouped(n>>20))
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%s KiB", grouped(n>>10))
	case n >= 10<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return count(n, "byte")
}
