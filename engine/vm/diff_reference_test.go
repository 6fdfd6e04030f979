package vm

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// result is how a program ended and what it wrote.
type result struct {
	status string   // "ok", "raised" with the value, "limit", "syntax" or "fault"
	detail string   // of a syntax error or fault
	caught bool     // an error was caught
	trace  []string // what it wrote with out
	lines  []string // the lines of errors, "?" where there was none
}

// readResult reads the answer of testdata/diff/driver.lua.
func readResult(answer string) result {
	var r result
	head, rest, wrote := strings.Cut(answer, "\n")
	head, r.caught = strings.CutSuffix(head, " caught")
	r.status = head
	if detail, ok := strings.CutPrefix(head, "syntax "); ok {
		r.status, r.detail = "syntax", detail
	}
	if wrote && rest != "" {
		r.add(strings.Split(rest, "\n")...)
	}
	return r
}

func (r *result) add(written ...string) {
	for _, line := range written {
		if at, ok := strings.CutPrefix(line, "@"); ok {
			r.lines = append(r.lines, at)
		} else {
			r.trace = append(r.trace, strings.TrimPrefix(line, ">"))
		}
	}
}

func (r *result) String() string {
	return strings.TrimSpace(r.status+" "+r.detail) + "\n" + strings.Join(r.trace, "\n")
}

// reference is a process of lua5.1 that runs programs, one after the other.
type reference struct {
	process *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
}

func newReference() (*reference, error) {
	// A text that is doubled a few times would use up the machine's memory.
	r := &reference{process: exec.Command("sh", "-c", "ulimit -v 1000000; exec lua5.1 testdata/diff/driver.lua")}
	var err error
	if r.in, err = r.process.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := r.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	r.out = bufio.NewReaderSize(out, 64<<10)
	return r, r.process.Start()
}

func (r *reference) close() {
	r.in.Close()
	r.process.Process.Kill()
	r.process.Wait()
}

// run runs programs while meanwhile runs.
func (r *reference) run(programs []string, meanwhile func()) ([]result, error) {
	written := make(chan error, 1)
	go func() {
		var all strings.Builder
		for _, p := range programs {
			fmt.Fprintf(&all, "%d\n%s", len(p), p)
		}
		_, err := io.WriteString(r.in, all.String())
		written <- err
	}()
	meanwhile()
	results := make([]result, len(programs))
	for i, p := range programs {
		head, err := r.out.ReadString('\n')
		if err != nil {
			return nil, fmt.Errorf("lua5.1 ended at\n%s\n%w", p, err)
		}
		n, err := strconv.Atoi(strings.TrimSpace(head))
		if err != nil {
			return nil, err
		}
		answer := make([]byte, n)
		if _, err := io.ReadFull(r.out, answer); err != nil {
			return nil, err
		}
		results[i] = readResult(string(answer))
	}
	return results, <-written
}

// wantReference skips a test where there is no lua5.1.
func wantReference(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("lua5.1"); err != nil {
		t.Skip("lua5.1, which results are compared with, is not installed")
	}
}
