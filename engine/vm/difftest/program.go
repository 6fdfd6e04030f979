// Package difftest generates Lua programs for comparing an interpreter with
// lua5.1, the reference implementation. It has the generator, a process of
// lua5.1 that runs the programs, and a reducer that makes a program smaller
// while it still shows a difference.
//
// It does not run programs in the interpreter under test: that is done where
// its results are compared, in the tests of package vm.
package difftest

import (
	"regexp"
	"strings"
)

// Program is a generated Lua program. It registers one handler with on, which
// does all its work. Beside the libraries of Lua it calls these functions,
// which its caller defines:
//
//   - out(...) writes its arguments as a line of the trace.
//   - msg(e) gives an error without what differs between interpreters (its
//     position and the interpreter's wording), and writes its line number.
//   - caught(ok, ...) takes the results of pcall and gives them with the error
//     as msg gives it.
//   - noted(ok, ...) takes the results of pcall and gives them unchanged.
type Program struct{ root *node }

// Source gives the text of the program. Lua 5.1 has no goto: if plain is true,
// the text has loops with flags instead. Both texts do the same and have the
// same statements on the same lines.
func (p *Program) Source(plain bool) string {
	source, _ := render(p.root, plain)
	return source
}

var (
	outlineNames   = regexp.MustCompile(`\b(G\d|[a-z]{1,3}\d+(_\d+)?)\b`)
	outlineNumbers = regexp.MustCompile(`\b\d[\w.]*\b`)
	outlineStrings = regexp.MustCompile(`"[^"]*"|'[^']*'`)
)

// Outline gives the text of the program with all its names, numbers and strings
// made equal. Reduced programs with the same outline mostly differ for the same
// reason.
func (p *Program) Outline() string {
	s := outlineStrings.ReplaceAllString(p.Source(false), `""`)
	s = outlineNames.ReplaceAllString(s, "v")
	s = outlineNumbers.ReplaceAllString(s, "1")
	return strings.Join(strings.Fields(s), " ")
}
