package engine_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
)

var update = flag.Bool("update", false, "write what happened into the golden files")

// TestStories runs the templates end to end: something happens in one app, its
// signed webhook starts a script, and the script changes another app. Each folder
// of testdata/stories has story.http, the requests of people to the apps, and
// story.golden, the requests of the engine with their answers, and its runs. The
// clock does not advance by itself.
//
// Requests to the app "sandbox" are actions of people on the apps' screens. A line
// "# later CONNECTION POLL" lets time pass until the list was polled, for changes
// without a webhook. A part may have such a line alone: the first poll makes no
// events.
//
// A line "# let NAME = APP PATH" sets {{NAME}} in later requests to the value at
// the path in the answer to the last one.
func TestStories(t *testing.T) {
	folders, err := filepath.Glob("../testdata/stories/*/story.http")
	must(t, err)
	if len(folders) < 4 {
		t.Fatalf("found %d stories", len(folders))
	}
	for _, file := range folders {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			text, err := os.ReadFile(file)
			must(t, err)
			s := newStory(t)
			s.play(string(text))
			golden(t, filepath.Join(dir, "story.golden"), s.output.String())
		})
	}
}

// story runs one story and collects its output.
type story struct {
	*fixture
	output  strings.Builder
	names   map[string]string // {{NAME}} to value
	before  int               // requests before the present part
	ids     map[string]string
	seen    map[string]bool // runs that were printed, each with its state
	initial map[string]int  // records that the apps had at the beginning
	clock   *clock.Manual
}

