package sandbox_test

import (
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/bindings/sandbox/sandboxtest"
)

// The catalogue of an app without rules.
const boards = `
operation boards.create {"id":"b1","method":"POST","path":"/boards","body":{"encoding":"json","type":"#NewBoard","required":true},"answer":"#Board","status":201}
operation boards.list {"id":"b2","method":"GET","path":"/boards","in_query":["state: string","size: integer","after: string"],"answer":"#Boards","pages":{"items":"boards","cursors":{"after":"paging.after"},"size_param":"size","size":50}}
operation boards.get {"id":"b3","method":"GET","path":"/boards/{boardId}","in_path":["boardId!: string"],"answer":"#Board"}
operation boards.mine {"id":"b4","method":"GET","path":"/boards/mine","answer":"#Boards"}
operation boards.archive {"id":"b5","method":"POST","path":"/boards/{boardId}/archive","in_path":["boardId!: string"],"body":{"encoding":"json","type":"#State"},"answer":"#Board"}
operation cards.create {"id":"c1","method":"POST","path":"/boards/{boardId}/cards","in_path":["boardId!: string"],"body":{"encoding":"json","type":"#NewCard","wrap":"card"},"answer":"#CardAnswer"}
operation cards.list {"id":"c2","method":"GET","path":"/boards/{boardId}/cards","in_path":["boardId!: string"],"answer":"#Cards"}
operation cards.get {"id":"c3","method":"GET","path":"/boards/{boardId}/cards/{id}","in_path":["boardId!: string","id!: string"],"answer":"#CardAnswer"}
operation reports.run {"id":"r1","method":"POST","path":"/reports/run"}
type NewBoard {"fields":["title!: string","limit: integer","state: \"open\"|\"closed\""]}
type State {"fields":["state: string"]}
type Board {"fields":["id!: string","title!: string","state: string","created_at!: string"]}
type Boards {"fields":["boards!: [#Board]","paging: #Paging","total: integer"]}
type Paging {"fields":["after: string"]}
type NewCard {"fields":["text!: string"]}
type Card {"fields":["id!: string","text: string","board_id: string"]}
type CardAnswer {"fields":["card: #Card"]}
type Cards {"fields":["cards: [#Card]"]}
`

func TestAppWithoutRules(t *testing.T) {
	catalogue, err := bindings.ParseCatalogue([]byte(boards))
	must(t, err)
	w := sandboxtest.Start(t, sandbox.Config{Apps: []*bindings.App{{Name: "boards", Catalogue: catalogue}}})
	id := w.Call("POST /boards/boards", `{"title":"Plan","state":"open"}`).Is(201, "title", "Plan").Get("id")
	w.Call("POST /boards/boards", `{"title":"Done","state":"closed"}`).Is(201)
	w.Call("POST /boards/boards", `{"title":"More","state":"closed"}`).Is(201)
	w.Call("POST /boards/boards", `{"limit":1.5,"state":"lost"}`).Is(422, "error",
		`title should not be empty; limit must be an integer number; state must be one of the following values: "open", "closed"`)
	w.Call("GET /boards/boards?state=closed", "").Is(200, "boards.#.title", `["Done","More"]`, "total", "2")
	first := w.Call("GET /boards/boards?size=2", "").Is(200, "boards.#", "2")
	w.Call("GET /boards/boards?size=2&after="+first.Get("paging.after"), "").Is(200, "boards.#.title", `["More"]`, "paging.after", "")
	w.Call("GET /boards/boards/mine", "").Is(200, "boards.#", "0")
	w.Call("POST /boards/boards/"+id+"/archive", `{"state":"closed"}`).Is(200, "id", id, "state", "closed")

	card := w.Call("POST /boards/boards/"+id+"/cards", `{"card":{"text":"One"}}`).Is(201, "card.text", "One", "card.board_id", id).Get("card.id")
	w.Call("GET /boards/boards/"+id+"/cards", "").Is(200, "cards.#", "1")
	w.Call("GET /boards/boards/"+id+"/cards/"+card, "").Is(200, "card.id", card)
	w.Call("GET /boards/boards/nowhere/cards", "").Is(404)
	note := w.Call("POST /boards/reports/run", "").Is(200)
	if note.Body != "{}" || note.Header.Get("X-Sandbox-Note") == "" {
		t.Errorf("got %s, %v", note.Body, note.Header)
	}
}

func TestNewRefusesInvalidApps(t *testing.T) {
	catalogue, err := bindings.ParseCatalogue(nil)
	must(t, err)
	for name, apps := range map[string][]*bindings.App{
		"no catalogue": {{Name: "x"}},
		"no name":      {{Catalogue: catalogue}},
		"twice":        {{Name: "x", Catalogue: catalogue}, {Name: "x", Catalogue: catalogue}},
	} {
		if _, err := sandbox.New(sandbox.Config{Apps: apps}); err == nil {
			t.Errorf("%s: went well", name)
		}
	}
}
