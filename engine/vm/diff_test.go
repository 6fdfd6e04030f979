package vm

import (
	"flag"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	diffFor     = flag.Duration("diff.for", 0, "how long TestDifferentialSoak compares programs with lua5.1")
	diffSeed    = flag.Uint64("diff.seed", 1, "the seed of the first program")
	diffWithout = flag.String("diff.without", "", "groups of features to leave out, separated by commas: "+strings.Join(groups, ", "))
	diffLines   = flag.Bool("diff.lines", true, "compare the lines of errors too")
)

// comparison runs programs here and with lua5.1.
type comparison struct {
	machine   *Machine
	reference *reference
	without   map[string]bool
	lines     bool
	run       int
	discarded int
	statuses  map[string]int
}

// difference is a program that ends in another way, or writes something else.
type difference struct {
	seed         uint64
	program      *node
	kind         string // compile, fault, lines or result
	ours, theirs result
}

func newComparison(t testing.TB, without map[string]bool, lines bool) *comparison {
	t.Helper()
	wantReference(t)
	r, err := newReference()
	if err != nil {
		t.Fatal(err)
	}
	gc := debug.SetGCPercent(800) // the compiler makes much garbage, and little lives
	t.Cleanup(func() { debug.SetGCPercent(gc) })
	c := &comparison{machine: diffMachine(), reference: r, without: without, lines: lines, statuses: map[string]int{}}
	t.Cleanup(func() { c.reference.close() })
	return c
}

// programs compares the programs of n seeds.
func (c *comparison) programs(first uint64, n int) ([]difference, error) {
	all := make([]*node, n)
	for i := range all {
		all[i] = generate(first+uint64(i), c.without)
	}
	found, err := c.compare(all)
	for i := range found {
		found[i].seed = first + uint64(slices.Index(all, found[i].program))
	}
	return found, err
}

// compare runs programs and gives those that differ.
func (c *comparison) compare(programs []*node) ([]difference, error) {
	plain := make([]string, len(programs))
	valid := make([]bool, len(programs))
	for i, p := range programs {
		plain[i], valid[i] = render(p, true)
	}
	ours := make([]result, len(programs))
	theirs, err := c.reference.run(plain, func() {
		for i, p := range programs {
			source, _ := render(p, false)
			ours[i] = runOurs(c.machine, source)
		}
	})
	if err != nil {
		return nil, err
	}
	var found []difference
	for i, p := range programs {
		c.run++
		c.statuses[theirs[i].status]++
		if !valid[i] || strings.Contains(theirs[i].String(), ": 0x") || theirs[i].status == "syntax" || theirs[i].status == "limit" || ours[i].status == "limit" || strings.Contains(ours[i].detail, "too many values for one statement") || c.without["caught"] && theirs[i].caught {
			c.discarded++
			continue
		}
		if kind := differs(ours[i], theirs[i], c.lines); kind != "" {
			found = append(found, difference{program: p, kind: kind, ours: ours[i], theirs: theirs[i]})
		}
	}
	return found, nil
}

// differs says in what two results differ, "" if in nothing.
func differs(ours, theirs result, lines bool) string {
	switch {
	case ours.status == "syntax":
		return "compile"
	case ours.status == "fault":
		return "fault"
	case ours.status != theirs.status || !slices.Equal(ours.trace, theirs.trace):
		return "result"
	case lines && !slices.EqualFunc(ours.lines, theirs.lines, func(a, b string) bool { return a == b || a == "?" || b == "?" }):
		return "lines"
	}
	return ""
}

func (d *difference) String() string {
	source, _ := render(d.program, false)
	return fmt.Sprintf("seed %d, %s:\n%s\nours: %s\nlua5.1: %s\nlines %v and %v", d.seed, d.kind, source, d.ours.String(), d.theirs.String(), d.ours.lines, d.theirs.lines)
}

// TestDifferential compares generated programs with lua5.1.
func TestDifferential(t *testing.T) {
	c := newComparison(t, nil, *diffLines)
	n := 12_000
	if testing.Short() {
		n /= 10
	}
	const batch = 50
	for first := 0; first < n; first += batch {
		found, err := c.programs(uint64(first), batch)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range found {
			reduced := c.reduce(d)
			t.Error(reduced.String())
		}
		if len(found) > 0 {
			return
		}
	}
}

// TestDifferentialSoak does the same for -diff.for, from -diff.seed on, and
// goes on after a difference.
func TestDifferentialSoak(t *testing.T) {
	if *diffFor == 0 {
		t.Skip("-diff.for says how long to search")
	}
	without := map[string]bool{}
	for _, group := range strings.Split(*diffWithout, ",") {
		without[group] = true
	}
	c := newComparison(t, without, *diffLines)
	seen := map[string]int{}
	total, shapes := 0, 0
	began := time.Now()
	for seed := *diffSeed; time.Since(began) < *diffFor; seed += 50 {
		found, err := c.programs(seed, 50)
		if err != nil {
			t.Logf("seeds from %d: %v", seed, err)
			c.reference.close()
			if c.reference, err = newReference(); err != nil {
				t.Fatal(err)
			}
		}
		for _, d := range found {
			total++
			at := c.run
			reduced := c.reduce(d)
			c.run = at
			shape := outline(reduced)
			if seen[shape]++; seen[shape] == 1 {
				shapes++
				fmt.Printf("--- %d after %d programs, %s\n", shapes, at, reduced.String())
			}
		}
	}
	took := time.Since(began)
	fmt.Printf("%d programs, %.0f a second, %d discarded, %d differ, %d shapes, ended %v\n",
		c.run, float64(c.run)/took.Seconds(), c.discarded, total, shapes, c.statuses)
}
