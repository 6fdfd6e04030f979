package ingest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// webhook judges a webhook of an app.
func (s *Server) webhook(m *message) (verdict, *refusal) {
	src := s.apps[m.PathValue("app")]
	if src == nil {
		return verdict{}, &refusal{status: http.StatusNotFound, reason: "app",
			text: fmt.Sprintf("no app %q sends webhooks here", m.PathValue("app"))}
	}
	hook := src.app.Webhook
	sub, no := s.subscription(src, m)
	if no != nil {
		return verdict{}, no
	}
	if v, done, no := s.confirm(src, sub, m); done || no != nil {
		return v, no
	}
	notices, wrong := read(hook, m)
	conn, no := s.recipient(src, sub, m, notices)
	if no != nil {
		return verdict{}, no
	}
	sent, no := s.verify(hook, conn, sub, m, notices)
	if no == nil {
		no = wrong
	}
	if no != nil {
		return verdict{}, no
	}
	if hook.Token != nil && hook.Token.Path != "" {
		for i := range notices { // the secret has done its work, and is kept nowhere
			notices[i].said = withoutField(notices[i].said, hook.Token.Path)
		}
	}
	return s.events(src, conn, sub, notices, sent)
}

// events judges the notifications of a webhook that is verified.
func (s *Server) events(src *source, conn *connection.Connection, sub *registered, notices []notice, sent bindings.Signed) (verdict, *refusal) {
	hook := src.app.Webhook
	var v verdict
	for _, n := range notices {
		if n.form != nil && n.form.AddressCheck {
			return verdict{outcome: "challenge"}, nil
		}
		v.silent = n.form != nil
		if c := hook.Challenge; c != nil && n.form == nil && jsonpath.Text(n.said, c.TypePath) == c.Type {
			return verdict{outcome: "challenge", echo: []byte(jsonpath.Text(n.said, c.Echo))}, nil
		}
		if no := s.hear(&v, src, conn, sub, n, sent); no != nil {
			return verdict{}, no
		}
	}
	if v.outcome == "" {
		v.outcome = "empty"
	}
	return v, nil
}

// hear adds what one notification tells to the verdict.
func (s *Server) hear(v *verdict, src *source, conn *connection.Connection, sub *registered, n notice, sent bindings.Signed) *refusal {
	hook := src.app.Webhook
	if sent.Time.IsZero() && hook.Time != "" {
		sent.Time = moment(jsonpath.Text(n.said, hook.Time))
	}
	if !sent.Time.IsZero() {
		if err := bindings.CheckAge(sent.Time, s.Now(), hook.MaxAge); err != nil {
			return denied(err)
		}
	}
	name, key := conn.Name(), sub.key()
	switch vendor := n.told(hook).vendor; {
	case slices.Contains(hook.Ignore, vendor):
		v.outcome = "ignored"
	case slices.Contains(hook.ReconcileOn, vendor):
		v.tell("lost", func() { s.Subscriptions.Lost(name, key) })
	case slices.Contains(hook.RenewOn, vendor):
		v.tell("expiring", func() { s.Subscriptions.Expiring(name, key) })
	case slices.Contains(hook.PollOn, vendor), slices.Contains(hook.PollOn, "*"):
		v.tell("nudge", func() { s.Subscriptions.Nudge(name, key) })
	default:
		v.outcome = "event"
		event := s.event(src, conn, sub, n, sent)
		v.events = append(v.events, event)
		began := slices.Contains(hook.Installed, vendor)
		if s.Life != nil && (began || slices.Contains(hook.Uninstalled, vendor)) {
			at := event.Time
			if at.IsZero() {
				at = s.Now()
			}
			v.lives = append(v.lives, Life{conn, ownAccount(src.app, n), began, at})
		}
	}
	return nil
}

// ownAccount is the account that a notification names, not its parent.
func ownAccount(app *bindings.App, n notice) string {
	for _, path := range app.Account.Paths {
		if account := jsonpath.Text(n.said, path); account != "" {
			return account
		}
	}
	return ""
}

