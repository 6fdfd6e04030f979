package vm

import (
	"errors"
	"flag"
	"fmt"
	"os/exec"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/vm/difftest"
)

var (
	diffFor     = flag.Duration("diff.for", 0, "how long TestDifferentialSoak compares programs with lua5.1")
	diffSeed    = flag.Uint64("diff.seed", 1, "the seed of the first program")
	diffWithout = flag.String("diff.without", "", "groups of features to leave out, separated by commas: "+strings.Join(difftest.Groups, ", "))
	diffLines   = flag.Bool("diff.lines", true, "compare the lines of errors too")
)

// diffBatch is how many programs are compared at once.
const diffBatch = 50

// TestDifferential compares generated programs with lua5.1.
func TestDifferential(t *testing.T) {
	c := newComparison(t, nil)
	n := 12_000
	if testing.Short() {
		n /= 10
	}
	for first := 0; first < n; first += diffBatch {
		found, err := c.seeds(uint64(first))
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range found {
			t.Error(c.reduce(d))
		}
		if len(found) > 0 {
			return
		}
	}
}

// TestDifferentialSoak does the same for the time -diff.for, from the seed
// -diff.seed on, and continues after a difference. Of differences with the same
// outline it prints one.
func TestDifferentialSoak(t *testing.T) {
	if *diffFor == 0 {
		t.Skip("-diff.for sets how long to search")
	}
	c := newComparison(t, withoutGroups(t))
	differ, outlines := 0, map[string]bool{}
	began := time.Now()
	for seed := *diffSeed; time.Since(began) < *diffFor; seed += diffBatch {
		found, err := c.seeds(seed)
		if err != nil {
			t.Logf("seeds from %d: %v", seed, err)
			c.restart()
		}
		for _, d := range found {
			differ++
			reduced := c.reduce(d)
			outline := reduced.kind + reduced.program.Outline()
			if !outlines[outline] {
				outlines[outline] = true
				fmt.Printf("--- %d after %d programs, %s\n", len(outlines), c.compared, reduced)
			}
		}
	}
	fmt.Printf("%d programs, %.0f a second, %d discarded, %d differ, %d of them not alike, ended %v\n",
		c.compared, float64(c.compared)/time.Since(began).Seconds(), c.discarded, differ, len(outlines), c.statuses)
}

// withoutGroups reads -diff.without.
func withoutGroups(t *testing.T) map[string]bool {
	without := map[string]bool{}
	for _, group := range strings.FieldsFunc(*diffWithout, func(r rune) bool { return r == ',' }) {
		if !slices.Contains(difftest.Groups, group) {
			t.Fatalf("-diff.without: unknown group %q; the groups are %s", group, strings.Join(difftest.Groups, ", "))
		}
		without[group] = true
	}
	return without
}

// comparison runs programs in a machine and with lua5.1.
type comparison struct {
	t         *testing.T
	machine   *Machine
	reference *difftest.Reference
	without   map[string]bool
	// The counts of seeds:
	compared  int
	discarded int
	statuses  map[string]int
}

// newComparison skips the test if there is no lua5.1.
func newComparison(t *testing.T, without map[string]bool) *comparison {
	t.Helper()
	r, err := difftest.NewReference()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("lua5.1, which programs are compared with, is not installed")
	}
	if err != nil {
		t.Fatal(err)
	}
	gc := debug.SetGCPercent(800) // the compiler makes much garbage that is not used for long
	t.Cleanup(func() { debug.SetGCPercent(gc) })
	c := &comparison{t: t, machine: diffMachine(), reference: r, without: without, statuses: map[string]int{}}
	t.Cleanup(func() { c.reference.Close() })
	return c
}

// restart starts another process of lua5.1 after one has failed.
func (c *comparison) restart() {
	c.t.Helper()
	c.reference.Close()
	r, err := difftest.NewReference()
	if err != nil {
		c.t.Fatal(err)
	}
	c.reference = r
}

// difference is a program whose results differ.
type difference struct {
	seed         uint64
	program      *difftest.Program
	kind         string // a result of difftest.Difference
	ours, theirs difftest.Result
}

func (d difference) String() string {
	return fmt.Sprintf("seed %d, %s:\n%s\nours: %s\nlua5.1: %s\nlines %v and %v",
		d.seed, d.kind, d.program.Source(false), d.ours, d.theirs, d.ours.Lines, d.theirs.Lines)
}

// seeds compares the programs of a batch of seeds and returns those whose
// results differ.
func (c *comparison) seeds(first uint64) ([]difference, error) {
	programs := make([]*difftest.Program, diffBatch)
	for i := range programs {
		programs[i] = difftest.Generate(first+uint64(i), c.without)
	}
	all, err := c.run(programs)
	var found []difference
	for i, d := range all {
		c.compared++
		c.statuses[d.theirs.Status]++
		d.seed = first + uint64(i)
		if c.discards(d) {
			c.discarded++
		} else if d.kind != "" {
			found = append(found, d)
		}
	}
	return found, err
}

// reduce makes the program of a difference smaller, as long as its results
// differ in the same way.
func (c *comparison) reduce(d difference) difference {
	difftest.Reduce(d.program, func(variants []*difftest.Program) int {
		all, err := c.run(variants)
		if err != nil {
			c.restart()
			return -1
		}
		for i, v := range all {
			if v.kind == d.kind && v.ours.Status == d.ours.Status && v.theirs.Status == d.theirs.Status && !c.discards(v) {
				v.seed = d.seed
				d = v
				return i
			}
		}
		return -1
	})
	return d
}

// run returns the results of programs, with the kind "" for equal ones.
func (c *comparison) run(programs []*difftest.Program) ([]difference, error) {
	plain := make([]string, len(programs))
	for i, p := range programs {
		plain[i] = p.Source(true)
	}
	ours := make([]difftest.Result, len(programs))
	theirs, err := c.reference.Run(plain, func() {
		for i, p := range programs {
			ours[i] = runCompared(c.machine, p.Source(false))
		}
	})
	if err != nil {
		return nil, err
	}
	all := make([]difference, len(programs))
	for i, p := range programs {
		kind := difftest.Difference(ours[i], theirs[i], *diffLines)
		all[i] = difference{program: p, kind: kind, ours: ours[i], theirs: theirs[i]}
	}
	return all, nil
}

// discards reports whether the results of a program cannot be compared.
func (c *comparison) discards(d difference) bool {
	switch {
	case d.theirs.Status == "syntax": // a variant that is no Lua, or a program that lua5.1's compiler refuses
		return true
	case d.theirs.Status == "limit", d.ours.Status == "limit": // the limits are not exactly equal
		return true
	case strings.Contains(d.theirs.String(), ": 0x"): // the address of a table
		return true
	case strings.Contains(d.ours.Detail, "too many values for one statement"): // a limit of our own
		return true
	}
	return c.without["caught"] && d.theirs.Caught
}
