package difftest

import (
	"slices"
	"strings"
)

// The limits of driver.lua. The interpreter under test needs similar ones, so
// that an endless program ends in both.
const (
	MaxInstructions = 200_000
	MaxMemory       = 64 << 20 // bytes
	MaxLines        = 1000     // what a program may write
)

// Result is how a program ended and what it wrote.
type Result struct {
	// Status is "ok", "limit" (of instructions, memory or lines), "syntax" (not
	// compiled), "fault" (the interpreter failed) or "raised" with a space and
	// the error that ended the program: its text from "!" on if the program
	// raised it, "error" if the interpreter did, else the type of the value.
	Status string
	Detail string   // the message of a syntax error, limit or fault
	Caught bool     // the program caught an error
	Trace  []string // what it wrote with out
	Lines  []string // the line numbers of the errors it wrote, "?" where one has none
}

// parseResult reads an answer of driver.lua.
func parseResult(answer string) Result {
	var r Result
	head, written, _ := strings.Cut(answer, "\n")
	r.Status, r.Caught = strings.CutSuffix(head, " caught")
	if detail, ok := strings.CutPrefix(r.Status, "syntax "); ok {
		r.Status, r.Detail = "syntax", detail
	}
	if written != "" {
		r.Add(written)
	}
	return r
}

// Add adds what a program wrote: lines of the trace, which begin with ">", and
// line numbers of errors, which begin with "@". Values in the trace may have
// line ends.
func (r *Result) Add(written string) {
	for line := range strings.SplitSeq(written, "\n") {
		if at, ok := strings.CutPrefix(line, "@"); ok {
			r.Lines = append(r.Lines, at)
		} else {
			r.Trace = append(r.Trace, strings.TrimPrefix(line, ">"))
		}
	}
}

// String returns the status, the detail and the trace.
func (r Result) String() string {
	return strings.TrimSpace(r.Status+" "+r.Detail) + "\n" + strings.Join(r.Trace, "\n")
}

// Difference returns the kind of difference between a result and that of
// lua5.1: "compile" (the program was not compiled), "fault", "result" (the
// status or the trace), "lines" (only line numbers of errors), or "" if there
// is none. Line numbers are compared only if lines is true, and only where both
// have one.
func Difference(result, reference Result, lines bool) string {
	switch {
	case result.Status == "syntax":
		return "compile"
	case result.Status == "fault":
		return "fault"
	case result.Status != reference.Status || !slices.Equal(result.Trace, reference.Trace):
		return "result"
	case lines && !slices.EqualFunc(result.Lines, reference.Lines, sameLine):
		return "lines"
	}
	return ""
}

func sameLine(a, b string) bool { return a == b || a == "?" || b == "?" }
