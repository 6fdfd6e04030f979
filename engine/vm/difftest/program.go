// Package difftest generates Lua programs for comparing an interpreter with
// lua5.1, the reference implementation. It has the generator, a process of
// lua5.1 that runs the programs, and a reducer that makes a program smaller
// while its results still differ.
//
// It does not run programs in the interpreter under test. The tests of package
// vm do that, and compare the results.
package difftest

import (
	"regexp"
	"strings"
)

// Program is a generated Lua program. It registers one handler with on, which
// does all its work. In addition to the libraries of Lua it calls these
// functions, which its caller defines:
//
//   - out(...) writes its arguments as a line of the trace.
//   - msg(e) returns an error without what differs between interpreters (its
//     position and the interpreter's wording), and writes its line number.
//   - caught(ok, ...) returns its arguments, the results of pcall, with the error
//     changed by msg.
//   - noted(ok, ...) returns its arguments, the results of pcall, unchanged.
type Program struct{ root *node }

// Source returns the text of the program. Lua 5.1 has no goto: if plain is
// true, the text has loops with flags instead. Both texts do the same and have
// the same statements on the same lines.
func (p *Program) Source(plain bool) string {
	source, _ := render(p.root, plain)
	return source
}

var (
	outlineNames   = regexp.MustCompile(`\b(G\d|[a-z]{1,3}\d+(_\d+)?)\b`)
	outlineNumbers = regexp.MustCompile(`\b\d[\w.]*\b`)
	outlineStrings = regexp.MustCompile(`"[^"]*"|'[^']*'`)
)

// Outline returns the text of the program with the same placeholder for all
// names, all numbers and all strings. Reduced programs with the same outline
// mostly differ for the same reason.
func (p *Program) Outline() string {
	s := outlineStrings.ReplaceAllString(p.Source(false), `""`)
	s = outlineNames.ReplaceAllString(s, "v")
	s = outlineNumbers.ReplaceAllString(s, "1")
	return strings.Join(strings.Fields(s), " ")
}