var storyTime = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func newStory(t *testing.T) *story {
	clock := clock.NewManual(time.Now().Round(0))
	clock.Adjust(storyTime.Sub(clock.Now()))
	f := &fixture{t: t, apps: newSandbox(t, sandbox.Config{Seed: 1, Now: clock.Now}), log: newLogBuffer()}
	channel := json.RawMessage(`{"channel":"C0GENERAL01"}`)
	files := templates(t)
	maps.DeleteFunc(files, func(name, _ string) bool { return strings.HasPrefix(name, "two-way-contacts/") }) // it includes what another template does
	f.build(files, func(c *engine.Config) {
		c.Clock, c.InFlight = clock, 1 // one run after the other, so that the order is the same each time
		c.Params = map[string]json.RawMessage{"qonto-client-to-highlevel": channel, "appointment-to-slack": channel, "approve-in-slack": channel, "event-to-slack": channel}
		for i := range c.Connections {
			if c.Connections[i].Name == "asana" { // Asana reaches no webhooks here
				c.Connections[i].Poll = time.Minute
			}
		}
		c.HTTP.AllowPrivate = true // for answers to the sandbox's Slack
		c.PublicURL = "https://hooks.example.com"
		c.Log = slog.New(slog.NewJSONHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	s := &story{fixture: f, names: map[string]string{"location": f.apps.Account("highlevel"), "calendar": record(t, f, "calendars")}, ids: map[string]string{}, seen: map[string]bool{}, initial: map[string]int{}, clock: clock}
	for _, r := range resources {
		s.initial[r.name] = len(f.apps.Records(r.app, r.name))
	}
	return s
}

// resources are the records that a story prints, each with the field that
// identifies them.
var resources = []struct{ app, name, field string }{
	{"highlevel", "contacts", "name"}, {"highlevel", "contacts/notes", "body"}, {"highlevel", "contacts/tasks", "title"},
	{"slack", "messages", "text"}, {"teams", "cards", "attachments.0.content.body.0.text"},
}

// play makes one request after the other and prints what each caused.
func (s *story) play(text string) {
	for part := range strings.SplitSeq(text, "\n###") {
		s.before = len(s.requests())
		answer := s.perform(part)
		s.awaitRest()
		for line := range strings.Lines(part) {
			var connection, poll string
			if _, err := fmt.Sscanf(line, "# later %s %s", &connection, &poll); err == nil {
				s.awaitPoll(connection, poll)
			}
		}
		s.printAct()
		for line := range strings.Lines(part) {
			var name, path string
			if _, err := fmt.Sscanf(line, "# let %s = %s", &name, &path); err == nil {
				if s.names[name] = gjson.Get(answer, path).String(); s.names[name] == "" {
					s.t.Fatalf("%s: the answer has no %s: %s", strings.TrimSpace(line), path, answer)
				}
			}
		}
	}
}

// awaitRest waits until every webhook is delivered and every run has ended or
// waits.
func (s *story) awaitRest() {
	for webhooks := -1; webhooks != s.apps.Webhooks(); { // a run may cause another
		webhooks = s.apps.Webhooks()
		must(s.t, s.apps.Idle(s.t.Context()))
		s.until(func() bool {
			return !slices.ContainsFunc(s.runs(), func(one control.RunDetails) bool {
				return !one.Run.State.Ended() && one.Run.State != journal.Waiting
			})
		})
	}
}

// awaitPoll advances the clock and waits until a list was polled.
func (s *story) awaitPoll(connection, poll string) {
	before := s.polls(connection, poll)
	s.clock.Advance(2 * time.Minute)
	s.until(func() bool { return s.polls(connection, poll) > before })
	s.awaitRest()
}

// polls returns how often a list was polled.
func (s *story) polls(connection, poll string) int {
	return strings.Count(s.log.String(), fmt.Sprintf(`"msg":"list read","connection":%q,"poll":%q`, connection, poll))
}

// isPoll reports whether a request is one of the engine's polls.
func (s *story) isPoll(r sandbox.Request) bool {
	for _, app := range all.Apps() {
		if app.Name != r.App {
			continue
		}
		for _, sub := range app.Subscriptions {
			if sub.List != nil && sub.List.Operation == r.Operation {
				return true
			}
		}
		for i := range app.Polls {
			calls := []string{app.Polls[i].List.Operation}
			for of := app.Polls[i].ForEach; of != nil; of = of.ForEach {
				calls = append(calls, of.List.Operation)
			}
			if r.Method == http.MethodGet && slices.Contains(calls, r.Operation) {
				return true
			}
		}
	}
	return false
}

var headerName = regexp.MustCompile(`^[A-Z][A-Za-z-]+$`)

// perform makes the request of one part of a story: "METHOD APP PATH", then headers
// and a body.
func (s *story) perform(part string) string {
	for name, value := range s.names {
		part = strings.ReplaceAll(part, "{{"+name+"}}", value)
	}
	var lines []string
	header := http.Header{}
	for line := range strings.SplitSeq(part, "\n") {
		name, value, found := strings.Cut(line, ": ")
		switch {
		case strings.HasPrefix(line, "#"), strings.TrimSpace(line) == "":
		case found && headerName.MatchString(name):
			header.Set(name, value)
		default:
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 && strings.Contains(part, "# later ") {
		s.output.WriteString("=== time passes\n")
		return ""
	}
	if len(lines) == 0 {
		s.t.Fatalf("%q has no request", part)
	}
	words := strings.Fields(lines[0])
	if len(words) != 3 {
		s.t.Fatalf("found %q, expected METHOD APP PATH", lines[0])
	}
	method, app, path := words[0], words[1], words[2]
	request, err := http.NewRequest(method, s.apps.URL(app)+path, strings.NewReader(strings.Join(lines[1:], "\n")))
	must(s.t, err)
	request.Header = header
	header.Set("Content-Type", "application/json")
	header.Set("Authorization", "Bearer "+sandbox.Token)
	if app == "qonto" {
		header.Set("Authorization", "demo:"+sandbox.Token)
	}
	if app == "highlevel" && header.Get("Version") == "" {
		header.Set("Version", "2021-07-28")
	}
	response, err := http.DefaultClient.Do(request)
	must(s.t, err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	must(s.t, err)
	if response.StatusCode >= 300 {
		s.t.Fatalf("%s: %s %s", lines[0], response.Status, answer)
	}
	fmt.Fprintf(&s.output, "=== %s\n", s.normal(lines[0]))
	if app != "sandbox" { // actions on screens are not in the app's requests
		s.before++
	}
	return string(answer)
}

// requests returns the requests to the apps, without those for tokens and polls,
// whose times vary.
func (s *story) requests() []sandbox.Request {
	return slices.DeleteFunc(s.apps.Requests(""), func(r sandbox.Request) bool {
		return r.Operation == "oauth.get_access_token" || s.isPoll(r)
	})
}

// printAct prints the requests to the apps since the last part, and the runs.
func (s *story) printAct() {
	for _, r := range s.requests()[s.before:] {
		fmt.Fprintf(&s.output, "\n> %s %s\n", r.Method, s.normal(strings.TrimSuffix(r.Path+"?"+r.Query, "?")))
		if r.Body != "" {
			fmt.Fprintf(&s.output, "%s\n", s.pretty(r.Body))
		}
		fmt.Fprintf(&s.output, "< %d %s\n%s\n", r.Status, r.Operation, s.pretty(r.Answer))
	}
	for _, one := range s.runs() {
		if state := one.Run.ID + string(one.Run.State); !s.seen[state] {
			s.seen[state] = true
			s.printRun(one)
		}
	}
	s.output.WriteString("\nthe apps have now\n")
	for _, r := range resources {
		for _, record := range s.apps.Records(r.app, r.name)[s.initial[r.name]:] {
			fmt.Fprintf(&s.output, "  %s %s: %s\n", r.app, r.name, gjson.GetBytes(record, r.field))
		}
	}
	s.output.WriteString("\n")
}

func (s *story) printRun(one control.RunDetails) {
	event, _, err := s.journal.Event(s.t.Context(), one.Run.Event)
	must(s.t, err)
	fmt.Fprintf(&s.output, "\nrun of %s, hook %s: %s\n", one.Run.Script, one.Run.Hook, one.Run.State)
	fmt.Fprintf(&s.output, "  event  %s by %s on %s, lane %s\n", event.Type, event.Source, event.Connection, s.normal(one.Run.Lane))
	if one.Run.Problem != nil {
		fmt.Fprintf(&s.output, "  error  %s\n", s.normal(one.Run.Problem.Text()))
	}
	for _, step := range one.Steps {
		fmt.Fprintf(&s.output, "  %d %s %s at %s\n", step.Number, step.Name, step.State, step.Position)
		if step.Error != nil {
			fmt.Fprintf(&s.output, "    error %s\n", s.normal(step.Error.Error()))
		}
	}
}

// random matches ids in texts that differ each time, and signatures of approval
// links.
var random = regexp.MustCompile(`\b[0-9]{10}\.[A-Za-z0-9_-]{43}|\b[0-9a-f]{32}\b|\b[A-Za-z0-9]{24}\b|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\brun_[0-9a-z]+(?:\.[0-9]+\.[A-Z2-7]{26})?|\b[A-Za-z0-9]{20}\b`)

// normal replaces ids by numbers in the order of their first occurrence.
func (s *story) normal(text string) string {
	return random.ReplaceAllStringFunc(text, func(id string) string {
		if strings.HasPrefix(id, "sandbox") || strings.ToLower(id) == id && !strings.ContainsAny(id, "0123456789") {
			return id
		}
		if s.ids[id] == "" {
			s.ids[id] = fmt.Sprintf("<id %d>", len(s.ids)+1)
		}
		return s.ids[id]
	})
}

func (s *story) pretty(body string) string {
	var out bytes.Buffer
	if json.Indent(&out, []byte(body), "", "  ") != nil {
		return s.normal(body)
	}
	return s.normal(out.String())
}

// golden compares a text with a file, or writes the file with -update.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		must(t, os.WriteFile(file, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(file)
	must(t, err)
	if got != string(want) {
		t.Errorf("%s differs; -update writes it. Got\n%s", file, got)
	}
}

// record returns the id of a record that the sandbox's HighLevel has at its start.
func record(t *testing.T, f *fixture, resource string) string {
	t.Helper()
	all := f.apps.Records("highlevel", resource)
	if len(all) == 0 {
		t.Fatalf("the sandbox has no %s from the start", resource)
	}
	return gjson.GetBytes(all[0], "id").String()
}
