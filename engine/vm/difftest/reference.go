package difftest

import (
	"bufio"
	_ "embed"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
)

//go:embed driver.lua
var driver string

// Reference is a process of lua5.1 that runs programs, one after the other.
type Reference struct {
	process *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
}

// NewReference starts the process. The error wraps exec.ErrNotFound if lua5.1 is
// not installed.
func NewReference() (*Reference, error) {
	if _, err := exec.LookPath("lua5.1"); err != nil {
		return nil, err
	}
	// Without a limit, a string that is doubled often enough uses up the memory
	// of the machine before the driver's own limit is checked.
	r := &Reference{process: exec.Command("sh", "-c", `ulimit -v 1000000; exec lua5.1 -e "$1"`, "sh", driver)}
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

// Close ends the process.
func (r *Reference) Close() {
	r.in.Close()
	r.process.Process.Kill()
	r.process.Wait()
}

// Run returns the results of programs, in their order. While they run it calls
// meanwhile. After an error, as when lua5.1 is out of memory, the Reference can
// only be closed.
func (r *Reference) Run(programs []string, meanwhile func()) ([]Result, error) {
	written := make(chan error, 1)
	go func() { written <- r.write(programs) }()
	meanwhile()
	results := make([]Result, len(programs))
	for i, p := range programs {
		answer, err := r.read()
		if err != nil {
			return nil, fmt.Errorf("run with lua5.1: %w, at the program\n%s", err, p)
		}
		results[i] = parseResult(answer)
	}
	return results, <-written
}

func (r *Reference) write(programs []string) error {
	var all strings.Builder
	for _, p := range programs {
		fmt.Fprintf(&all, "%d\n%s", len(p), p)
	}
	_, err := io.WriteString(r.in, all.String())
	return err
}

func (r *Reference) read() (string, error) {
	head, err := r.out.ReadString('\n')
	if err != nil {
		return "", err
	}
	n, err := strconv.Atoi(strings.TrimSpace(head))
	if err != nil {
		return "", err
	}
	answer := make([]byte, n)
	_, err = io.ReadFull(r.out, answer)
	return string(answer), err
}
