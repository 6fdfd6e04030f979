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

// dialog asks the person at the terminal. Questions go where errors go, so
// that standard output has nothing but results.
type dialog struct {
	in  io.Reader
	out io.Writer
	fd  int // of a terminal, -1 where nobody sits at one
}

func newDialog(t terminal) dialog {
	d := dialog{in: t.in, out: t.err, fd: -1}
	if f, ok := t.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		d.fd = int(f.Fd())
	}
	return d
}

// person reports whether there is somebody to ask.
func (d dialog) person() bool { return d.fd >= 0 }

var errNoAnswer = errors.New("there was no answer")

// line asks for one line, shown as it is typed.
func (d dialog) line(ctx context.Context, question string) (string, error) {
	fmt.Fprint(d.out, question)
	return d.wait(ctx, func() (string, error) { return readLine(d.in) })
}

// hidden asks for one line that is not shown.
func (d dialog) hidden(ctx context.Context, question string) (string, error) {
	fmt.Fprint(d.out, question)
	before, err := term.GetState(d.fd)
	if err != nil {
		return "", err
	}
	text, err := d.wait(ctx, func() (string, error) {
		text, err := term.ReadPassword(d.fd)
		return string(text), err
	})
	fmt.Fprintln(d.out)
	if ctx.Err() != nil {
		return "", errors.Join(err, term.Restore(d.fd, before))
	}
	return strings.TrimSpace(text), err
}

// wait reads until there is an answer or the person gives up. A read from a
// terminal cannot be cut off; it ends with the process.
func (d dialog) wait(ctx context.Context, read func() (string, error)) (string, error) {
	type answer struct {
		text string
		err  error
	}
	given := make(chan answer, 1)
	go func() {
		text, err := read()
		given <- answer{text, err}
	}()
	select {
	case a := <-given:
		if errors.Is(a.err, io.EOF) {
			return "", errNoAnswer
		}
		return a.text, a.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// choose asks for one of several, the first being the one offered.
func (d dialog) choose(ctx context.Context, question string, options []string) (int, error) {
	fmt.Fprintln(d.out, question)
	for i, option := range options {
		fmt.Fprintf(d.out, "  %d  %s\n", i+1, option)
	}
	for {
		text, err := d.line(ctx, "Choose [1]: ")
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
		fmt.Fprintf(d.out, "found %q, expected a number from 1 to %d\n", text, len(options))
	}
}

// maxLine bounds what is read of one line, in bytes.
const maxLine = 64 << 10

// readLine reads one line and nothing behind it.
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
