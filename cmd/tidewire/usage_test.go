package main

import (
	"runtime"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// invoke runs a command in the process of the test.
func invoke(args ...string) (code int, out, err string) {
	var stdout, stderr strings.Builder
	code = execute(args, terminal{strings.NewReader(""), &stdout, &stderr, nil})
	return code, stdout.String(), stderr.String()
}

// TestUsage runs commands with mistakes on the command line.
func TestUsage(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"stauts", `there is no command "stauts"; did you mean tidewire status?`},
		{"frobnicate", `there is no command "frobnicate"; see tidewire --help`},
		{"runs shwo", `there is no command "shwo"; did you mean tidewire runs show?`},
		{"run here there", `found "there", expected nothing after DIR; see tidewire run --help`},
		{"status now", `found "now", expected no argument; see tidewire status --help`},
		{"doctor now", `found "now", expected no argument; see tidewire doctor --help`},
		{"backup", `FILE is missing; see tidewire backup --help`},
		{"runs decide run_1", `found "run_1", expected one of retry, skip, fail; see tidewire runs decide --help`},
		{"runs decide", `retry|skip|fail is missing; see tidewire runs decide --help`},
		{"runs decide run_1 run_2 later", `found "later", expected one of retry, skip, fail; see tidewire runs decide --help`},
		{"runs decide run_1 maybe", `found "maybe", expected one of retry, skip, fail; see tidewire runs decide --help`},
		{"runs cancel", `name runs, or select them with --script, --hook, --state, --reason or --since; one of the two`},
		{"send", `TRIGGER is missing; see tidewire send --help`},
		{"runs show", `RUN is missing; see tidewire runs show --help`},
		{"events show", `EVENT is missing; see tidewire events show --help`},
		{"send --jsno", `there is no flag --jsno; did you mean --json?`},
		{"send --frobnicate", `there is no flag --frobnicate; see tidewire send --help`},
		{"send -x", `there is no flag -x; see tidewire send --help`},
		{"runs list --state", `--state: its value is missing; see tidewire runs list --help`},
		{"runs list --state done", `--state: found "done", expected one of ` + stateNames() + `; see tidewire runs list --help`},
		{"runs list --since yesterday", `--since: found "yesterday", expected a length of time such as 30m or 24h; see tidewire runs list --help`},
		{"runs list --limit many", `--limit: found "many", expected a whole number; see tidewire runs list --help`},
		{"runs list --limit 0", `--limit: found 0, expected 1 or more; see tidewire runs list --help`},
		{"demo --once=perhaps", `--once: found "perhaps", expected true or false; see tidewire demo --help`},
		{"run --log-level loud", `--log-level: found "loud", expected debug, info, warn or error`},
		{"run --log-format pretty", `--log-format: found "pretty", expected text, json or auto`},
	} {
		t.Run(c.args, func(t *testing.T) {
			code, out, err := invoke(strings.Fields(c.args)...)
			if want := "tidewire: " + c.want + "\n"; err != want {
				t.Errorf("printed %swant    %s", err, want)
			}
			if code != 2 || out != "" {
				t.Errorf("exit status %d, printed %q; want 2 and nothing", code, out)
			}
		})
	}
}

// TestVersion checks what --version prints.
func TestVersion(t *testing.T) {
	code, out, err := invoke("--version")
	if !strings.HasPrefix(out, "tidewire version ") || !strings.Contains(out, runtime.GOOS) || code != 0 || err != "" {
		t.Errorf("exit status %d, printed %q and %q", code, out, err)
	}
}

// TestHelp checks that every command has help.
func TestHelp(t *testing.T) {
	var commands []string
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		commands = append(commands, c.CommandPath())
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRoot(terminal{}))
	if len(commands) < 11 {
		t.Fatalf("found the commands %q, expected all", commands)
	}
	for _, path := range commands {
		t.Run(path, func(t *testing.T) {
			code, out, err := invoke(append(strings.Fields(path)[1:], "--help")...)
			if code != 0 || err != "" {
				t.Errorf("exit status %d, printed %q; want 0 and nothing", code, err)
			}
			first, _, _ := strings.Cut(out, "\n")
			if len(first) < 20 || !strings.Contains(out, "Usage:\n  "+path) || !strings.Contains(out, "--help") {
				t.Errorf("the help is\n%s", out)
			}
		})
	}
}
