package vm_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/vm"
)

// appHost answers steps from memory and records them.
type appHost struct {
	answers map[string][]string // by step name, in order; the last one is used again
	errors  map[string]*bindings.Error
	secrets map[string]string
	state   map[string]json.RawMessage
	now     time.Time

	steps []vm.Step
	lines []string // "INFO text {fields}"
}

func (h *appHost) Step(_ context.Context, s vm.Step) (json.RawMessage, error) {
	h.steps = append(h.steps, s)
	if err := h.errors[s.Name]; err != nil {
		return nil, err
	}
	if all := h.answers[s.Name]; len(all) > 0 {
		if len(all) > 1 {
			h.answers[s.Name] = all[1:]
		}
		return json.RawMessage(all[0]), nil
	}
	switch s.Kind {
	case vm.StepNow:
		return json.Marshal(h.now)
	case vm.StepUUID:
		return json.RawMessage(`"0b5c5e5e-3c6e-4d9b-9d4e-1f1d3b0a7c11"`), nil
	case vm.StepRandom:
		return json.RawMessage(`4`), nil
	case vm.StepState:
		return h.applyState(s)
	case vm.StepApproval:
		return json.RawMessage(`{"id":"a1","url":"https://tidewire.test/a/1"}`), nil
	}
	return nil, nil
}

// applyState performs a step on the state of a script, as the journal does.
func (h *appHost) applyState(s vm.Step) (json.RawMessage, error) {
	var args struct {
		Verb, Key       string
		Value, Expected json.RawMessage
	}
	if err := json.Unmarshal(s.Args, &args); err != nil {
		return nil, err
	}
	if h.state == nil {
		h.state = map[string]json.RawMessage{}
	}
	switch args.Verb {
	case "get":
		return h.state[args.Key], nil
	case "put":
		h.state[args.Key] = args.Value
	case "delete":
		delete(h.state, args.Key)
	case "add":
		var sum, by float64
		_ = json.Unmarshal(h.state[args.Key], &sum)
		if err := json.Unmarshal(args.Value, &by); err != nil {
			return nil, err
		}
		h.state[args.Key], _ = json.Marshal(sum + by)
		return h.state[args.Key], nil
	case "cas":
		if string(h.state[args.Key]) != string(args.Expected) {
			return json.RawMessage("false"), nil
		}
		h.state[args.Key] = args.Value
		return json.RawMessage("true"), nil
	}
	return nil, nil
}

func (h *appHost) File(hash string, _ int64) ([]byte, error) {
	return []byte("the content of " + hash), nil
}

func (h *appHost) Secret(name string) (string, error) {
	if text, found := h.secrets[name]; found {
		return text, nil
	}
	return "", fmt.Errorf("there is no secret %q", name)
}

func (h *appHost) Log(level slog.Level, text string, fields json.RawMessage) {
	h.lines = append(h.lines, strings.TrimSpace(fmt.Sprintf("%s %s %s", level, text, fields)))
}

func (h *appHost) Replaying() bool { return false }

// last returns the last step, as "name {args}".
func (h *appHost) last() string {
	if len(h.steps) == 0 {
		return ""
	}
	s := h.steps[len(h.steps)-1]
	return s.Name + " " + string(s.Args)
}

const testCatalogue = `
trigger acme.contact.updated {"record":"id","data":"#Contact"}
operation contacts.upsert {"id":"upsert-contact","method":"POST","path":"/contacts/upsert","body":{"encoding":"json","type":"#ContactIn"},"answer":"#ContactAnswer"}
operation contacts.get {"id":"get-contact","method":"GET","path":"/contacts/{contactId}","in_path":["contactId!: string"],"answer":"#ContactAnswer"}
operation contacts.list {"id":"get-contacts","method":"GET","path":"/contacts","in_query":["limit: integer","startAfter: string","status[]: string","filter: #Filter"],"answer":"#Contacts","pages":{"items":"data.contacts","cursors":{"startAfter":"meta.next"},"size_param":"limit","size":2}}
operation contacts.create_task {"id":"create-task","method":"POST","path":"/contacts/{contactId}/tasks","in_path":["contactId!: string"],"body":{"encoding":"json","type":"#TaskIn"}}
operation contacts.remove_tag {"id":"remove-tag","method":"DELETE","path":"/contacts/{contactId}/tags","in_path":["contactId!: string"]}
operation tags.replace {"id":"replace-tags","method":"PUT","path":"/tags","body":{"encoding":"json","type":"[string]"}}
operation forms.list {"id":"get-forms","method":"GET","path":"/forms","in_query":["skip: integer","pageSize: integer","type: string"]}
type ContactIn {"fields":["email: string","tags: [string]","balance: decimal","customFields: [#CustomField]","meta: any","either: string|[string]"]}
type CustomField {"fields":["id: string","value: any"]}
type TaskIn {"fields":["title!: string","completed: boolean"]}
type Filter {"fields":["email: string"]}
type Contact {"fields":["id: string","email: string","balance: decimal","seq: int64","tags: [string]","parent: #Contact"]}
type ContactAnswer {"fields":["contact: #Contact"]}
type Contacts {"fields":["data: #ContactsData","meta: any"]}
type ContactsData {"fields":["contacts: [#Contact]"]}
`

