package difftest

import (
	"fmt"
	"math/rand/v2"
)

// Groups are the features that can be left out of programs, to search for other
// differences than those that one of them causes.
var Groups = []string{
	"assign",   // multiple assignments
	"big",      // functions with many locals
	"caught",   // errors that pcall or xpcall catches; see also Result.Caught
	"closure",  // functions that are made in a loop and called after it
	"concat",   // __concat with a number
	"constant", // a constant as a condition
	"field",    // a call as the value of a named last field
	"flush",    // lists of about 50 values, which are stored in several steps
	"forin",    // a generic for over anything but pairs, ipairs or gmatch
	"goto",     // labels
	"meta",     // metatables
	"octal",    // 010, and "010" or "0b11" in arithmetic
	"own",      // local f = function
	"single",   // a value assigned directly to a variable, not through a table
	"text",     // arithmetic with strings
}

// generator makes programs.
type generator struct {
	*rand.Rand
	without        map[string]bool
	scope          []variable
	names          int // made so far
	statementsLeft int // statements that may still be made
	nesting        int // of blocks
	functions      []*functionState
}

// functionState is the data of the generator about a function that it is
// writing.
type functionState struct {
	varargs bool
	locals  int
	jumps   []string // labels around, which goto may use; "" is a loop, which break ends
}

// Generate makes a program from a seed. The same seed always makes the same
// program, unless the generator is changed. The groups in without are left out.
func Generate(seed uint64, without map[string]bool) *Program {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 1)), without: without, statementsLeft: 2 + int(seed%6)*2}
	g.functions = []*functionState{{}}
	body := block()
	for _, global := range []variable{{name: "G1", kind: number}, {name: "G2", kind: str}, {name: "G3", kind: anything}} {
		global.global = true
		body.add(stmt(global.name, " = ", g.expr(global.kind, 1)))
		g.scope = append(g.scope, global)
	}
	if g.with("big") && g.oneIn(25) {
		body.add(g.manyLocals())
		g.current().locals += 150
	}
	for g.statementsLeft > 0 {
		body.add(g.statement())
	}
	body.add(g.observe())
	return &Program{stmt(`on("in:/diff", `, fixedFunction("function() ", body, "\nend"), ")")}
}

func (g *generator) with(group string) bool { return !g.without[group] }

// oneIn reports true once in n times.
func (g *generator) oneIn(n int) bool { return g.IntN(n) == 0 }

func (g *generator) choose(all ...string) string { return all[g.IntN(len(all))] }

// current is the innermost function.
func (g *generator) current() *functionState { return g.functions[len(g.functions)-1] }

// newName makes a name that the program does not have yet.
func (g *generator) newName(prefix string) string {
	g.names++
	return fmt.Sprintf("%s%d", prefix, g.names)
}
