package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/engine/clock/clocktest"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
)

var update = flag.Bool("update", false, "write what was printed into the scripts of testdata")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tidewire": main})
}

// TestScripts runs the scripts of testdata/script, which use the command as a
// person does. There are the following commands besides those of testscript.
// $ENVIRON has the names of the variables that start passes on.
//
//	start NAME ARGS…        start tidewire ARGS… in the background and wait until it serves; its address is $NAME
//	await NAME REGEXP       wait for a line of what NAME prints
//	signal NAME             send SIGTERM to NAME and go on
//	crash NAME              end NAME with SIGKILL
//	[!] authorise allow|deny ARGS…  run tidewire connect ARGS and act as the person in the browser
//	vendor NAME N           serve at $NAME a vendor that ends the first N connections without an answer
//	awaitfaults URL         wait until the sandbox at URL has used all its faults
//	[!] quit NAME           end NAME with SIGTERM, expect exit 0 (or not), write its output to NAME.out and NAME.err
//	save NAME FILE          write the standard output of NAME to a file
//	capture NAME REGEXP     set $NAME to the last match on standard output
//	get STATUS URL          get an address, expect the status, print the answer
//	post STATUS URL FILE    post a file with its $NAMES replaced, expect the status, print the answer; headers may follow
func TestScripts(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a hundred processes")
	}
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"), WorkdirRoot: journaltest.Folder(t), UpdateScripts: *update, RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Values[programs{}] = map[string]*program{}
			env.Setenv("TZ", "UTC")
			env.Setenv("APPS", strings.Join(appNames(), ", "))
			return unpackReadme(env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"start": start, "await": await, "signal": terminate, "crash": crash, "awaitfaults": awaitFaults, "vendor": vendor, "quit": quit, "get": get, "post": post, "capture": capture, "save": save, "authorise": authorise,
		},
	})
}

// appNames returns the names of the apps that are built in.
func appNames() (names []string) {
	for _, app := range all.Apps() {
		names = append(names, app.Name)
	}
	return names
}

// unpackReadme writes the examples of the README for the scripts: its first script
// as readme.lua and its configuration as readme.yaml. It sets the variables that
// the README exports.
func unpackReadme(env *testscript.Env) error {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		return err
	}
	for _, language := range []string{"lua", "yaml"} {
		_, block, found := strings.Cut(string(text), "\n```"+language+"\n")
		block, _, ended := strings.Cut(block, "\n```")
		if !found || !ended {
			return fmt.Errorf("the README shows no %s", language)
		}
		if err := os.WriteFile(filepath.Join(env.WorkDir, "readme."+language), []byte(block+"\n"), 0o644); err != nil {
			return err
		}
	}
	_, line, _ := strings.Cut(string(text), "\nexport ")
	line, _, _ = strings.Cut(line, "\n")
	var names []string
	for _, variable := range strings.Fields(line) {
		name, value, _ := strings.Cut(variable, "=")
		env.Setenv(name, value)
		names = append(names, name)
	}
	env.Setenv("ENVIRON", strings.Join(names, " "))
	return nil
}

// maxWait is how long a line of output is waited for.
var maxWait = clocktest.MaxWait

type programs struct{}

// program is a tidewire in the background.
type program struct {
	cmd  *exec.Cmd
	read sync.WaitGroup

	mu       sync.Mutex
	out, err []string // lines
	changed  chan struct{}
}

var ready = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

func start(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start NAME ARGS…")
	}
	p := &program{cmd: exec.Command("tidewire", args[1:]...), changed: make(chan struct{})}
	path, err := exec.LookPath("tidewire")
	ts.Check(err)
	p.cmd.Path, p.cmd.Dir = path, ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "TZ", "TMPDIR", "GOCOVERDIR"} {
		p.cmd.Env = append(p.cmd.Env, name+"="+ts.Getenv(name))
	}
	for _, name := range strings.Fields(ts.Getenv("ENVIRON")) {
		p.cmd.Env = append(p.cmd.Env, name+"="+ts.Getenv(name))
	}
	stdout, err := p.cmd.StdoutPipe()
	ts.Check(err)
	stderr, err := p.cmd.StderrPipe()
	ts.Check(err)
	ts.Check(p.cmd.Start())
	p.read.Go(func() { p.follow(stdout, &p.out) })
	p.read.Go(func() { p.follow(stderr, &p.err) })
	ts.Value(programs{}).(map[string]*program)[args[0]] = p
	ts.Defer(func() {
		if p.cmd.ProcessState == nil {
			p.cmd.Process.Kill()
			p.end()
		}
	})
	line, found := p.wait(regexp.MustCompile(`tidewire is ready|curl http://`))
	if !found {
		ts.Fatalf("%s did not come up:\n%s", args[0], strings.Join(append(p.out, p.err...), "\n"))
	}
	ts.Setenv(args[0], ready.FindString(line))
}

