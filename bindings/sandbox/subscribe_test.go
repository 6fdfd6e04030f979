package sandbox_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/bindings/sandbox/sandboxtest"
)

const webhookCatalogue = boards + `
operation hooks.create {"id":"h1","method":"POST","path":"/hooks","body":{"encoding":"json","type":"#NewHook","required":true},"answer":"#Hook"}
operation hooks.list {"id":"h2","method":"GET","path":"/hooks","answer":"#Hooks","pages":{"items":"data"}}
operation hooks.change {"id":"h3","method":"PATCH","path":"/hooks/{hookId}","in_path":["hookId!: string"],"body":{"encoding":"json","type":"#Change"},"answer":"#Hook"}
operation hooks.delete {"id":"h4","method":"DELETE","path":"/hooks/{hookId}","in_path":["hookId!: string"]}
type NewHook {"fields":["target!: string","board: string","types: string","until: string","token: string"]}
type Change {"fields":["types: string","until: string"]}
type Hook {"fields":["id: string","target: string","board: string","types: string","until: string"]}
type Hooks {"fields":["data: [#Hook]"]}
trigger boards.card.created {"vendor":"card.created","record":"id","data":"#Card"}
trigger boards.board.created {"vendor":"board.created","record":"id","data":"#Board"}
`

// webhookApp registers one webhook for each board, which expires after an hour.
func webhookApp(t *testing.T, hook *bindings.Webhook) *bindings.App {
	t.Helper()
	catalogue, err := bindings.ParseCatalogue([]byte(webhookCatalogue))
	must(t, err)
	create := bindings.Call{Operation: "hooks.create", Args: map[string]any{"target": "{url}", "board": "boards/{of.id}", "types": "{types.text}", "until": "{expires}"}}
	if hook.Token != nil {
		create.Args["token"] = "{secret}"
	}
	return &bindings.App{Name: "boards", Catalogue: catalogue, Webhook: hook, Subscriptions: []bindings.Subscription{{
		Name: "cards", Triggers: []string{"boards.card.*"}, ForEach: &bindings.ForEach{List: bindings.Call{Operation: "boards.list"}, ID: "id"},
		Create: create, List: &bindings.Call{Operation: "hooks.list"},
		Update: &bindings.Call{Operation: "hooks.change", Args: map[string]any{"hookId": "{id}", "types": "{types.text}"}},
		Renew:  &bindings.Call{Operation: "hooks.change", Args: map[string]any{"hookId": "{id}", "until": "{expires}"}},
		Remove: bindings.Call{Operation: "hooks.delete", Args: map[string]any{"hookId": "{id}"}},
		ID:     "id", Address: "target", Expires: "until", Lifetime: time.Hour,
	}}}
}

func startApp(t *testing.T, app *bindings.App) *sandboxtest.Server {
	return sandboxtest.Start(t, sandbox.Config{Apps: []*bindings.App{app}})
}

