package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"unicode"

	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
)

// evil is a text of somebody else: a sequence of a terminal, in 7 and 8 bits, line
// breaks, a tab, and a byte that is no UTF-8.
const evil = "a\x1b]0;title\x07b\u009b2Jc\nd\re\x7f\tf\x00\xffg\u2028h"

const escaped = `a\u001b]0;title\u0007b\u009b2Jc\nd\re\u007f\tf\u0000\xffg\u2028h`

func TestEscape(t *testing.T) {
	for text, want := range map[string]string{
		evil: escaped, "": "", "plain": "plain", "Café – 日本 😀": "Café – 日本 😀", `\u001b`: `\u001b`, "\ufffd": "\ufffd",
	} {
		if got := escape(text); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

// lineCount checks that what was printed has no control character but line breaks,
// and returns its lines.
func lineCount(t *testing.T, printed string) int {
	t.Helper()
	for _, r := range printed {
		if unicode.IsControl(r) && r != '\n' || r == unicode.ReplacementChar {
			t.Errorf("%q is printed: %q", r, printed)
		}
	}
	if !strings.Contains(printed, `\u001b]0;title\u0007`) {
		t.Errorf("the text is not printed: %q", printed)
	}
	return strings.Count(printed, "\n")
}

// TestPrintedTexts prints what vendors, senders and scripts have put into the
// journal and the state of connections: no text of theirs controls the terminal or
// begins a line.
func TestPrintedTexts(t *testing.T) {
	text := journal.Problem{Message: evil}
	run := journal.Run{ID: "run_1", State: journal.Failed, Script: evil, Hook: evil, Event: evil, Connection: evil, Lane: evil, Problem: &text}
	step := journal.Step{Number: 1, Name: evil, State: "done", Position: evil, Args: json.RawMessage(`"` + evil + `"`)}
	event := journal.Event{ID: evil, Type: evil, Connection: evil, Account: evil, Source: journal.Webhook, Data: json.RawMessage(`{"a":"b"}`)}
	for _, c := range []struct {
		name  string
		lines int
		print func(*bytes.Buffer) error
	}{
		{"runs list", 2, func(out *bytes.Buffer) error { return runTable(out, []journal.Run{run}) }},
		{"events show", 13, func(out *bytes.Buffer) error { return showEvent(out, event, []journal.Run{run}) }},
		{"a step", 3, func(out *bytes.Buffer) error { showStep(out, step); return nil }},
		{"status", 8, func(out *bytes.Buffer) error {
			return showStatus(out, control.Status{Listen: evil, Scripts: []control.ScriptStatus{{Name: evil, Problem: evil}}})
		}},
		{"webhooks sync", 2, func(out *bytes.Buffer) error {
			return showSync(out, []control.Webhook{{Connection: evil, Subscription: evil, Action: "failed", Text: evil}}, false)
		}},
		{"connections test", 1, func(out *bytes.Buffer) error {
			printTest(out, control.ConnectionTest{Status: connection.Status{Name: "crm", State: connection.Refused}, Problem: evil})
			return nil
		}},
	} {
		var out bytes.Buffer
		if err := c.print(&out); err != nil {
			t.Fatal(err)
		}
		if got := lineCount(t, out.String()); got != c.lines {
			t.Errorf("%s: %d lines, want %d:\n%s", c.name, got, c.lines, out.String())
		}
	}
	// The text of a problem may have several lines, which are indented.
	var out bytes.Buffer
	showRun(&out, run)
	lineCount(t, out.String())
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, "d") && !strings.HasPrefix(line, "decided") {
			t.Errorf("a line of the text begins at the left: %q", line)
		}
	}
}

// TestPrintedJSON: the encoder of JSON leaves the control characters above 0x7f,
// and what is printed stays the same JSON.
func TestPrintedJSON(t *testing.T) {
	var out bytes.Buffer
	valid := strings.ToValidUTF8(evil, "?")
	if err := jsonLines(escapingWriter{&out}, []map[string]string{{"text": valid}}, nil); err != nil {
		t.Fatal(err)
	}
	if got := lineCount(t, out.String()); got != 1 {
		t.Errorf("%d lines", got)
	}
	var read map[string]string
	if err := json.Unmarshal(out.Bytes(), &read); err != nil || read["text"] != valid {
		t.Errorf("got %q, %v", read["text"], err)
	}
}

// TestLoggedTexts: messages, keys and values of logs are one line without control
// characters, with and without colours.
func TestLoggedTexts(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	log := func(h slog.Handler) {
		slog.New(h).With(evil, evil).WithGroup("group").Info(evil, evil, evil, "error", errors.New(evil), "any", struct{ Text string }{evil}, "bytes", []byte(evil))
	}
	for _, colour := range []bool{true, false} {
		var plain, out bytes.Buffer
		log(textHandler(&out, slog.LevelInfo, colour))
		slog.New(textHandler(&plain, slog.LevelInfo, colour)).With("k", "v").WithGroup("group").Info("m", "k", "v", "error", errors.New("e"), "any", "v", "bytes", "b")
		if got, own := strings.Count(out.String(), "\x1b"), strings.Count(plain.String(), "\x1b"); got != own {
			t.Errorf("colour %v: %d escape characters, our own are %d: %q", colour, got, own, out.String())
		}
		if got := strings.NewReplacer("\x1b", "").Replace(out.String()); lineCount(t, strings.ReplaceAll(got, `\\u`, `\u`)) != 1 {
			t.Errorf("colour %v: got several lines: %q", colour, got)
		}
	}
	var out bytes.Buffer
	log(jsonHandler(&out, slog.LevelInfo))
	if lineCount(t, out.String()) != 1 || !json.Valid(out.Bytes()) {
		t.Errorf("got %q", out.String())
	}
}
