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

// webhook judges the head of a webhook of an app. What is refused while the
// settings of a connection are wrong may be for that one, and is sent again.
func (s *Server) webhook(m *message) (opened, *refusal) {
	o, refused := s.openWebhook(m)
	if handle := o.handle; handle != nil {
		o.handle = func() (result, *refusal) {
			v, refused := handle()
			return v, s.orMisconfigured(m, refused)
		}
	}
	return o, s.orMisconfigured(m, refused)
}

// orMisconfigured returns the refusal of a webhook, or another one for now if a
// connection of the app has wrong settings.
func (s *Server) orMisconfigured(m *message, refused *refusal) *refusal {
	if refused == nil {
		return nil
	}
	for _, c := range s.config.Connections.OfApp(m.PathValue("app")) {
		if c.Misconfigured() {
			later := m.retryLater("settings", "the settings of a connection are wrong")
			later.cause = fmt.Errorf("connection %q is misconfigured: %s", c.Name(), refused.text)
			return &later
		}
	}
	return refused
}

func (s *Server) openWebhook(m *message) (opened, *refusal) {
	src := s.apps[m.PathValue("app")]
	if src == nil {
		return opened{}, &refusal{status: http.StatusNotFound, reason: "app",
			text: fmt.Sprintf("no app %q sends webhooks here", m.PathValue("app"))}
	}
	sub, refused := s.subscription(src, m)
	if refused != nil {
		return opened{}, refused
	}
	conn, refused := s.addressed(src.app, sub, m)
	if refused != nil {
		return s.openUnknown(src.app, refused, m)
	}
	if v, done, refused := s.confirm(src, sub, m); done || refused != nil {
		return opened{done: &v}, refused
	}
	if refused := checkHead(src.app.Webhook, conn, sub, m); refused != nil {
		return opened{}, refused
	}
	return opened{handle: func() (result, *refusal) { return s.readWebhook(src, conn, sub, m) }}, nil
}

// readWebhook handles a webhook whose body is read. The connection is nil if the
// address does not have it.
func (s *Server) readWebhook(src *source, conn *connection.Connection, sub *registered, m *message) (result, *refusal) {
	hook := src.app.Webhook
	notifications, wrong := read(hook, m)
	if conn == nil {
		var refused *refusal
		if conn, refused = s.recipient(src.app, notifications); refused != nil {
			return result{}, s.refuseUnknown(src.app, refused, m, notifications)
		}
	}
	sent, refused := s.verify(hook, conn, sub, m, notifications)
	if refused == nil {
		refused = wrong
	}
	if refused == nil {
		refused = s.checkAccounts(src.app, conn, m, notifications)
	}
	if refused != nil {
		return result{}, refused
	}
	for i := range notifications {
		notifications[i].content = withoutSecrets(hook, notifications[i].content)
	}
	v, refused := s.events(src, conn, sub, notifications, sent)
	v.verified, v.responder, v.unanswered = true, s.responder(v.events), http.StatusOK
	return v, refused
}

// events handles the notifications of a webhook that is verified.
func (s *Server) events(src *source, conn *connection.Connection, sub *registered, notifications []notification, sent bindings.Signed) (result, *refusal) {
	hook := src.app.Webhook
	var v result
	for _, n := range notifications {
		if n.checksAddress(hook) {
			v := result{countAs: "challenge"}
			if n.form == nil {
				v.body = []byte(jsonpath.Text(n.content, hook.Challenge.Echo))
			}
			return v, nil
		}
		v.noBody = n.form != nil
		if refused := s.addNotification(&v, src, conn, sub, n, sent); refused != nil {
			return result{}, refused
		}
	}
	if v.countAs == "" {
		v.countAs = "empty"
	}
	return v, nil
}

// addNotification adds the event of a notification to the result, or the
// callback that it asks for.
func (s *Server) addNotification(v *result, src *source, conn *connection.Connection, sub *registered, n notification, sent bindings.Signed) *refusal {
	hook := src.app.Webhook
	if sent.Time.IsZero() && hook.Time != "" {
		sent.Time = parseTime(jsonpath.Text(n.content, hook.Time))
	}
	if !sent.Time.IsZero() {
		if err := bindings.CheckAge(sent.Time, s.config.Clock.Now(), hook.MaxAge); err != nil {
			return signatureRefusal(err)
		}
	}
	name, key := conn.Name(), sub.key()
	switch vendor := n.vendorType(hook).name; {
	case slices.Contains(hook.Ignore, vendor):
		v.countAs = "ignored"
	case slices.Contains(hook.ReconcileOn, vendor):
		v.callback("lost", func() { s.config.Subscriptions.Lost(name, key) })
	case slices.Contains(hook.RenewOn, vendor):
		v.callback("expiring", func() { s.config.Subscriptions.Expiring(name, key) })
	case slices.Contains(hook.PollOn, vendor), slices.Contains(hook.PollOn, "*"):
		v.callback("nudge", func() { s.config.Subscriptions.PollSoon(name, key) })
	default:
		v.countAs = "event"
		event := s.event(src, conn, sub, n, sent)
		v.events = append(v.events, event)
		installed := slices.Contains(hook.Installed, vendor)
		if s.config.InstallChanged != nil && (installed || slices.Contains(hook.Uninstalled, vendor)) {
			at := event.Time
			if at.IsZero() {
				at = s.config.Clock.Now()
			}
			v.installs = append(v.installs, InstallEvent{conn, ownAccount(src.app, n), installed, at})
		}
	}
	return nil
}

