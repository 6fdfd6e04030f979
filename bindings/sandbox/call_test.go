package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
)

// caller calls the apps of a sandbox as scripts do, over loopback.
type caller struct {
	*Sandbox
	client *call.Client
}

func newCaller(t *testing.T) caller {
	s, err := New(Config{Apps: all.Apps(), Seed: 7, Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context(), "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	var settings []connection.Settings
	for _, name := range s.AppNames() {
		settings = append(settings, connection.Settings{Name: name, Account: s.Account(name), BaseURL: s.URL(name), Credentials: credentials(name, s.URL(name))})
	}
	set, err := connection.New(connection.Config{Apps: all.Apps(), Settings: settings, Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	client := call.New(call.Config{Connections: set, Unlimited: true, Patience: -1})
	t.Cleanup(func() {
		client.Close()
		_ = s.Close()
	})
	return caller{s, client}
}

func credentials(app, base string) map[string]string {
	if app == "qonto" {
		return map[string]string{"login": "acme", "secret_key": Token}
	}
	if app == "teams" {
		return map[string]string{"token": Token, "webhook_url": base + "/workflows/invoke?sig=" + Token}
	}
	return map[string]string{"token": Token}
}

func (c caller) do(t *testing.T, def *bindings.App, op *bindings.Operation, args Object, page bool) (call.Answer, error) {
	return c.client.Do(t.Context(), call.Request{
		App: def, Operation: op, Connection: def.Name, Args: Encode(args), Page: page, Timeout: 10 * time.Second,
		Marks: call.Marks{Begin: func(context.Context, json.RawMessage) error { return nil }, Withdraw: func(context.Context) error { return nil }},
	})
}

// arguments are the flat table of what an operation needs.
func (m maker) arguments(params map[string]string) Object {
	args := Object{}
	for name, v := range params {
		args[name] = v
	}
	for i := range m.op.Query {
		if f := &m.op.Query[i]; f.Required {
			args[f.Name] = m.value(&f.Type, f.Name, 0)
		}
	}
	maps.Copy(args, neededQuery[m.op.Method+" "+m.op.Path])
	if m.op.Body == nil {
		return args
	}
	fields, isObject := m.bodyValue().(Object)
	if _, d := m.catalogue.Resolve(&m.op.Body.Type); d == nil && !isObject {
		args["body"] = m.bodyValue()
		return args
	}
	maps.Copy(args, fields)
	return args
}

// TestEveryCall takes every operation through the real way out: arguments
// checked against the catalogue, encoded, sent, and the answer decoded. The
// sandbox is strict, so it accepts only what the catalogue declares.
func TestEveryCall(t *testing.T) {
	c := newCaller(t)
	for _, def := range all.Apps() {
		a := c.apps[def.Name]
		for _, name := range def.Operations() {
			op, _ := def.Operation(name)
			t.Run(def.Name+"."+name, func(t *testing.T) {
				if op.Path == "/oauth/token" {
					t.Skip("its client is another")
				}
				a.clear(7)
				m := maker{fitter{checkerOf(a, op), c.now()}, op, subscriber(t, def, op, c.now())}
				if _, err := c.do(t, def, op, m.arguments(m.seed(a)), false); err != nil {
					var known *bindings.Error
					if errors.As(err, &known) {
						t.Fatalf("%v: %s", err, known.Body)
					}
					t.Fatal(err)
				}
			})
		}
	}
}

// TestEveryListIsWalked lets the engine's own pager walk every list.
func TestEveryListIsWalked(t *testing.T) {
	c := newCaller(t)
	for _, def := range all.Apps() {
		a := c.apps[def.Name]
		for _, name := range def.Operations() {
			op, _ := def.Operation(name)
			if p := op.Pages; p == nil || p.SizeParam == "" && p.URL == "" || p.Page == "" && p.Offset == "" && len(p.Cursors) == 0 && p.URL == "" {
				continue
			}
			t.Run(def.Name+"."+name, func(t *testing.T) {
				a.clear(7)
				m := maker{fitter{checkerOf(a, op), c.now()}, op, nil}
				args := m.arguments(m.seed(a))
				if op.Pages.SizeParam != "" {
					args[op.Pages.SizeParam] = Number(3)
				}
				delete(args, op.Pages.Page)
				delete(args, op.Pages.Offset)
				m.fill(a, m.plan(a))
				seen := map[string]bool{}
				for range 10 {
					answer, err := c.do(t, def, op, args, true)
					if err != nil {
						t.Fatal(err)
					}
					items, next, err := call.Page(op, Encode(args), answer.Body)
					if err != nil {
						t.Fatal(err)
					}
					for _, item := range gjson.ParseBytes(items).Array() {
						seen[item.Raw] = true
					}
					if next == nil {
						break
					}
					var over Object
					if err := json.Unmarshal(next, &over); err != nil {
						t.Fatal(err)
					}
					maps.Copy(args, over)
				}
				if len(seen) != 8 {
					t.Errorf("met %d records, expected 8", len(seen))
				}
			})
		}
	}
}
