package call_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
)

const findCatalogue = `
operation notes.write {"id":"w","method":"POST","path":"/notes","body":{"encoding":"json","type":"#Note"},"own_key":{"args":{"ext":{"ref":"{key}"}}},"find":FIND}
operation cards.write {"id":"c","method":"POST","path":"/cards","body":{"encoding":"json","type":"#Note"},"own_key":{"args":{"id":"{key}"},"format":"uuid","auths":["oauth"]}}
operation cards.save {"id":"s","method":"POST","path":"/saved","body":{"encoding":"json","type":"#Note"},"own_key":{"args":{"id":"{key}"}},"idempotent":"the id is there once","idempotent_with":["id","text"]}
operation notes.list {"id":"l","method":"GET","path":"/notes","in_query":["page: string","since: string","folder: string","q: string"],"pages":{"items":"notes","cursors":{"page":"next"}}}
operation notes.get {"id":"g","method":"GET","path":"/notes/{id}","in_path":["id!: string"]}
operation notes.search {"id":"h","method":"POST","path":"/search","safe":true,"body":{"encoding":"json","type":"#Note"}}
type Note {"fields":["id: string","text: string","n: number","due: string","ext: object","folder: object"],"open":true}
`

const ownDigits = "0123456789abcdef0123456789abcdef"

// TestOwnKey checks what calls are sent with a key of ours, and what is recorded of
// it.
func TestOwnKey(t *testing.T) {
	for _, test := range []struct{ name, operation, args, key, body, recorded string }{
		{"added", "notes.write", `{"text":"a"}`, ownDigits, `{"ext":{"ref":"` + ownDigits + `"},"text":"a"}`, ownDigits},
		{"added to no arguments", "notes.write", `[]`, ownDigits, `{"ext":{"ref":"` + ownDigits + `"}}`, ownDigits},
		{"there is none", "notes.write", `{"text":"a"}`, "", `{"text":"a"}`, ""},
		{"the call has the argument", "notes.write", `{"ext":{"data":1}}`, ownDigits, `{"ext":{"data":1}}`, ""},
		{"a way to authorise that may not", "cards.write", `{"text":"a"}`, ownDigits, `{"text":"a"}`, ""},
		{"repeating it is harmless", "cards.save", `{"text":"a"}`, ownDigits, `{"text":"a"}`, ""},
		{"repeating it is not harmless", "cards.save", `{"n":1}`, ownDigits, `{"id":"` + ownDigits + `","n":1}`, ownDigits},
	} {
		t.Run(test.name, func(t *testing.T) {
			var body string
			s := start(t, func(w http.ResponseWriter, r *http.Request) {
				read, _ := io.ReadAll(r.Body)
				body = string(read)
				reply(503, `{}`)(w)
			}, nil)
			s.useFindCatalogue(t, `[]`)
			r := s.request(t, test.operation, test.args)
			r.OwnKey = test.key
			_, err := s.Do(t.Context(), r)
			var sent struct {
				OwnKey string `json:"own_key"`
			}
			if err := json.Unmarshal(s.sent[0], &sent); err != nil || body != test.body || sent.OwnKey != test.recorded {
				t.Errorf("sent %s, recorded the key %q, want %s, %q", body, sent.OwnKey, test.body, test.recorded)
			}
			if test.recorded == "" {
				return
			}
			// The key does not make it safe to send it again.
			wantKind(t, err, bindings.Uncertain, false)
			if len(s.sent) != 1 {
				t.Errorf("it was sent %d times", len(s.sent))
			}
			first := body
			r.Again, r.OwnKey = s.sent[0], "another"
			_, _ = s.Do(t.Context(), r)
			if body != first {
				t.Errorf("sent again %s, want %s", body, first)
			}
		})
	}
}

// TestOwnKeyWithSecret sends a request again of which only the key is recorded.
func TestOwnKeyWithSecret(t *testing.T) {
	var bodies []string
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		read, _ := io.ReadAll(r.Body)
		bodies = append(bodies, string(read))
		reply(503, `{}`)(w)
	}, nil)
	s.useFindCatalogue(t, `[]`)
	r := s.request(t, "notes.write", `{"text":"hidden-word"}`)
	r.OwnKey, r.Secrets = ownDigits, []string{"hidden-word"}
	_, _ = s.Do(t.Context(), r)
	if record := string(s.sent[0]); strings.Contains(record, "hidden-word") || !strings.Contains(record, ownDigits) {
		t.Errorf("recorded %s", record)
	}
	r.Again, r.OwnKey = s.sent[0], strings.Repeat("f", 32)
	_, _ = s.Do(t.Context(), r)
	if len(bodies) != 2 || bodies[0] != bodies[1] {
		t.Errorf("sent %q", bodies)
	}
}