func TestOperationsRegisterWebhooks(t *testing.T) {
	signature := bindings.PlainHMAC("X-Signature", "", bindings.Hex)
	w, s := startApp(t, webhookApp(t, &bindings.Webhook{
		Signatures: []bindings.Signature{signature}, Type: "kind", ID: "uid", Batch: "events",
		Handshake: &bindings.Handshake{Header: "X-Hook-Secret"}, GoneStatus: http.StatusGone,
	})), sandboxtest.Receive(t)
	board := w.Call("POST /boards/boards", `{"title":"Plan"}`).Get("id")
	other := w.Call("POST /boards/boards", `{"title":"Other"}`).Get("id")
	register := func(types string) string {
		return w.Call("POST /boards/hooks", fmt.Sprintf(`{"target":%q,"board":"boards/%s","types":%q,"until":"2026-03-04T06:06:07Z"}`,
			s.URL, board, types)).Is(201, "target", s.URL).Get("id")
	}
	createCards := func() (kinds []string) {
		for _, id := range []string{board, other} {
			w.Call("POST /boards/boards/"+id+"/cards", `{"card":{"text":"One"}}`).Is(201)
		}
		must(t, w.Idle(t.Context()))
		for _, got := range s.Drain() {
			if _, err := signature.Verify(got.Header, []byte(got.Body), s.Secret(), time.Time{}, 0); err != nil {
				t.Errorf("the secret that was confirmed does not fit: %v", err)
			}
			for _, event := range gjson.Get(got.Body, "events").Array() {
				kinds = append(kinds, event.Get("kind").String()+" of "+event.Get("board_id").String())
			}
		}
		return kinds
	}
	expect := func(what string, want ...string) {
		t.Helper()
		if got := createCards(); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	mine := "card.created of " + board

	id := register("card.created,card.moved")
	expect("what hangs under the board", mine)
	w.Call("PATCH /boards/hooks/"+id, `{"types":"card.moved"}`).Is(200)
	expect("other types")
	w.Call("PATCH /boards/hooks/"+id, `{"types":"card.created"}`).Is(200)
	w.Clock.Advance(50 * time.Minute)
	w.Call("PATCH /boards/hooks/"+id, `{"until":"2026-03-04T07:06:07Z"}`).Is(200, "until", "2026-03-04T07:06:07Z")
	w.Clock.Advance(50 * time.Minute)
	expect("renewed", mine)
	w.Clock.Advance(20 * time.Minute)
	expect("after its end")
	w.Call("GET /boards/hooks", "").Is(200, "data.#", "0")
	w.Call("PATCH /boards/hooks/"+id, `{"until":"2026-03-05T07:06:07Z"}`).Is(404)

	w.Clock.Advance(-2 * time.Hour)
	id = register("")
	w.Call("DELETE /boards/hooks/"+id, "").Is(200)
	expect("removed")
	register("")
	s.Answer(http.StatusGone, http.StatusGone)
	createCards()
	w.Call("GET /boards/hooks", "").Is(200, "data.#", "0")

	for _, body := range []string{
		`{"target":"nowhere","board":"boards/x"}`, `{"target":"http://127.0.0.1:1/","board":"boards/x"}`, `{"target":"` + s.URL + `","board":"boards/x","until":"soon"}`,
	} {
		if got := w.Call("POST /boards/hooks", body); got.Status < 400 {
			t.Errorf("%s: got %d", body, got.Status)
		}
	}
	w.Call("GET /boards/hooks", "").Is(200, "data.#", "0")
}

func TestWebhooksContainTheirSecret(t *testing.T) {
	for _, c := range []struct {
		hook     bindings.Webhook
		secretOf func(sandboxtest.Webhook) string
	}{
		{bindings.Webhook{Type: "kind", Batch: "value", Token: &bindings.WebhookToken{Path: "state"}, Handshake: &bindings.Handshake{Query: "token"}},
			func(h sandboxtest.Webhook) string { return gjson.Get(h.Body, "value.0.state").String() }},
		{bindings.Webhook{Type: "kind", Token: &bindings.WebhookToken{Header: "X-Token"}, Headers: map[string]string{"kind": "X-Kind"},
			PollOn: []string{"changed"}, Ignore: []string{"sync"}},
			func(h sandboxtest.Webhook) string { return h.Header.Get("X-Token") + h.Body }},
	} {
		w, s := startApp(t, webhookApp(t, &c.hook)), sandboxtest.Receive(t)
		board := w.Call("POST /boards/boards", `{"title":"Plan"}`).Get("id")
		w.Call("POST /boards/hooks", fmt.Sprintf(`{"target":%q,"board":"boards/%s","token":"shown"}`, s.URL+"/?a=b&c="+url.QueryEscape("d e"), board)).Is(201)
		w.Call("POST /boards/boards/"+board+"/cards", `{"card":{"text":"One"}}`).Is(201)
		must(t, w.Idle(t.Context()))
		got := s.Drain()
		if len(c.hook.PollOn) > 0 {
			if len(got) != 2 || got[0].Header.Get("X-Kind") != "sync" || got[1].Header.Get("X-Kind") != "changed" {
				t.Fatalf("got %+v, want a first word and a notification", got)
			}
			got = got[1:]
		}
		if len(got) != 1 || c.secretOf(got[0]) != "shown" {
			t.Errorf("got %+v, want one that shows the secret", got)
		}
	}
}