// event makes the event that a verified notification tells of.
func (s *Server) event(src *source, conn *connection.Connection, sub *registered, n notice, sent bindings.Signed) journal.Event {
	hook := src.app.Webhook
	event := journal.Event{
		Type: src.app.Name + ".event.other", Connection: conn.Name(), Account: conn.Account(),
		Source: journal.Webhook, Data: n.said, Time: sent.Time,
	}
	if at := n.at(hook); !at.IsZero() {
		event.Time = at
	}
	for _, path := range src.app.Account.Paths {
		if account := jsonpath.Text(n.said, path); account != "" {
			event.Account = account
			break
		}
	}
	event.ID = conn.Name() + ":" + n.id(hook)
	var patterns []string
	if sub != nil {
		patterns = sub.def.Triggers
	}
	t := src.trigger(n.told(hook), n.said, patterns)
	if t == nil {
		return event
	}
	event.Type = t.Name
	event.Data = sub.add(n.data(hook))
	if t.Record != "" {
		event.Record = jsonpath.Text(event.Data, t.Record)
	}
	return event
}

// Read makes of an item of a feed the event that it would be as a webhook;
// false if that is of a type we do not know.
func (s *Server) Read(conn *connection.Connection, said json.RawMessage) (journal.Event, bool) {
	src := s.apps[conn.App().Name]
	if src == nil {
		return journal.Event{}, false
	}
	event := s.event(src, conn, nil, notice{said: said, bytes: said}, bindings.Signed{})
	_, known := conn.App().Catalogue.Trigger(event.Type)
	return event, known
}

// recipient finds the connection that a webhook is for: that of its
// subscription, or by the address's name, else by the account in the body, else
// the only one that there can be. What the body says is proven afterwards by
// that connection's own key.
func (s *Server) recipient(src *source, sub *registered, m *message, notices []notice) (*connection.Connection, *refusal) {
	if sub != nil {
		return s.ofSubscription(sub)
	}
	app := src.app
	if name := m.PathValue("name"); name != "" {
		if c, found := s.Connections.Get(app.Name + "/" + name); found {
			return c, nil
		}
		return nil, &refusal{status: http.StatusNotFound, reason: "connection",
			text: fmt.Sprintf("there is no connection %q", app.Name+"/"+name)}
	}
	var account string
	var found *connection.Connection
	for _, n := range notices {
		named, c := s.byAccount(src.app, n)
		switch {
		case account == "":
			account, found = named, c
		case named != "" && c != found:
			// One key vouches for all of them, and an event must not come to a
			// connection on the word of another.
			return nil, &refusal{status: http.StatusUnprocessableEntity, reason: "account",
				text: fmt.Sprintf("the body tells of the %s %q and of %q, which are not of one connection; send to /hooks/%s/<name>", app.Account.Noun, account, named, app.Name)}
		}
	}
	if found != nil {
		return found, nil
	}
	return s.onlyOne(app, account)
}

// byAccount gives the account that a notification names, and its connection if
// there is one.
func (s *Server) byAccount(app *bindings.App, n notice) (account string, c *connection.Connection) {
	life := slices.Contains(app.Webhook.InstallEvents, jsonpath.Text(n.said, app.Webhook.Type))
	for _, path := range accountPaths(app.Account, life) {
		named := jsonpath.Text(n.said, path)
		if named == "" {
			continue
		}
		if account == "" {
			account = named
		}
		if c, found := s.Connections.ByAccount(app.Name, named); found {
			return named, c
		}
	}
	return account, nil
}

// onlyOne finds the connection where the account tells none.
func (s *Server) onlyOne(app *bindings.App, account string) (*connection.Connection, *refusal) {
	unknown := http.StatusNotFound
	if app.Webhook.UnknownAccountStatus != 0 {
		unknown = app.Webhook.UnknownAccountStatus
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

// moment reads a time as vendors write it: RFC 3339, or Unix seconds or
// milliseconds. It is zero if there is none.
func moment(text string) time.Time {
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t.UTC()
	}
	n, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || !(n > 0 && n < 1e15): // NaN too
		return time.Time{}
	case n > 1e11:
		return time.UnixMilli(int64(n)).UTC()
	}
	return time.Unix(int64(n), 0).UTC()
}
