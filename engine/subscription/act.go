package subscription

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// do does one act and reports it. It tells whether it went well.
func (v *visit) do(ctx context.Context, p place, s *standing, a act) bool {
	change := Change{Connection: p.connection, Subscription: p.name, Item: p.item, Action: actions[a.deed],
		Types: a.row.Types, Expires: a.row.Expires, Text: a.why}
	if a.types != nil {
		change.Types = a.types
	}
	if a.deed == stray {
		change.Types, change.Expires = a.entry.types, a.entry.expires
	}
	if v.dry {
		v.changes = append(v.changes, change)
		return true
	}
	after, err := v.perform(ctx, p, s, a)
	if err != nil {
		v.failed(p, change.Types, err)
		if a.deed != create && a.deed != stray {
			v.blame(ctx, a.row.Key, err)
		}
		return false
	}
	if !after.Expires.IsZero() {
		change.Expires = after.Expires
	}
	v.changes = append(v.changes, change)
	if a.deed != keep {
		v.care.succeeded(p)
		v.planner.lookAt(v.now.Add(v.Settle))
		if !after.Expires.IsZero() {
			v.planner.lookAt(renewal(s.sub, after))
		}
	}
	return true
}

func (v *visit) perform(ctx context.Context, p place, s *standing, a act) (after journal.Subscription, err error) {
	// An act before this one may have changed the row since it was planned.
	if now, _, err := v.book.find(a.row.Key); err == nil {
		now.Types = a.row.Types
		a.row = now
	}
	switch a.deed {
	case keep:
		return a.row, v.settled(ctx, a.row)
	case create:
		return v.create(ctx, p, s, a.types)
	case replace:
		if after, err = v.create(ctx, p, s, a.types); err != nil {
			return after, err
		}
		return after, v.retire(ctx, a.row)
	case retire:
		return a.row, v.retire(ctx, a.row)
	case adopt:
		return v.adopt(ctx, s, a)
	case update:
		return v.change(ctx, s, a, s.sub.Update, "update")
	case renew:
		return v.change(ctx, s, a, s.sub.Renew, "renew")
	case forget:
		return after, v.book.drop(ctx, a.row)
	}
	return after, v.remove(ctx, s, a)
}

// create registers one. It is kept, with its secret, before the vendor is
// asked, so that after a crash it is known again.
func (v *visit) create(ctx context.Context, p place, s *standing, types []string) (journal.Subscription, error) {
	def, hook := s.sub, v.app.Webhook
	key := p.newKey()
	row := journal.Subscription{
		Key: key, Connection: p.connection, Name: p.name, Item: p.item, State: journal.SubscriptionPending,
		Address: addressOf(v.PublicURL, p.connection, key), Types: types, Created: v.now,
	}
	item := s.item()
	for at := item; at != nil; at = at.Of {
		row.Of = append(row.Of, at.Value)
	}
	secret := ""
	if mentions(def.Create.Args, "secret") {
		secret = newSecret()
	}
	if mentions(def.Create.Args, "id") {
		row.ID = uuid.NewString()
	}
	waiting := hook.Handshake != nil && hook.Handshake.Header != ""
	if err := v.book.add(ctx, row, secret, waiting); err != nil {
		return row, err
	}
	answer, asked, err := v.call(ctx, s, row, &def.Create)
	if err != nil {
		if refused(err) {
			return row, errors.Join(fmt.Errorf("register: %w", err), v.book.drop(context.WithoutCancel(ctx), row))
		}
		v.blame(ctx, key, err)
		return row, fmt.Errorf("register: whether it was done is not known: %w", err)
	}
	if row, err = v.agreed(def, row, answer, asked); err != nil {
		v.blame(ctx, key, err)
		return row, err
	}
	if err := v.vendorSecret(ctx, s, row, answer); err != nil {
		return row, err
	}
	if err := v.book.put(ctx, row); err != nil {
		return row, err
	}
	if def.Poll != "" {
		v.Config.PollSoon(row.Connection, def.Poll, row.Item)
	}
	return row, nil
}

