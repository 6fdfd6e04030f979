package call_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
)

func TestArguments(t *testing.T) {
	outer := &call.Item{Value: json.RawMessage(`{"gid":"w1","name":"Work"}`)}
	item := &call.Item{Value: json.RawMessage(`{"gid":7,"team":{"id":"t \"1\""},"none":null}`), Of: outer}
	words := func(word string) (any, bool) {
		switch word {
		case "account":
			return "acc1", true
		case "types":
			return []string{"a", "b"}, true
		case "expires.ms":
			return int64(1767225600000), true
		}
		return item.Var(word)
	}
	for _, test := range []struct{ name, args, want string }{
		{"nothing", `{}`, `{}`},
		{"a value as it is", `{"limit":5,"deep":{"on":true},"list":["x",1]}`, `{"deep":{"on":true},"limit":5,"list":["x",1]}`},
		{"a word with its type", `{"types":"{types}","until":"{expires.ms}","gid":"{of.gid}"}`, `{"gid":7,"types":["a","b"],"until":1767225600000}`},
		{"words in a text", `{"path":"/teams/{of.team.id}/of/{account}/{of.gid}"}`, `{"path":"/teams/t \"1\"/of/acc1/7"}`},
		{"of the one that its list was made for", `{"workspace":"{of.of.gid}"}`, `{"workspace":"w1"}`},
		{"what is empty is left out", `{"a":"{since}","b":"x{since}","c":"{of.none}","d":{"e":"{since}"},"f":["{since}","y"]}`, `{"f":["y"]}`},
		{"the item of a list that lacks a word goes whole", `{"filters":[{"field":"at","value":{"gt":"{since}"}},{"field":"of","value":"{of.gid}"}],"sort":[{"by":"{since}"}]}`,
			`{"filters":[{"field":"of","value":7}]}`},
		{"braces that hold no word", `{"filter":"{ } {A} {1}"}`, `{"filter":"{ } {A} {1}"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var args map[string]any
			if err := json.Unmarshal([]byte(test.args), &args); err != nil {
				t.Fatal(err)
			}
			got, err := call.Arguments(args, words)
			if err != nil || string(got) != test.want {
				t.Errorf("got %s, %v, want %s", got, err, test.want)
			}
		})
	}
}

const workspaces = `
operation workspaces.list {"id":"w","method":"GET","path":"/workspaces","in_query":["offset: string"],"pages":{"items":"data","cursors":{"offset":"next.offset"}}}
operation projects.list {"id":"p","method":"GET","path":"/workspaces/{workspace}/projects","in_path":["workspace!: string"],"in_query":["team: string"],"pages":{"items":"data"}}
operation things.make {"id":"m","method":"POST","path":"/things","pages":{"items":"data"}}
operation endless.list {"id":"e","method":"GET","path":"/endless","in_query":["offset: string"],"pages":{"items":"data","cursors":{"offset":"next.offset"}}}
`

func TestItems(t *testing.T) {
	pages := 0
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.String() {
		case "/workspaces":
			fmt.Fprint(w, `{"data":[{"gid":"w1"},null],"next":{"offset":"2"}}`)
		case "/workspaces?offset=2":
			fmt.Fprint(w, `{"data":[{"gid":"w2"}],"next":null}`)
		case "/workspaces/w1/projects?team=acc":
			fmt.Fprint(w, `{"data":[{"gid":"p1"},{"gid":"p2"}]}`)
		case "/workspaces/w2/projects?team=acc":
			fmt.Fprint(w, `{"data":[{"gid":"p3"}]}`)
		default:
			pages++
			fmt.Fprintf(w, `{"data":[{"gid":"%d"}],"next":{"offset":"%d"}}`, pages, pages)
		}
	}, nil)
	catalogue, err := bindings.ParseCatalogue([]byte(workspaces))
	if err != nil {
		t.Fatal(err)
	}
	s.app.Catalogue = catalogue
	of := &bindings.ForEach{
		List: bindings.Call{Operation: "projects.list", Args: map[string]any{"workspace": "{of.gid}", "team": "{account}"}}, ID: "gid",
		ForEach: &bindings.ForEach{List: bindings.Call{Operation: "workspaces.list"}, ID: "gid"},
	}
	words := func(word string) (any, bool) { return "acc", word == "account" }
	items, err := s.Items(t.Context(), s.app, "crm/paris", of, words)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, name := range slices.Sorted(maps.Keys(items)) {
		workspace, _ := items[name].Var("of.of.gid")
		got = append(got, fmt.Sprintf("%s in %s", name, workspace))
	}
	if want := []string{`p1 in "w1"`, `p2 in "w1"`, `p3 in "w2"`}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if one, err := s.Items(t.Context(), s.app, "crm/paris", nil, words); err != nil || len(one) != 1 || one[""] != nil {
		t.Errorf("without a list: got %v, %v, want one thing without an item", one, err)
	}
	of.ForEach.ListByAuth = map[string]bindings.Call{"token": {Operation: "workspaces.list", Args: map[string]any{"offset": "2"}}}
	if some, err := s.Items(t.Context(), s.app, "crm/paris", of, words); err != nil || len(some) != 1 || some["p3"] == nil {
		t.Errorf("another list for who has a token: got %v, %v", some, err)
	}
	of.ForEach.ListByAuth = map[string]bindings.Call{"oauth": {Operation: "endless.list"}}
	of.ID = "name"
	if _, err := s.Items(t.Context(), s.app, "crm/paris", of, words); err == nil || !strings.Contains(err.Error(), `nothing at "name"`) {
		t.Errorf("items without a name: got %v", err)
	}
	if _, err := s.List(t.Context(), call.BackgroundCall{App: s.app, Connection: "crm/paris", Call: bindings.Call{Operation: "things.make"}, Vars: words}, nil); err == nil ||
		!strings.Contains(err.Error(), "may change something") {
		t.Errorf("a list that changes something: got %v", err)
	}
	err = s.Walk(t.Context(), call.BackgroundCall{App: s.app, Connection: "crm/paris", Call: bindings.Call{Operation: "endless.list"}, Vars: words},
		func(json.RawMessage) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "does not end") {
		t.Errorf("a list without an end: got %v after %d pages", err, pages)
	}
}