// testEdition has other types for contacts, and an operation that acme itself
// does not have.
const testEdition = `
operation contacts.get {"id":"get-contact","method":"GET","path":"/contacts/{id}","in_path":["id!: string"],"answer":"#Contact"}
operation contacts.list {"id":"get-contacts","method":"GET","path":"/contacts","answer":"#Contacts","pages":{"items":"rows"}}
operation boards.list {"id":"get-boards","method":"GET","path":"/boards"}
type Contact {"fields":["id: string","balance: decimal"]}
type Contacts {"fields":["rows: [#Contact]"]}
`

func testApp(t testing.TB) *bindings.App {
	t.Helper()
	catalogue, err := bindings.ParseCatalogue([]byte(testCatalogue))
	if err != nil {
		t.Fatal(err)
	}
	v2, err := bindings.ParseEdition("v2", []byte(testEdition))
	if err != nil {
		t.Fatal(err)
	}
	return &bindings.App{Name: "acme", BaseURL: "https://api.acme.test", Catalogue: catalogue, Editions: []bindings.Edition{v2}}
}

// compileCRM compiles one file called "crm.lua".
func compileCRM(t testing.TB, m *vm.Machine, source string) *vm.Program {
	t.Helper()
	p, err := m.Compile("crm.lua", files{"crm.lua": source}.read)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newHost() *appHost {
	return &appHost{answers: map[string][]string{}, now: time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)}
}

// runScript runs the first hook of a script with an event.
func runScript(t testing.TB, h *appHost, source, event string, s vm.Settings) error {
	t.Helper()
	m := vm.New(vm.Config{Apps: []*bindings.App{testApp(t)}})
	return m.Run(t.Context(), compileCRM(t, m, source), vm.Activation{Settings: s, Event: json.RawMessage(event), Host: h}).Err
}

// handle runs body as the function of a hook.
func handle(t testing.TB, h *appHost, body string) error {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	source := "local acme = require \"acme\"\non(\"acme.contact.created\", function(event)\n" + body + "\nend)"
	return runScript(t, h, source, `{"id":"e1","type":"acme.contact.created","data":{}}`,
		vm.Settings{Zone: zone, Params: json.RawMessage(`{"channel":"#sales","list":[],"n":3}`)})
}

// snippet is Lua with its result: the JSON of the value that it returns, or a
// part of its error.
type snippet struct{ lua, want, err string }

func runSnippets(t *testing.T, all []snippet) {
	t.Helper()
	for _, s := range all {
		t.Run(strings.TrimSpace(s.lua), func(t *testing.T) {
			h := newHost()
			got, err := evaluate(t, h, s.lua)
			switch {
			case s.err != "" && (err == nil || !strings.Contains(err.Error(), s.err)):
				t.Errorf("error %v, value %s; want the error %q", err, got, s.err)
			case s.err == "" && err != nil:
				t.Errorf("error %v; want %s", err, s.want)
			case s.err == "" && got != s.want:
				t.Errorf("got %s; want %s", got, s.want)
			}
		})
	}
}

// evaluate returns the JSON of the value that a snippet returns.
func evaluate(t testing.TB, h *appHost, lua string) (string, error) {
	t.Helper()
	if !strings.Contains(lua, "return") {
		lua = "return " + lua
	}
	err := handle(t, h, "local value = (function() "+lua+" end)()\nlog.info(\"value\", { value = value })")
	if err != nil {
		return "", err
	}
	line := h.lines[len(h.lines)-1]
	line = strings.TrimPrefix(line, "INFO value ")
	if line == "{}" {
		return "nil", nil
	}
	return strings.TrimSuffix(strings.TrimPrefix(line, `{"value":`), "}"), nil
}

// lastStep is Lua with its last step, as "name {args}".
type lastStep struct{ lua, want string }

func wantSteps(t *testing.T, all []lastStep) {
	for _, a := range all {
		t.Run(a.lua, func(t *testing.T) {
			h := newHost()
			if err := handle(t, h, a.lua); err != nil {
				t.Fatal(err)
			}
			if h.last() != a.want {
				t.Errorf("got  %s\nwant %s", h.last(), a.want)
			}
		})
	}
}
