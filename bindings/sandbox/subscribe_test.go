package sandbox_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/sandbox"
)

const hooked = boards + `
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

// hookedApp registers one webhook for each board, which lives an hour.
func hookedApp(t *testing.T, hook *bindings.Webhook) *bindings.App {
	t.Helper()
	catalogue, err := bindings.ParseCatalogue([]byte(hooked))
	must(t, err)
	create := bindings.Call{Operation: "hooks.create", Args: map[string]any{"target": "{url}", "board": "boards/{of.id}", "types": "{types.text}", "until": "{expires}"}}
	if hook.Proof != nil {
		create.Args["token"] = "{secret}"
	}
	return &bindings.App{Name: "boards", Catalogue: catalogue, Webhook: hook, Subscriptions: []bindings.Subscription{{
		Name: "cards", Triggers: []string{"boards.card.*"}, Of: &bindings.Of{List: bindings.Call{Operation: "boards.list"}, ID: "id"},
		Create: create, List: &bindings.Call{Operation: "hooks.list"},
		Update: &bindings.Call{Operation: "hooks.change", Args: map[string]any{"hookId": "{id}", "types": "{types.text}"}},
		Renew:  &bindings.Call{Operation: "hooks.change", Args: map[string]any{"hookId": "{id}", "until": "{expires}"}},
		Remove: bindings.Call{Operation: "hooks.delete", Args: map[string]any{"hookId": "{id}"}},
		ID:     "id", Address: "target", Expires: "until", Lifetime: time.Hour,
	}}}
}

func startApp(t *testing.T, app *bindings.App) world {
	t.Helper()
	w := world{t: t, clock: &clock{at: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)}}
	s, err := sandbox.New(sandbox.Config{Apps: []*bindings.App{app}, Seed: 1, Now: w.clock.now})
	must(t, err)
	must(t, s.Start(t.Context(), "127.0.0.1:0"))
	t.Cleanup(func() { _ = s.Close(); http.DefaultClient.CloseIdleConnections() })
	w.Sandbox = s
	return w
}

// subscriber confirms its address in either way and notes what comes.
type subscriber struct {
	*httptest.Server
	mu     sync.Mutex
	secret string
	got    []hook
	status int
}

func subscribe(t *testing.T) *subscriber {
	s := &subscriber{status: http.StatusOK}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		if secret := r.Header.Get("X-Hook-Secret"); secret != "" {
			s.secret = secret
			w.Header().Set("X-Hook-Secret", secret)
			return
		}
		if token := r.URL.Query().Get("token"); token != "" {
			w.Header().Set("Content-Type", "text/plain")
			fmt.Fprint(w, token)
			return
		}
		s.got = append(s.got, hook{r.Header, string(body)})
		w.WriteHeader(s.status)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *subscriber) take() []hook {
	s.mu.Lock()
	defer s.mu.Unlock()
	got := s.got
	s.got = nil
	return got
}

func TestAnOperationRegistersWebhooks(t *testing.T) {
	signature := bindings.PlainHMAC("X-Signature", "", bindings.Hex)
	w, s := startApp(t, hookedApp(t, &bindings.Webhook{
		Signatures: []bindings.Signature{signature}, Type: "kind", ID: "uid", Batch: "events",
		Confirm: &bindings.Confirm{Header: "X-Hook-Secret"}, Gone: http.StatusGone,
	})), subscribe(t)
	board := w.call("POST /boards/boards", `{"title":"Plan"}`).get("id")
	other := w.call("POST /boards/boards", `{"title":"Other"}`).get("id")
	register := func(types string) string {
		return w.call("POST /boards/hooks", fmt.Sprintf(`{"target":%q,"board":"boards/%s","types":%q,"until":"2026-03-04T06:06:07Z"}`,
			s.URL, board, types)).is(201, "target", s.URL).get("id")
	}
	happen := func() (kinds []string) {
		for _, id := range []string{board, other} {
			w.call("POST /boards/boards/"+id+"/cards", `{"card":{"text":"One"}}`).is(201)
		}
		must(t, w.Idle(t.Context()))
		for _, got := range s.take() {
			if _, err := signature.Verify(got.header, []byte(got.body), s.secret, time.Time{}, 0); err != nil {
				t.Errorf("the secret that was confirmed does not fit: %v", err)
			}
			for _, event := range gjson.Get(got.body, "events").Array() {
				kinds = append(kinds, event.Get("kind").String()+" of "+event.Get("board_id").String())
			}
		}
		return kinds
	}
	expect := func(what string, want ...string) {
		t.Helper()
		if got := happen(); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	mine := "card.created of " + board

	id := register("card.created,card.moved")
	expect("what hangs under the board", mine)
	w.call("PATCH /boards/hooks/"+id, `{"types":"card.moved"}`).is(200)
	expect("other types")
	w.call("PATCH /boards/hooks/"+id, `{"types":"card.created"}`).is(200)
	w.clock.pass(50 * time.Minute)
	w.call("PATCH /boards/hooks/"+id, `{"until":"2026-03-04T07:06:07Z"}`).is(200, "until", "2026-03-04T07:06:07Z")
	w.clock.pass(50 * time.Minute)
	expect("renewed", mine)
	w.clock.pass(20 * time.Minute)
	expect("after its end")
	w.call("GET /boards/hooks", "").is(200, "data.#", "0")
	w.call("PATCH /boards/hooks/"+id, `{"until":"2026-03-05T07:06:07Z"}`).is(404)

	w.clock.pass(-2 * time.Hour)
	id = register("")
	w.call("DELETE /boards/hooks/"+id, "").is(200)
	expect("removed")
	register("")
	s.status = http.StatusGone
	happen()
	w.call("GET /boards/hooks", "").is(200, "data.#", "0")

	for _, body := range []string{
		`{"target":"nowhere","board":"boards/x"}`, `{"target":"http://127.0.0.1:1/","board":"boards/x"}`, `{"target":"` + s.URL + `","board":"boards/x","until":"soon"}`,
	} {
		if got := w.call("POST /boards/hooks", body); got.status < 400 {
			t.Errorf("%s: got %d", body, got.status)
		}
	}
	w.call("GET /boards/hooks", "").is(200, "data.#", "0")
}

func TestWebhooksShowTheirSecret(t *testing.T) {
	for _, c := range []struct {
		hook bindings.Webhook
		show func(hook) string
	}{
		{bindings.Webhook{Type: "kind", Batch: "value", Proof: &bindings.Proof{Path: "state"}, Confirm: &bindings.Confirm{Query: "token"}},
			func(h hook) string { return gjson.Get(h.body, "value.0.state").String() }},
		{bindings.Webhook{Type: "kind", Proof: &bindings.Proof{Header: "X-Token"}, Headers: map[string]string{"kind": "X-Kind"},
			Nudge: []string{"changed"}, Ignore: []string{"sync"}},
			func(h hook) string { return h.header.Get("X-Token") + h.body }},
	} {
		w, s := startApp(t, hookedApp(t, &c.hook)), subscribe(t)
		board := w.call("POST /boards/boards", `{"title":"Plan"}`).get("id")
		w.call("POST /boards/hooks", fmt.Sprintf(`{"target":%q,"board":"boards/%s","token":"shown"}`, s.URL+"/?a=b&c="+url.QueryEscape("d e"), board)).is(201)
		w.call("POST /boards/boards/"+board+"/cards", `{"card":{"text":"One"}}`).is(201)
		must(t, w.Idle(t.Context()))
		got := s.take()
		if len(c.hook.Nudge) > 0 {
			if len(got) != 2 || got[0].header.Get("X-Kind") != "sync" || got[1].header.Get("X-Kind") != "changed" {
				t.Fatalf("got %+v, want a first word and a nudge", got)
			}
			got = got[1:]
		}
		if len(got) != 1 || c.show(got[0]) != "shown" {
			t.Errorf("got %+v, want one that shows the secret", got)
		}
	}
}
