package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
)

// source is an app that sends webhooks, with its triggers by what they come as.
type source struct {
	app      *bindings.App
	triggers map[told][]*bindings.Trigger
}

// told is the vendor's type with the name of the form that it comes by.
type told struct{ form, vendor string }

func newSource(app *bindings.App) *source {
	s := &source{app: app, triggers: map[told][]*bindings.Trigger{}}
	if app.Catalogue == nil {
		return s
	}
	for _, name := range app.Catalogue.Triggers() {
		if t, _ := app.Catalogue.Trigger(name); t.Vendor != "" {
			told := told{t.Form, t.Vendor}
			s.triggers[told] = append(s.triggers[told], t)
		}
	}
	for _, list := range s.triggers { // the most particular first
		slices.SortStableFunc(list, func(a, b *bindings.Trigger) int { return len(b.When) - len(a.When) })
	}
	return s
}

// trigger finds what the vendor's type and the body mean; nil if we know none.
func (s *source) trigger(as told, body []byte) *bindings.Trigger {
	for _, t := range s.triggers[as] {
		if matches(t.When, body) {
			return t
		}
	}
	return nil
}

func matches(when map[string]string, body []byte) bool {
	for path, want := range when {
		if journal.LookupText(body, path) != want {
			return false
		}
	}
	return true
}

// webhook judges a webhook of an app.
func (s *Server) webhook(m *message) (verdict, *refusal) {
	src := s.apps[m.PathValue("app")]
	if src == nil {
		return verdict{}, &refusal{status: http.StatusNotFound, reason: "app",
			text: fmt.Sprintf("no app %q sends webhooks here", m.PathValue("app"))}
	}
	hook := src.app.Webhook
	body := readContent(hook, m)
	conn, no := s.recipient(src, m, body)
	if no != nil {
		return verdict{}, no
	}
	sent, no := s.verify(hook, conn, m)
	if no != nil {
		return verdict{}, no
	}
	if body.problem != "" {
		return verdict{}, &refusal{status: http.StatusBadRequest, reason: body.kind(), text: body.problem}
	}
	if body.form != nil && body.form.Checked {
		return verdict{echo: []byte{}}, nil
	}
	if c := hook.Challenge; c != nil && body.form == nil && journal.LookupText(body.json, c.TypePath) == c.Type {
		return verdict{echo: []byte(journal.LookupText(body.json, c.Echo))}, nil
	}
	if sent.Time.IsZero() && hook.Time != "" {
		sent.Time = moment(journal.LookupText(body.json, hook.Time))
	}
	if !sent.Time.IsZero() {
		if err := bindings.CheckAge(sent.Time, s.Now(), hook.MaxAge); err != nil {
			return verdict{}, denied(err)
		}
	}
	event := s.event(src, conn, body, sent)
	if event.ID == "" {
		event.ID = bodyHash(m.body)
	}
	event.ID = conn.Name() + ":" + event.ID
	return verdict{event: event, silent: body.form != nil}, nil
}

// event makes the event that a verified webhook tells of, its id being the
// vendor's or empty.
func (s *Server) event(src *source, conn *connection.Connection, body content, sent bindings.Signed) journal.Event {
	hook := src.app.Webhook
	event := journal.Event{
		Type: src.app.Name + ".event.other", Connection: conn.Name(), Account: conn.Account(),
		Source: journal.Webhook, Data: body.json, Time: sent.Time,
	}
	for _, path := range body.at(hook) {
		if at := moment(journal.LookupText(body.json, path)); !at.IsZero() {
			event.Time = at
			break
		}
	}
	for _, path := range src.app.Account.Paths {
		if account := journal.LookupText(body.json, path); account != "" {
			event.Account = account
			break
		}
	}
	for _, path := range body.id(hook) {
		if event.ID = journal.LookupText(body.json, path); event.ID != "" {
			break
		}
	}
	t := src.trigger(body.told(hook), body.json)
	if t == nil {
		return event
	}
	event.Type = t.Name
	if data, found := journal.Lookup(body.json, hook.Data); found && body.form == nil {
		event.Data = data
	}
	if t.Record != "" {
		event.Record = journal.LookupText(event.Data, t.Record)
	}
	return event
}

