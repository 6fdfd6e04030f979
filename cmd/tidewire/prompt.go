package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"
)

// prompter asks the person at the terminal. It writes questions to standard error,
// so that standard output has nothing but results.
type prompter struct {
	in  io.Reader
	out io.Writer
	fd  int // of the terminal, -1 if standard input is none
}

func newPrompter(t terminal) prompter {
	p := prompter{in: t.in, out: t.err, fd: -1}
	if f, ok := t.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.fd = int(f.Fd())
	}
	return p
}

// interactive reports whether standard input is a terminal.
func (p prompter) interactive() bool { return p.fd >= 0 }

var errNoAnswer = errors.New("there was no answer")

// line asks for one line, shown as it is typed.
func (p prompter) line(ctx context.Context, question string) (string, error) {
	printf(p.out, "%s", lines(question))
	return p.wait(ctx, func() (string, error) { return readLine(p.in) })
}

// hidden asks for one line that is not shown.
func (p prompter) hidden(ctx context.Context, question string) (string, error) {
	printf(p.out, "%s", lines(question))
	before, err := term.GetState(p.fd)
	if err != nil {
		return "", err
	}
	text, err := p.wait(ctx, func() (string, error) {
		text, err := term.ReadPassword(p.fd)
		return string(text), err
	})
	fmt.Fprintln(p.out)
	if ctx.Err() != nil {
		return "", errors.Join(err, term.Restore(p.fd, before))
	}
	return strings.TrimSpace(text), err
}

// wait calls read and returns its result, or the context's cause if that ends
// first. A read from a terminal cannot be cancelled; it then ends with the
// process.
func (p prompter) wait(ctx context.Context, read func() (string, error)) (string, error) {
	type answer struct {
		text string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		text, err := read()
		answers <- answer{text, err}
	}()
	select {
	case a := <-answers:
		if errors.Is(a.err, io.EOF) {
			return "", errNoAnswer
		}
		return a.text, a.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// choose asks for one of several options and returns its index. The first is the
// default.
func (p prompter) choose(ctx context.Context, question string, options []string) (int, error) {
	printf(p.out, "%s\n", lines(question))
	for i, option := range options {
		printf(p.out, "  %d  %s\n", i+1, option)
	}
	for {
		text, err := p.line(ctx, "Choose [1]: ")
		if err != nil {
			return 0, err
		}
		n, err := strconv.Atoi(text)
		switch {
		case text == "":
			return 0, nil
		case err == nil && n >= 1 && n <= len(options):
			return n - 1, nil
		}
		printf(p.out, "found %q, expected a number from 1 to %d\n", text, len(options))
	}
}

// maxLine bounds what is read of one line, in bytes.
const maxLine = 64 << 10

// readLine reads one line, and nothing after it.
func readLine(in io.Reader) (string, error) {
	var line []byte
	for one := make([]byte, 1); len(line) < maxLine; {
		n, err := in.Read(one)
		if n == 1 && one[0] == '\n' {
			return strings.TrimSpace(string(line)), nil
		}
		line = append(line, one[:n]...)
		if err == io.EOF && len(line) > 0 {
			return strings.TrimSpace(string(line)), nil
		}
		if err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("the line is longer than %d bytes", maxLine)
}
