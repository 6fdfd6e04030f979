package vm

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits bound one activation or, for Source, one file of a script.
type Limits struct {
	Instructions int64         // VM instructions, 0: the default
	Memory       int64         // bytes that the script can reach
	Time         time.Duration // executing Lua, host calls not counted
	Steps        int           // steps of the whole run
	Output       int64         // bytes of all log lines
	Depth        int           // calls within calls
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

// Limit is one of the limits that scripts and the configuration set.
type Limit struct {
	Name string
	// Parse reads a value: a count, bytes or nanoseconds.
	Parse func(text string) (int64, error)
	// Text writes a value as people do: "64 MiB".
	Text func(value int64) string
	get  func(l *Limits) int64
	set  func(l *Limits, value int64)
}

// Get returns the value of the limit.
func (one Limit) Get(l Limits) int64 { return one.get(&l) }

// Set sets the value of the limit.
func (one Limit) Set(l *Limits, value int64) { one.set(l, value) }

// AllLimits returns the limits that scripts and the configuration set.
func AllLimits() []Limit {
	return []Limit{
		countLimit("instructions", func(l *Limits) *int64 { return &l.Instructions }),
		sizeLimit("memory", func(l *Limits) *int64 { return &l.Memory }),
		timeLimit("time", func(l *Limits) *time.Duration { return &l.Time }),
		countLimit("steps", func(l *Limits) *int { return &l.Steps }),
		sizeLimit("output", func(l *Limits) *int64 { return &l.Output }),
		countLimit("depth", func(l *Limits) *int { return &l.Depth }),
		sizeLimit("string_length", func(l *Limits) *int { return &l.StringLength }),
	}
}

func countLimit[T int | int64](name string, field func(*Limits) *T) Limit {
	return limitOf(name, ParseCount, func(n int64) string { return grouped(n) }, field)
}

func sizeLimit[T int | int64](name string, field func(*Limits) *T) Limit {
	return limitOf(name, ParseSize, bytesText, field)
}

func timeLimit(name string, field func(*Limits) *time.Duration) Limit {
	parse := func(text string) (int64, error) {
		length, err := ParseDuration(text)
		if err == nil && length <= 0 {
			err = fmt.Errorf("expected more than nothing, found %q", text)
		}
		return int64(length), err
	}
	return limitOf(name, parse, func(n int64) string { return time.Duration(n).String() }, field)
}

func limitOf[T int | int64 | time.Duration](name string, parse func(string) (int64, error), text func(int64) string, field func(*Limits) *T) Limit {
	return Limit{
		Name: name, Parse: parse, Text: text,
		get: func(l *Limits) int64 { return int64(*field(l)) },
		set: func(l *Limits, value int64) { *field(l) = T(value) },
	}
}

// FindLimit returns the limit with a name.
func FindLimit(name string) (Limit, bool) {
	for _, one := range AllLimits() {
		if one.Name == name {
			return one, true
		}
	}
	return Limit{}, false
}

// LimitNames returns the names of the limits, sorted.
func LimitNames() []string {
	var names []string
	for _, one := range AllLimits() {
		names = append(names, one.Name)
	}
	slices.Sort(names)
	return names
}

// ParseCount reads a whole number above 0.
func ParseCount(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 || n > 1e15 {
		return 0, fmt.Errorf("expected a whole number above 0, found %q", text)
	}
	return n, nil
}

var sizeUnits = map[string]int64{"": 1, "B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}

// ParseSize reads a number of bytes: "65536", "64KB", "16 MiB".
func ParseSize(text string) (int64, error) {
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	unit := sizeUnits[strings.ToUpper(strings.TrimSpace(text[digits:]))]
	n, err := ParseCount(text[:digits])
	if err != nil || unit == 0 || n > 1<<40/unit {
		return 0, fmt.Errorf(`expected a number of bytes, or a text such as "16MB", found %q`, text)
	}
	return n * unit, nil
}

// Or replaces the limits that are zero by those of other.
func (l Limits) Or(other Limits) Limits { return l.or(other) }

// Cut returns limits of which none is above a ceiling. A ceiling of zero bounds nothing.
func (l Limits) Cut(ceiling Limits) Limits {
	for _, one := range AllLimits() {
		if highest := one.Get(ceiling); highest > 0 {
			one.Set(&l, min(one.Get(l), highest))
		}
	}
	return l
}

// Times returns limits that are n times as high.
func (l Limits) Times(n int64) Limits {
	for _, one := range AllLimits() {
		value := one.Get(l)
		one.Set(&l, value*min(n, math.MaxInt64/max(value, 1)))
	}
	return l
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
	case n >= 10<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 10<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%s KiB", grouped(n>>10))
	}
	return count(n, "byte")
}
