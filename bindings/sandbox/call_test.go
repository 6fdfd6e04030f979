package sandbox_test

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
	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
)

// caller calls the apps of a sandbox as scripts do, over loopback.
type caller struct {
	*sandbox.Sandbox
	client *call.Client
}

func newCaller(t *testing.T) caller {
	s, err := sandbox.New(sandbox.Config{Apps: all.Apps(), Rules: all.Rules(), Seed: 7, Strict: true})
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
	client := call.New(call.Config{Connections: set, Unlimited: true, MaxWait: -1})
	t.Cleanup(func() {
		client.Close()
		_ = s.Close()
	})
	return caller{s, client}
}

func credentials(app, base string) map[string]string {
	if app == "qonto" {
		return map[string]string{"login": "acme", "secret_key": sandbox.Token}
	}
	if app == "teams" {
		return map[string]string{"token": sandbox.Token, "webhook_url": base + "/workflows/invoke?sig=" + sandbox.Token}
	}
	return map[string]string{"token": sandbox.Token}
}

func (c caller) do(t *testing.T, def *bindings.App, op *bindings.Operation, args sandbox.Object, page bool) (call.Answer, error) {
	return c.client.Do(t.Context(), call.Request{
		App: def, Operation: op, Connection: def.Name, Args: sandbox.Encode(args), Page: page, Timeout: 10 * time.Second,
		BegunRecorder: call.BegunRecorder{Begin: func(context.Context, json.RawMessage) error { return nil }, Withdraw: func(context.Context) error { return nil }},
	})
}

// arguments are the arguments of the operation in one flat table.
func (m sample) arguments() sandbox.Object {
	args := m.query()
	for name, v := range m.prepare() {
		args[name] = v
	}
	if m.op.Body == nil {
		return args
	}
	v := m.bodyValue()
	fields, isObject := v.(sandbox.Object)
	if !isObject {
		args["body"] = v
		return args
	}
	maps.Copy(args, fields)
	return args
}

// TestEveryCall makes every call with the engine's client: arguments checked
// against the catalogue, encoded, sent, and the answer decoded. The sandbox is
// strict, so it accepts only what the catalogue declares.
func TestEveryCall(t *testing.T) {
	c := newCaller(t)
	for _, def := range all.Apps() {
		for _, name := range def.Operations() {
			op, _ := def.Operation(name)
			t.Run(def.Name+"."+name, func(t *testing.T) {
				if op.Path == "/oauth/token" {
					t.Skip("its client is another")
				}
				m := newSample(t, c.Sandbox, def.Name, op)
				if _, err := c.do(t, def, op, m.arguments(), false); err != nil {
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

// TestEveryListIsWalked reads every list with the engine's pager.
func TestEveryListIsWalked(t *testing.T) {
	c := newCaller(t)
	for _, def := range all.Apps() {
		for _, name := range def.Operations() {
			op, _ := def.Operation(name)
			if p := op.Pages; p == nil || p.SizeParam == "" && p.URL == "" || p.Page == "" && p.Offset == "" && len(p.Cursors) == 0 && p.URL == "" {
				continue
			}
			t.Run(def.Name+"."+name, func(t *testing.T) {
				m := newSample(t, c.Sandbox, def.Name, op)
				args := m.arguments()
				if op.Pages.SizeParam != "" {
					args[op.Pages.SizeParam] = sandbox.Number(3)
				}
				delete(args, op.Pages.Page)
				delete(args, op.Pages.Offset)
				m.fill()
				seen := map[string]bool{}
				for range 10 {
					answer, err := c.do(t, def, op, args, true)
					if err != nil {
						t.Fatal(err)
					}
					items, next, err := call.Page(op, sandbox.Encode(args), answer.Body)
					if err != nil {
						t.Fatal(err)
					}
					for _, item := range gjson.ParseBytes(items).Array() {
						seen[item.Raw] = true
					}
					if next == nil {
						break
					}
					var over sandbox.Object
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