func (s *setup) useFindCatalogue(t *testing.T, find string) {
	t.Helper()
	catalogue, err := bindings.ParseCatalogue([]byte(strings.Replace(findCatalogue, "FIND", find, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if err := catalogue.Check(); err != nil {
		t.Fatal(err)
	}
	s.app.Catalogue = catalogue
}

// TestFind reads whether a call was done.
func TestFind(t *testing.T) {
	sent := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	record := func(key string) string {
		return fmt.Sprintf(`{"at":%q,"method":"POST","url":"/notes","key":"derived","own_key":%q}`, sent.Format(time.RFC3339), key)
	}
	notes := func(all ...string) string { return `{"notes":[` + strings.Join(all, ",") + `]}` }
	const byKey = `[{"key":true,"operation":"notes.list","args":{"since":"{since}"},"match":{"ext.ref":"{key}"},"answer":{"note":"{found}","id":"{found.id}","in":"{args.folder.id}"}}]`
	const byText = `[{"operation":"notes.list","args":{"since":"{since.ms}","folder":"{args.folder.id}","q":"{account}"},"match":{"text":"{args.text}","n":"{args.n}","due":"{args.due}"},"created":"at"}]`
	const own = `{"id":"1","ext":{"ref":"` + ownDigits + `"}}`
	for _, test := range []struct {
		name, find, args, key, derived string
		status                         int
		answers                        map[string]string // by method and address
		want                           []string          // answers; nil: an error
		none                           bool              // there is no way to find it
	}{
		{name: "by the key", find: byKey, args: `{"text":"a","folder":{"id":7}}`, key: ownDigits,
			answers: map[string]string{"GET /notes?since=2026-03-01T08%3A55%3A00Z": notes(`{"id":"0"}`, own)}, want: []string{`{"id":"1","in":7,"note":` + own + `}`}},
		{name: "by the key, without an argument", find: byKey, args: `{}`, key: ownDigits,
			answers: map[string]string{"GET /notes?since=2026-03-01T08%3A55%3A00Z": notes(own)}, want: []string{`{"id":"1","note":` + own + `}`}},
		{name: "on the second page", find: byKey, args: `{}`, key: ownDigits, answers: map[string]string{
			"GET /notes?since=2026-03-01T08%3A55%3A00Z":        `{"notes":[{"id":"0"}],"next":"2"}`,
			"GET /notes?page=2&since=2026-03-01T08%3A55%3A00Z": notes(own)}, want: []string{`{"id":"1","note":` + own + `}`}},
		{name: "no page after that", find: byKey, args: `{}`, key: ownDigits, answers: map[string]string{
			"GET /notes?since=2026-03-01T08%3A55%3A00Z": `{"notes":[` + own + `],"next":"2"}`}, want: []string{`{"id":"1","note":` + own + `}`}},
		{name: "not there", find: byKey, args: `{}`, key: ownDigits, answers: map[string]string{"GET /notes?since=2026-03-01T08%3A55%3A00Z": notes(`{"id":"0"}`)}, want: []string{}},
		{name: "sent without a key", find: byKey, args: `{}`, none: true},
		{name: "with the idempotency key", find: strings.Replace(byKey, `"key":true`, `"key":true,"without":["text"]`, 1), args: `{"text":"a"}`, key: ownDigits, none: true},

		{name: "equal", find: byText, args: `{"text":" Über ","n":2,"due":"2026-04-01T10:00:00+02:00","folder":{"id":7}}`,
			answers: map[string]string{"GET /notes?folder=7&q=loc1&since=1772355300000": notes(
				`{"id":"1","text":"über","n":"2.0","due":"2026-04-01T08:00:00Z","at":"2026-03-01T09:00:01Z"}`,
				`{"id":"2","text":"über","n":2,"due":"2026-04-01T08:00:00.000Z","at":1772355601}`,
				`{"id":"3","text":"über","n":3,"due":"2026-04-01T08:00:00Z"}`,
				`{"id":"4","text":"uber","n":2,"due":"2026-04-01T08:00:00Z"}`,
				`{"id":"5","text":"über","n":2,"due":"2026-04-01T08:00:01Z"}`,
				`{"id":"6","text":"über","n":2,"due":"2026-04-01T08:00:00Z","at":"2026-03-01T08:54:59Z"}`,
				`{"id":"7","text":"über","n":2,"due":"2026-04-01T08:00:00Z","at":1772355299000}`,
				`{"id":"8","text":"über","n":2,"due":"2026-04-01T08:00:00Z","at":"soon"}`,
				`{"id":"9","text":"über"}`)},
			want: []string{"1", "2", "8"}},
		{name: "an argument that is not there is not compared", find: byText, args: `{"text":"a","n":null}`,
			answers: map[string]string{"GET /notes?q=loc1&since=1772355300000": notes(`{"id":"1","text":"a","n":5}`, `{"id":"2"}`)}, want: []string{"1"}},

		{name: "a record", find: `[{"key":true,"operation":"notes.get","args":{"id":"{key}"}}]`, args: `{}`, key: ownDigits,
			answers: map[string]string{"GET /notes/" + ownDigits: own}, want: []string{own}},
		{name: "no such record", find: `[{"key":true,"operation":"notes.get","args":{"id":"{key}"}}]`, args: `{}`, key: ownDigits, status: 404,
			answers: map[string]string{"GET /notes/" + ownDigits: `{}`}, want: []string{}},
		{name: "a record that may not be read", find: `[{"key":true,"operation":"notes.get","args":{"id":"{key}"}}]`, args: `{}`, key: ownDigits, status: 403,
			answers: map[string]string{"GET /notes/" + ownDigits: `{}`}},
		{name: "a list that is not there", find: byKey, args: `{}`, key: ownDigits, status: 404, answers: map[string]string{"GET /notes?since=2026-03-01T08%3A55%3A00Z": `{}`}},
		{name: "a list without pages", find: `[{"operation":"notes.search","args":{"text":"{args.text}"},"items":"data.hits","match":{"text":"{args.text}"}}]`, args: `{"text":"a"}`,
			answers: map[string]string{"POST /search": `{"data":{"hits":[{"id":"1","text":"a"},{"id":"2","text":"b"},null]}}`}, want: []string{"1"}},
		{name: "no list", find: `[{"operation":"notes.search","items":"data","match":{"text":"a"}}]`, args: `{}`, answers: map[string]string{"POST /search": `{"data":{"hits":[]}}`}},
		{name: "an empty list", find: `[{"operation":"notes.search","items":"data","match":{"text":"a"}}]`, args: `{}`, answers: map[string]string{"POST /search": `{"data":null}`}, want: []string{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, func(w http.ResponseWriter, r *http.Request) {
				answer, found := test.answers[r.Method+" "+r.RequestURI]
				if !found {
					t.Errorf("received %s %s, want one of %v", r.Method, r.RequestURI, test.answers)
				}
				reply(max(test.status, 200), answer)(w)
			}, nil)
			s.useFindCatalogue(t, test.find)
			b := call.Begun{App: s.app, Operation: s.op(t, "notes.write"), Args: json.RawMessage(test.args), Sent: json.RawMessage(record(test.key))}
			find := b.FindFor(test.derived)
			if find == nil || test.none {
				if (find == nil) != test.none {
					t.Errorf("the way to find it is %+v", find)
				}
				return
			}
			found, err := s.Find(t.Context(), call.FindRequest{Begun: b, Find: find, Connection: "crm/paris", Given: b.Args})
			if test.want == nil {
				appError(t, err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(found.Answers) != len(test.want) {
				t.Fatalf("found %s, want %s", found.Answers, test.want)
			}
			for i, want := range test.want {
				got := string(found.Answers[i])
				if got != want && !strings.HasPrefix(got, `{"id":"`+want+`"`) {
					t.Errorf("found %s, want %s", got, want)
				}
			}
		})
	}
}

// TestFindBounds reads a list that does not end, and one with many matches.
func TestFindBounds(t *testing.T) {
	pages := 0
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		pages++
		answer := fmt.Sprintf(`{"notes":[{"id":"1","text":"b"}],"next":"%d"}`, pages)
		if r.URL.Query().Get("q") == "many" {
			answer = `{"notes":[` + strings.Repeat(`{"id":"1","text":"a"},`, 99) + `{"id":"1","text":"a"}]}`
		}
		reply(200, answer)(w)
	}, nil)
	s.useFindCatalogue(t, `[{"with":["n"],"operation":"notes.list","args":{"q":"many"},"match":{"text":"a"}},{"operation":"notes.list","match":{"text":"a"}}]`)
	find := func(args string) (call.Found, error) {
		b := call.Begun{App: s.app, Operation: s.op(t, "notes.write"), Args: json.RawMessage(args), Sent: json.RawMessage(`{"at":"2026-03-01T09:00:00Z","method":"POST","url":"/notes"}`)}
		return s.Find(t.Context(), call.FindRequest{Begun: b, Find: b.FindFor(""), Connection: "crm/paris"})
	}
	if _, err := find(`{}`); err == nil || !strings.Contains(err.Error(), "more than 50 pages") || pages != 50 {
		t.Errorf("after %d pages: %v", pages, err)
	}
	if found, err := find(`{"n":1}`); err != nil || len(found.Answers) != 20 {
		t.Errorf("found %d, %v, want 20", len(found.Answers), err)
	}
}