// ownAccount returns the account that a notification names, not its parent.
func ownAccount(app *bindings.App, n notification) string {
	for _, path := range app.Account.Paths {
		if account := jsonpath.Text(n.content, path); account != "" {
			return account
		}
	}
	return ""
}

// event makes the event of a verified notification.
func (s *Server) event(src *source, conn *connection.Connection, sub *registered, n notification, sent bindings.Signed) journal.Event {
	hook := src.app.Webhook
	event := journal.Event{
		Type: src.app.Name + ".event.other", Connection: conn.Name(), Account: conn.Account(),
		Source: journal.Webhook, Data: n.content, Time: sent.Time,
	}
	if at := n.at(hook); !at.IsZero() {
		event.Time = at
	}
	for _, path := range src.app.Account.Paths {
		if account := jsonpath.Text(n.content, path); account != "" {
			event.Account = account
			break
		}
	}
	event.ID = conn.Name() + ":" + n.id(hook)
	var patterns []string
	if sub != nil {
		patterns = sub.def.Triggers
	}
	t := src.trigger(n.vendorType(hook), n.content, patterns)
	if t == nil {
		return event
	}
	event.Type = t.Name
	event.Data = sub.addFields(n.data(hook))
	if t.Record != "" {
		event.Record = jsonpath.Text(event.Data, t.Record)
	}
	return event
}

// Read makes the event of an item of a feed, as if it had come by webhook. It
// returns false if the app has no trigger of that type.
func (s *Server) Read(conn *connection.Connection, content json.RawMessage) (journal.Event, bool) {
	src := s.apps[conn.App().Name]
	if src == nil {
		return journal.Event{}, false
	}
	event := s.event(src, conn, nil, notification{content: content, hashed: content}, bindings.Signed{})
	_, known := conn.App().Catalogue.Trigger(event.Type)
	return event, known
}

// addressed returns the connection in the address of a webhook: by its
// subscription, or by its name. It returns nil if the body has to name it.
func (s *Server) addressed(app *bindings.App, sub *registered, m *message) (*connection.Connection, *refusal) {
	if sub != nil {
		return s.ofSubscription(sub)
	}
	if name := m.PathValue("name"); name != "" {
		if c, found := s.config.Connections.Get(app.Name + "/" + name); found {
			return c, nil
		}
		return nil, &refusal{status: http.StatusNotFound, reason: "connection",
			text: fmt.Sprintf("there is no connection %q", app.Name+"/"+name)}
	}
	if len(s.config.Connections.OfApp(app.Name)) == 0 {
		return nil, noConnection(app)
	}
	return nil, nil
}

func noConnection(app *bindings.App) *refusal {
	return &refusal{status: http.StatusNotFound, reason: "connection", text: "there is no connection of " + app.Name}
}

// recipient finds the connection that a webhook is for by the account in the body,
// or as the only one that is possible. The body is not yet verified; the caller
// verifies it with the key of that connection.
func (s *Server) recipient(app *bindings.App, notifications []notification) (*connection.Connection, *refusal) {
	var account string
	var found *connection.Connection
	for _, n := range notifications {
		named, c := s.byAccount(app, n)
		switch {
		case account == "":
			account, found = named, c
		case named != "" && c != found:
			// The body is verified with the key of one connection, which does
			// not authenticate events of another.
			return nil, &refusal{status: http.StatusUnprocessableEntity, reason: "account",
				text: fmt.Sprintf("the body names the %s %q and %q, which are not of one connection; send to /hooks/%s/<name>", app.Account.Noun, account, named, app.Name)}
		}
	}
	if found != nil {
		return found, nil
	}
	return s.onlyConnection(app, account)
}

// byAccount returns the account that a notification names, and its connection
// if there is one.
func (s *Server) byAccount(app *bindings.App, n notification) (account string, c *connection.Connection) {
	install := slices.Contains(app.Webhook.InstallEvents, jsonpath.Text(n.content, app.Webhook.Type))
	for _, path := range accountPaths(app.Account, install) {
		named := jsonpath.Text(n.content, path)
		if named == "" {
			continue
		}
		if account == "" {
			account = named
		}
		if c, found := s.config.Connections.ByAccount(app.Name, named); found {
			return named, c
		}
	}
	return account, nil
}

// onlyConnection returns the connection of an app where none has the account.
func (s *Server) onlyConnection(app *bindings.App, account string) (*connection.Connection, *refusal) {
	all := s.config.Connections.OfApp(app.Name)
	anonymous := slices.DeleteFunc(slices.Clone(all), func(c *connection.Connection) bool { return c.Account() != "" })
	switch {
	case account == "" && len(all) == 1:
		return all[0], nil
	case len(anonymous) == 1: // it is for all accounts that no other connection has
		return anonymous[0], nil
	case len(all) == 0:
		return nil, noConnection(app)
	case account == "":
		return nil, &refusal{status: http.StatusNotFound, reason: "account",
			text: fmt.Sprintf("the body names no %s and there are %d connections; send to /hooks/%s/<name>", app.Account.Noun, len(all), app.Name)}
	}
	return nil, &refusal{status: unknownAccountStatus(app), reason: "account",
		text: fmt.Sprintf("no connection has the %s %q", app.Account.Noun, account)}
}

// accountPaths returns the paths of the account, with the parent's first for a
// install event and last otherwise.
func accountPaths(a bindings.Account, install bool) []string {
	if a.Parent == "" {
		return a.Paths
	}
	if install {
		return append([]string{a.Parent}, a.Paths...)
	}
	return append(slices.Clone(a.Paths), a.Parent)
}

// parseTime reads a time as vendors write it: RFC 3339, or Unix seconds or
// milliseconds. It returns zero for any other text.
func parseTime(text string) time.Time {
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