// vendorSecret keeps the secret that the vendor gave; one without is of no use
// and is removed.
func (v *visit) vendorSecret(ctx context.Context, s *standing, row journal.Subscription, answer json.RawMessage) error {
	if s.sub.Secret != "" {
		if secret := jsonpath.Text(inside(answer, s.sub.Wrap), s.sub.Secret); secret != "" {
			return v.book.setSecret(ctx, row.Key, secret)
		}
	}
	if v.hasSecret(row.Key) {
		return nil
	}
	err := errors.New("the vendor gave no secret, so what it sends could not be checked; is public_url reached from outside?")
	return errors.Join(err, v.remove(ctx, s, act{row: row}))
}

// agreed lays what the vendor answered over a row.
func (v *visit) agreed(def *bindings.Subscription, row journal.Subscription, answer json.RawMessage, asked time.Time) (journal.Subscription, error) {
	said := inside(answer, def.Wrap)
	if id := jsonpath.Text(said, def.ID); id != "" {
		row.ID = id
	}
	if row.ID == "" {
		return row, fmt.Errorf("register: the answer has no id at %q", strings.TrimPrefix(def.Wrap+"."+def.ID, "."))
	}
	row.State, row.Problem, row.Failures = journal.SubscriptionLive, "", 0
	v.ends(def, &row, said, asked)
	row.RemovalData = keptOf(def, said, row.RemovalData)
	return row, nil
}

// ends sets the end that the vendor agreed to, or else the one asked for.
func (v *visit) ends(def *bindings.Subscription, row *journal.Subscription, said json.RawMessage, asked time.Time) {
	if def.Lifetime == 0 {
		return
	}
	row.Renewed, row.Expires = v.now, asked
	if end := moment(jsonpath.Text(said, def.Expires)); !end.IsZero() {
		row.Expires = end
	}
}

// keptOf gathers what the removal needs, by path.
func keptOf(def *bindings.Subscription, said, before json.RawMessage) json.RawMessage {
	found := map[string]json.RawMessage{}
	for _, path := range def.Stored {
		if value, ok := jsonpath.Lookup(said, path); ok {
			found[path] = value
		}
	}
	if len(found) == 0 {
		return before
	}
	text, _ := json.Marshal(found) // it was JSON before
	return text
}

// inside is the subscription in an answer.
func inside(answer json.RawMessage, path string) json.RawMessage {
	if path == "" {
		return answer
	}
	said, _ := jsonpath.Lookup(answer, path)
	return said
}

func (v *visit) retire(ctx context.Context, row journal.Subscription) error {
	row.State = journal.SubscriptionReplaced
	return v.book.put(ctx, row)
}

// adopt takes up one whose creation was not heard of.
func (v *visit) adopt(ctx context.Context, s *standing, a act) (journal.Subscription, error) {
	row := adopted(a.row, a.entry)
	row.RemovalData = keptOf(s.sub, a.entry.raw, row.RemovalData)
	row.Problem, row.Failures = "", 0
	if s.sub.Lifetime > 0 {
		row.Renewed = row.Created
		if row.Expires.IsZero() {
			row.Expires = row.Created.Add(s.sub.Lifetime)
		}
	}
	return row, v.book.put(ctx, row)
}

// change updates or renews one. One that the vendor does not have is doubted,
// so that the next visit sees to it.
func (v *visit) change(ctx context.Context, s *standing, a act, by *bindings.Call, verb string) (journal.Subscription, error) {
	row := a.row
	row.Types = a.types
	answer, asked, err := v.call(ctx, s, row, by)
	if err != nil {
		if gone(err) {
			v.care.flag(v.care.doubted, row.Key)
			return row, errors.Join(fmt.Errorf("%s: %w", verb, err), v.book.drop(ctx, row))
		}
		return row, fmt.Errorf("%s: %w", verb, err)
	}
	if verb == "renew" {
		v.ends(s.sub, &row, inside(answer, s.sub.Wrap), asked)
	}
	row.Problem, row.Failures = "", 0
	return row, v.book.put(ctx, row)
}

