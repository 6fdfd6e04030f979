package ingest_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

// chat sends events as JSON, clicks as JSON in a field of a form, and commands
// as a form's fields.
func chat(t testing.TB) *bindings.App {
	t.Helper()
	return &bindings.App{
		Name: "chat", Auth: token, Account: bindings.Account{Noun: "workspace", Paths: []string{"team_id", "team.id"}},
		Catalogue: catalogue(t, `trigger chat.button.clicked {"vendor":"click","form":"interaction","record":"message"}
trigger chat.click.counted {"vendor":"click"}
trigger chat.command.invoked {"vendor":"command","form":"command","record":"user_id","respond_within":"2.5s"}
`),
		Webhook: &bindings.Webhook{
			Signatures: []bindings.Signature{{Name: "v0", Algorithm: bindings.HMACSHA256, Encoding: bindings.Hex,
				Header: "X-Chat-Signature", Value: "v0={signature}", Signed: "v0:{time}:{body}", TimeHeader: "X-Chat-Time"}},
			MaxAge: time.Hour, ID: "event_id", Type: "event.type", Data: "event", At: "event_time", RetryStatus: http.StatusServiceUnavailable,
			Challenge: &bindings.Challenge{Type: "url_verification", TypePath: "type", Echo: "challenge"},
			Forms: []bindings.WebhookForm{
				{Name: "interaction", Field: "payload", Type: "type", ID: []string{"trigger_id"}, At: []string{"actions.0.action_ts"}, Secret: []string{"token"}},
				{Name: "command", ID: []string{"trigger_id"}, Secret: []string{"token"}, Check: "ssl_check"},
			},
		},
	}
}

// asForm adds the content type of forms to what a signature sets.
func asForm(sign func([]byte) http.Header) func([]byte) http.Header {
	return func(body []byte) http.Header {
		h := sign(body)
		h.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		return h
	}
}

func TestForms(t *testing.T) {
	app := chat(t)
	sign := signed(t, app, 0, "chat-secret", now)
	click := "payload=" + url.QueryEscape(`{"type":"click","token":"verification","trigger_id":"t1","team":{"id":"T1"},"message":"m1",`+
		`"actions":[{"action_ts":"1795435199.5","value":"yes"}]}`)
	command := "token=verification&team_id=T1&command=%2Fdeploy&text=now+please&user_id=U1"
	for _, c := range []struct {
		name, body string
		sign       func([]byte) http.Header
		status     int
		answer     string // the whole answer to a stored event, else a part
		event      journal.Event
	}{
		{name: "JSON in a field", body: click, sign: asForm(sign), status: 200,
			event: journal.Event{ID: "chat:t1", Type: "chat.button.clicked", Connection: "chat", Account: "T1", Record: "m1",
				Time: time.Unix(1795435199, 0).UTC(),
				Data: []byte(`{"type":"click","trigger_id":"t1","team":{"id":"T1"},"message":"m1","actions":[{"action_ts":"1795435199.5","value":"yes"}]}`)}},
		{name: "fields; the id is the hash of what was signed", body: command, sign: asForm(sign), status: 200,
			event: journal.Event{ID: "chat:sha256-", Type: "chat.command.invoked", Connection: "chat", Account: "T1", Record: "U1", Time: now,
				Data: []byte(`{"team_id":"T1","command":"/deploy","text":"now please","user_id":"U1"}`)}},
		{name: "an unknown type", body: "payload=" + url.QueryEscape(`{"type":"wave","team":{"id":"T1"}}`), sign: asForm(sign), status: 200,
			event: journal.Event{ID: "chat:sha256-", Type: "chat.event.other", Connection: "chat", Account: "T1", Time: now}},
		{name: "an event as JSON of the same type", body: `{"event_id":"e1","team_id":"T1","event":{"type":"click"}}`, sign: sign, status: 200, answer: `"runs":1`,
			event: journal.Event{ID: "chat:e1", Type: "chat.click.counted", Connection: "chat", Account: "T1", Time: now}},
		{name: "a check of the certificate", body: "ssl_check=1&token=verification&team_id=T1", sign: asForm(sign), status: 200},
		{name: "unsigned", body: click, status: 401, answer: "no signature",
			sign: asForm(func([]byte) http.Header { return http.Header{} })},
		{name: "another body than the signed one", body: click, sign: asForm(func(b []byte) http.Header { return sign(append(b, '&')) }), status: 401, answer: "does not match"},
		{name: "a form with the type of JSON", body: click, sign: sign, status: 400, answer: "not a JSON object"},
		{name: "no form", body: "payload=%zz", sign: asForm(sign), status: 400, answer: "hexadecimal"},
		{name: "no JSON in its field", body: "payload=%5B", sign: asForm(sign), status: 400, answer: `field \"payload\": expected a JSON object`},
		{name: "an account of nobody", body: strings.ReplaceAll(command, "T1", "T9"), sign: asForm(sign), status: 404, answer: `no connection has the workspace \"T9\"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newReceiver(t)
			status, answer, _ := r.post(t, "/hooks/chat", c.body, c.sign)
			if status != c.status || !strings.Contains(answer, c.answer) || c.status == 200 && c.answer == "" && answer != "" {
				t.Fatalf("got %d %q, want %d and %q", status, answer, c.status, c.answer)
			}
			if want := min(len(c.event.ID), 1); len(r.stored) != want {
				t.Fatalf("stored %d events, want %d", len(r.stored), want)
			}
			for id, got := range r.stored {
				if !strings.HasPrefix(id, c.event.ID) || got.Type != c.event.Type || got.Connection != c.event.Connection ||
					got.Account != c.event.Account || got.Record != c.event.Record || !got.Time.Truncate(time.Second).Equal(c.event.Time) {
					t.Errorf("stored %+v, want %+v", got, c.event)
				}
				if c.event.Data != nil && string(got.Data) != string(c.event.Data) {
					t.Errorf("data: got %s, want %s", got.Data, c.event.Data)
				}
				if strings.Contains(string(got.Data), "verification") {
					t.Errorf("the token is stored: %s", got.Data)
				}
			}
			if c.event.ID == "" {
				return
			}
			if status, _, _ := r.post(t, "/hooks/chat", c.body, c.sign); status != 200 || len(r.stored) != 1 {
				t.Errorf("sent again: got %d, and %d events are stored", status, len(r.stored))
			}
		})
	}
}

// FuzzForm sends any form with a valid signature: it is stored or refused, and
// the server does not crash.
func FuzzForm(f *testing.F) {
	r := newReceiver(f)
	sign := asForm(signed(f, chat(f), 0, "chat-secret", now))
	for _, body := range []string{"", "payload=%7B%7D", "payload={}", "a=b&a=c", "ssl_check", "payload=%7B%22team%22%3A%7B%22id%22%3A%22T1%22%7D%7D&payload=", "%", "\x00=\xff"} {
		f.Add([]byte(body))
	}
	handler := r.ingest.Handler()
	f.Fuzz(func(t *testing.T, body []byte) {
		request := httptest.NewRequest(http.MethodPost, "/hooks/chat", strings.NewReader(string(body)))
		request.Header = sign(body)
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		switch answer.Code {
		case 200, 400, 404:
		default:
			t.Errorf("got %d for %q", answer.Code, body)
		}
	})
}
