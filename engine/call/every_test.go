package call_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
)

// Every operation of every app and edition can be called with what it
// declares: the arguments pass, and each arrives in the declared place, in
// the path, the query, a header or the body.
func TestEveryOperationIsSent(t *testing.T) {
	for _, app := range all.Apps() {
		t.Run(app.Name, func(t *testing.T) {
			var got *arrived
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got = arrive(t, r)
				reply(200, `{"ok":true}`)(w)
			}))
			defer server.Close()
			set, err := connection.New(connection.Config{Apps: all.Apps(), Folder: t.TempDir(), Settings: []connection.Settings{
				{Name: app.Name, Account: "acc", BaseURL: server.URL, Credentials: credentials(app, server.URL)},
			}})
			if err != nil {
				t.Fatal(err)
			}
			defer set.Close()
			client := call.New(call.Config{Connections: set, Unlimited: true})
			defer client.Close()
			for _, name := range app.Operations() {
				op, _ := app.Operation(name)
				s := sample{app.CatalogueOf(op)}
				values := s.arguments(op)
				arguments, err := json.Marshal(values)
				if err != nil {
					t.Fatal(err)
				}
				got = nil
				_, err = client.Do(t.Context(), call.Request{App: app, Operation: op, Connection: app.Name, Args: arguments})
				switch {
				case err != nil:
					t.Errorf("%s %s: %v", name, arguments, err)
				case got == nil:
					t.Errorf("%s: nothing was sent", name)
				default:
					if op.Account != "" {
						values[op.Account] = "acc"
					}
					for _, problem := range s.compare(app, op, values, got) {
						t.Errorf("%s %s: sent %s %s: %s", name, arguments, got.Method, got.RequestURI, problem)
					}
				}
			}
		})
	}
}

// credentials are those of the first Auth that is not OAuth, with addresses
// below one.
func credentials(app *bindings.App, base string) map[string]string {
	given := map[string]string{}
	for _, auth := range app.Auth {
		if auth.OAuth != nil {
			continue
		}
		for _, field := range auth.Fields {
			given[field] = "a-" + field
		}
		for _, address := range auth.Addresses {
			given[address] = base + "/workflows/invoke"
		}
		break
	}
	return given
}

// sample makes a value of each declared type.
type sample struct{ *bindings.Catalogue }

// arguments are the required ones and every other field that is declared.
func (s sample) arguments(op *bindings.Operation) map[string]any {
	values := map[string]any{}
	for _, fields := range [][]bindings.Field{op.PathParams, op.Query, op.Header} {
		for _, f := range fields {
			if f.Name != op.Account {
				values[f.Name] = s.value(&f.Type, 0)
			}
		}
	}
	if op.Body == nil {
		return values
	}
	t, definition := s.Resolve(&op.Body.Type)
	switch {
	case definition != nil:
		for _, f := range definition.Fields {
			if values[f.Name] == nil && f.Name != op.Account { // one name may be in the query too
				values[f.Name] = s.value(&f.Type, 0)
			}
		}
	case t.Kind == bindings.Object:
		values["anything"] = "x"
	case t.Kind != bindings.Map:
		values["body"] = s.value(&op.Body.Type, 0)
	}
	return values
}

func (s sample) value(declared *bindings.Type, depth int) any {
	t, definition := s.Resolve(declared)
	switch t.Kind {
	case bindings.Number:
		return 1.5
	case bindings.Integer:
		return 3
	case bindings.Int64:
		return strconv.Itoa(1 << 60)
	case bindings.Decimal:
		return "12.50"
	case bindings.Boolean:
		return true
	case bindings.File:
		return map[string]any{"name": "a.txt", "text": "hello"}
	case bindings.List:
		if depth > 6 {
			return []any{}
		}
		return []any{s.value(t.Items, depth+1)}
	case bindings.Map:
		if depth > 6 {
			return map[string]any{}
		}
		return map[string]any{"k": s.value(t.Items, depth+1)}
	case bindings.Enum:
		return json.RawMessage(t.Values[0])
	case bindings.Union:
		return s.value(&t.OneOf[0], depth)
	case bindings.Object:
		object := map[string]any{}
		if definition != nil {
			for _, f := range definition.Fields {
				if f.Required || depth < 3 {
					object[f.Name] = s.value(&f.Type, depth+1)
				}
			}
		}
		return object
	}
	return fmt.Sprintf("text%d", depth)
}