// remove ends one at the vendor, if it has it, and forgets it.
func (v *visit) remove(ctx context.Context, s *standing, a act) error {
	row := a.row
	if a.entry != nil {
		row.ID = a.entry.id
		row.RemovalData = keptOf(s.sub, a.entry.raw, row.RemovalData)
	}
	if row.ID != "" {
		if _, _, err := v.call(ctx, s, row, &s.sub.Remove); err != nil && !gone(err) {
			return fmt.Errorf("remove: %w", err)
		}
	}
	if row.Key == "" {
		return nil
	}
	return v.book.drop(ctx, row)
}

// call makes a call about a row, and says which end it asked for.
func (v *visit) call(ctx context.Context, s *standing, row journal.Subscription, by *bindings.Call) (answer json.RawMessage, asked time.Time, err error) {
	asked = v.now.Add(s.sub.Lifetime).UTC().Truncate(time.Second)
	_, secret, _ := v.book.find(row.Key)
	others := map[string]any{"url": row.Address, "id": given(row.ID), "secret": given(secret)}
	if len(row.Types) > 0 {
		others["types"], others["types.text"] = row.Types, strings.Join(row.Types, ",")
	}
	if s.sub.Lifetime > 0 {
		others["expires"], others["expires.ms"] = asked.Format(time.RFC3339), asked.UnixMilli()
	}
	item := itemOf(row)
	if item == nil {
		item = s.item()
	}
	own := call.EngineCall{App: v.app, Connection: v.conn.Name(), Call: *by, Vars: v.words(item, v.kept(s, row), others)}
	if secret != "" {
		own.Secrets = []string{secret}
	}
	made, err := v.Calls.DoEngineCall(ctx, own)
	return made.Body, asked, err
}

// given is nil for what stands for nothing.
func given(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// kept is what a row keeps. What was never heard of it is taken from another
// of its place, which watches the same.
func (v *visit) kept(s *standing, row journal.Subscription) map[string]any {
	raw := row.RemovalData
	for i := len(s.rows) - 1; i >= 0 && len(raw) == 0; i-- {
		raw = s.rows[i].RemovalData
	}
	var byPath map[string]json.RawMessage
	_ = json.Unmarshal(raw, &byPath) // nothing is kept where it is empty
	values := make(map[string]any, len(byPath))
	for path, value := range byPath {
		values[path] = value
	}
	return values
}

// blame keeps with a row why the vendor did not do what we asked.
func (v *visit) blame(ctx context.Context, key string, err error) {
	row, _, findErr := v.book.find(key)
	if findErr != nil {
		return
	}
	row.Problem, row.Failures = err.Error(), row.Failures+1
	if err := v.book.put(context.WithoutCancel(ctx), row); err != nil {
		v.Log.Warn("why a webhook is not registered could not be kept", "connection", row.Connection, "error", err)
	}
}

// settled keeps what the vendor says of one that is as it should be.
func (v *visit) settled(ctx context.Context, row journal.Subscription) error {
	known, _, err := v.book.find(row.Key)
	if err != nil || row.Problem == "" && slices.Equal(row.Types, known.Types) {
		return nil
	}
	row.Problem, row.Failures = "", 0
	return v.book.put(ctx, row)
}

// refused reports whether the vendor said no, so that nothing was done.
func refused(err error) bool {
	var e *bindings.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Kind {
	case bindings.Uncertain, bindings.Timeout, bindings.Unavailable:
		return false
	}
	return true
}

// gone reports whether the vendor has it no longer.
func gone(err error) bool {
	var e *bindings.Error
	return errors.As(err, &e) && (e.Kind == bindings.NotFound || e.Status == 410)
}