func (p *program) follow(from io.Reader, lines *[]string) {
	scanner := bufio.NewScanner(from)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		p.mu.Lock()
		*lines = append(*lines, scanner.Text())
		close(p.changed)
		p.changed = make(chan struct{})
		p.mu.Unlock()
	}
}

// wait waits for a line that matches.
func (p *program) wait(pattern *regexp.Regexp) (string, bool) {
	timeout := time.After(maxWait)
	ended := make(chan struct{})
	go func() {
		p.read.Wait()
		close(ended)
	}()
	for last := false; ; {
		p.mu.Lock()
		changed := p.changed
		for _, line := range append(append([]string(nil), p.out...), p.err...) {
			if pattern.MatchString(line) {
				p.mu.Unlock()
				return line, true
			}
		}
		p.mu.Unlock()
		if last {
			return "", false
		}
		select {
		case <-changed:
		case <-ended:
			last = true
		case <-timeout:
			last = true
		}
	}
}

func (p *program) end() error {
	p.read.Wait()
	return p.cmd.Wait()
}

func running(ts *testscript.TestScript, name string) *program {
	p := ts.Value(programs{}).(map[string]*program)[name]
	if p == nil {
		ts.Fatalf("no %s was started", name)
	}
	return p
}

func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await NAME REGEXP")
	}
	p := running(ts, args[0])
	if _, found := p.wait(regexp.MustCompile(args[1])); !found {
		ts.Fatalf("%s printed no line like %s:\n%s", args[0], args[1], strings.Join(append(p.out, p.err...), "\n"))
	}
}

func terminate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: signal NAME")
	}
	ts.Check(running(ts, args[0]).cmd.Process.Signal(syscall.SIGTERM))
}

func quit(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: quit NAME")
	}
	p := running(ts, args[0])
	ts.Check(p.cmd.Process.Signal(syscall.SIGTERM))
	timeout := time.AfterFunc(maxWait, func() { p.cmd.Process.Kill() })
	err := p.end()
	if !timeout.Stop() {
		ts.Fatalf("%s did not end within %s:\n%s", args[0], maxWait, strings.Join(p.err, "\n"))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".out"), []byte(strings.Join(p.out, "\n")+"\n"), 0o644))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".err"), []byte(strings.Join(p.err, "\n")+"\n"), 0o644))
	if (err != nil) != neg {
		ts.Fatalf("%s ended with %v:\n%s", args[0], p.cmd.ProcessState, strings.Join(p.err, "\n"))
	}
}

func post(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: post STATUS URL FILE [HEADER: VALUE…]")
	}
	request, err := http.NewRequest(http.MethodPost, args[1], strings.NewReader(os.Expand(ts.ReadFile(args[2]), ts.Getenv)))
	ts.Check(err)
	request.Header.Set("Content-Type", "application/json")
	for _, header := range args[3:] {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}
	send(ts, request, args[0])
}

func get(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: get STATUS URL")
	}
	request, err := http.NewRequest(http.MethodGet, args[1], nil)
	ts.Check(err)
	send(ts, request, args[0])
}

// send sends a request and prints the answer. The status must be as expected.
func send(ts *testscript.TestScript, request *http.Request, status string) {
	response, err := http.DefaultClient.Do(request)
	ts.Check(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s", body)
	if fmt.Sprint(response.StatusCode) != status {
		ts.Fatalf("got %s, want %s: %s", response.Status, status, body)
	}
}

func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture NAME REGEXP")
	}
	found := regexp.MustCompile(args[1]).FindAllString(ts.ReadFile("stdout"), -1)
	if len(found) == 0 {
		ts.Fatalf("standard output has nothing like %s", args[1])
	}
	ts.Setenv(args[0], found[len(found)-1])
}

func save(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: save NAME FILE")
	}
	p := running(ts, args[0])
	p.mu.Lock()
	defer p.mu.Unlock()
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(strings.Join(p.out, "\n")+"\n"), 0o644))
}