// recipient finds the connection that a webhook is for: by the address's name,
// else by the account in the body, else the only one that there can be. What
// the body says is proven afterwards by that connection's own signature key.
func (s *Server) recipient(src *source, m *message, body content) (*connection.Connection, *refusal) {
	app := src.app
	if name := m.PathValue("name"); name != "" {
		if c, found := s.Connections.Get(app.Name + "/" + name); found {
			return c, nil
		}
		return nil, &refusal{status: http.StatusNotFound, reason: "connection",
			text: fmt.Sprintf("there is no connection %q", app.Name+"/"+name)}
	}
	unknown := http.StatusNotFound
	if app.Webhook.UnknownAccount != 0 {
		unknown = app.Webhook.UnknownAccount
	}
	var account string
	if body.problem == "" {
		life := slices.Contains(app.Webhook.Life, journal.LookupText(body.json, app.Webhook.Type))
		for _, path := range accountPaths(app.Account, life) {
			found := journal.LookupText(body.json, path)
			if found == "" {
				continue
			}
			if account == "" {
				account = found
			}
			if c, ok := s.Connections.ByAccount(app.Name, found); ok {
				return c, nil
			}
		}
	}
	all := s.Connections.OfApp(app.Name)
	anonymous := slices.DeleteFunc(slices.Clone(all), func(c *connection.Connection) bool { return c.Account() != "" })
	switch {
	case account == "" && len(all) == 1:
		return all[0], nil
	case len(anonymous) == 1: // it takes what no other connection claims
		return anonymous[0], nil
	case len(all) == 0:
		return nil, &refusal{status: http.StatusNotFound, reason: "connection", text: "there is no connection of " + app.Name}
	case account == "":
		return nil, &refusal{status: http.StatusNotFound, reason: "account",
			text: fmt.Sprintf("the body names no %s and there are %d connections; send to /hooks/%s/<name>", app.Account.Noun, len(all), app.Name)}
	}
	return nil, &refusal{status: unknown, reason: "account",
		text: fmt.Sprintf("no connection has the %s %q", app.Account.Noun, account)}
}

// accountPaths are the places of the account, the parent's first for a
// life-cycle event and last otherwise.
func accountPaths(a bindings.Account, life bool) []string {
	if a.Parent == "" {
		return a.Paths
	}
	if life {
		return append([]string{a.Parent}, a.Paths...)
	}
	return append(slices.Clone(a.Paths), a.Parent)
}

// verify checks the signature that is present; the first one present decides.
func (s *Server) verify(hook *bindings.Webhook, conn *connection.Connection, m *message) (bindings.Signed, *refusal) {
	unsigned := bindings.ErrUnsigned
	for _, signature := range hook.Signatures {
		if signature.OptIn && !slices.Contains(conn.Signatures(), signature.Name) {
			continue
		}
		key := conn.WebhookKey(signature)
		if key == "" {
			return bindings.Signed{}, &refusal{status: http.StatusUnauthorized, reason: "secret",
				text: fmt.Sprintf("connection %q has no webhook_secret, so nothing it is sent can be checked", conn.Name())}
		}
		signed, err := signature.Verify(m.Header, m.body, key, s.Now(), hook.MaxAge)
		switch {
		case err == nil:
			return signed, nil
		case errors.Is(err, bindings.ErrUnsigned):
			if unsigned == bindings.ErrUnsigned {
				unsigned = err // names the header of the signature that is preferred
			}
			continue
		}
		return signed, denied(err)
	}
	return bindings.Signed{}, denied(unsigned)
}

// denied tells why a signature does not let a request in.
func denied(err error) *refusal {
	no := &refusal{status: http.StatusUnauthorized, reason: "signature", text: err.Error()}
	switch {
	case errors.Is(err, bindings.ErrTooOld):
		no.reason = "age"
	case errors.Is(err, bindings.ErrUnsigned):
		no.reason = "unsigned"
	case errors.Is(err, bindings.ErrKey):
		no.reason, no.text, no.cause = "key", "the signature cannot be checked", err
	}
	return no
}

// bodyHash stands for an id where the vendor gives none.
func bodyHash(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha256-" + hex.EncodeToString(sum[:16])
}

// moment reads a time as vendors write it: RFC 3339, or Unix seconds or
// milliseconds. It is zero if there is none.
func moment(text string) time.Time {
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t.UTC()
	}
	n, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || n <= 0 || n > 1e15:
		return time.Time{}
	case n > 1e11:
		return time.UnixMilli(int64(n)).UTC()
	}
	return time.Unix(int64(n), 0).UTC()
}
