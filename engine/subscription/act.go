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

// do performs one act and adds its Change. It reports whether that succeeded.
func (sy *syncer) do(ctx context.Context, p place, s *placeState, a act) bool {
	change := Change{Connection: p.connection, Subscription: p.name, Item: p.item, Action: actions[a.kind],
		Types: a.row.Types, Expires: a.row.Expires, Text: a.why}
	if a.types != nil {
		change.Types = a.types
	}
	if a.kind == removeUnknown {
		change.Types, change.Expires = a.entry.types, a.entry.expires
	}
	if sy.dry {
		sy.changes = append(sy.changes, change)
		return true
	}
	after, err := sy.perform(ctx, p, s, a)
	if err != nil {
		sy.failed(p, change.Types, err)
		if a.kind != create && a.kind != removeUnknown {
			sy.recordFailure(ctx, a.row.Key, err)
		}
		return false
	}
	if !after.Expires.IsZero() {
		change.Expires = after.Expires
	}
	sy.changes = append(sy.changes, change)
	if a.kind != retain {
		sy.state.succeeded(p)
		sy.planner.checkAt(sy.now.Add(sy.config.Settle))
		if !after.Expires.IsZero() {
			sy.planner.checkAt(renewal(s.sub, after))
		}
	}
	return true
}

func (sy *syncer) perform(ctx context.Context, p place, s *placeState, a act) (after journal.Subscription, err error) {
	// An earlier act may have changed the row since this one was planned.
	if now, _, err := sy.registry.find(a.row.Key); err == nil {
		now.Types = a.row.Types
		a.row = now
	}
	switch a.kind {
	case retain:
		return a.row, sy.clearProblem(ctx, a.row)
	case create:
		return sy.create(ctx, p, s, a.types)
	case replace:
		if after, err = sy.create(ctx, p, s, a.types); err != nil {
			return after, err
		}
		return after, sy.retire(ctx, a.row)
	case retire:
		return a.row, sy.retire(ctx, a.row)
	case adopt:
		return sy.adopt(ctx, s, a)
	case update:
		return sy.change(ctx, s, a, s.sub.Update, "update")
	case renew:
		return sy.change(ctx, s, a, s.sub.Renew, "renew")
	case drop:
		return after, sy.registry.drop(ctx, a.row)
	}
	return after, sy.remove(ctx, s, a)
}

// create registers a subscription. It is stored, with its secret, before the
// vendor is asked, so that it is known after a crash.
func (sy *syncer) create(ctx context.Context, p place, s *placeState, types []string) (journal.Subscription, error) {
	def, hook := s.sub, sy.app.Webhook
	key := p.newKey()
	row := journal.Subscription{
		Key: key, Connection: p.connection, Name: p.name, Item: p.item, State: journal.SubscriptionPending,
		Address: addressOf(sy.config.PublicURL, p.connection, key), Types: types, Created: sy.now,
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
	if err := sy.registry.add(ctx, row, secret, waiting); err != nil {
		return row, err
	}
	answer, asked, err := sy.call(ctx, s, row, &def.Create)
	if err != nil {
		if isRefusal(err) {
			return row, errors.Join(fmt.Errorf("register: %w", err), sy.registry.drop(context.WithoutCancel(ctx), row))
		}
		sy.recordFailure(ctx, key, err)
		return row, fmt.Errorf("register: whether it was done is not known: %w", err)
	}
	if row, err = sy.confirmed(def, row, answer, asked); err != nil {
		sy.recordFailure(ctx, key, err)
		return row, err
	}
	if err := sy.storeVendorSecret(ctx, s, row, answer); err != nil {
		return row, err
	}
	if err := sy.registry.put(ctx, row); err != nil {
		return row, err
	}
	if def.Poll != "" {
		sy.config.PollSoon(row.Connection, def.Poll, row.Item)
	}
	return row, nil
}

// storeVendorSecret stores the secret that the vendor returned. A subscription
// without a secret is removed, because its webhooks could not be verified.
func (sy *syncer) storeVendorSecret(ctx context.Context, s *placeState, row journal.Subscription, answer json.RawMessage) error {
	if s.sub.Secret != "" {
		if secret := jsonpath.Text(unwrap(answer, s.sub.Wrap), s.sub.Secret); strings.TrimSpace(secret) != "" {
			return sy.registry.setSecret(ctx, row.Key, secret)
		}
	}
	if sy.hasSecret(row.Key) {
		return nil
	}
	err := errors.New("the vendor gave no secret, so what it sends could not be checked; is public_url reached from outside?")
	return errors.Join(err, sy.remove(ctx, s, act{row: row}))
}

// confirmed returns the row with the values that the vendor answered.
func (sy *syncer) confirmed(def *bindings.Subscription, row journal.Subscription, answer json.RawMessage, asked time.Time) (journal.Subscription, error) {
	answered := unwrap(answer, def.Wrap)
	if id := jsonpath.Text(answered, def.ID); id != "" {
		row.ID = id
	}
	if row.ID == "" {
		return row, fmt.Errorf("register: the answer has no id at %q", strings.TrimPrefix(def.Wrap+"."+def.ID, "."))
	}
	row.State, row.Problem, row.Failures = journal.SubscriptionLive, "", 0
	sy.setExpiry(def, &row, answered, asked)
	row.RemovalData = removalData(def, answered, row.RemovalData)
	return row, nil
}

// setExpiry sets the end that the vendor answered, or else the requested one.
func (sy *syncer) setExpiry(def *bindings.Subscription, row *journal.Subscription, answered json.RawMessage, asked time.Time) {
	if def.Lifetime == 0 {
		return
	}
	row.Renewed, row.Expires = sy.now, asked
	if end := moment(jsonpath.Text(answered, def.Expires)); !end.IsZero() {
		row.Expires = end
	}
}

// removalData collects the values that the removal needs, by path.
func removalData(def *bindings.Subscription, answered, before json.RawMessage) json.RawMessage {
	found := map[string]json.RawMessage{}
	for _, path := range def.Stored {
		if value, ok := jsonpath.Lookup(answered, path); ok {
			found[path] = value
		}
	}
	if len(found) == 0 {
		return before
	}
	text, _ := json.Marshal(found) // its values are JSON already
	return text
}

// unwrap is the subscription in an answer.
func unwrap(answer json.RawMessage, path string) json.RawMessage {
	if path == "" {
		return answer
	}
	answered, _ := jsonpath.Lookup(answer, path)
	return answered
}

func (sy *syncer) retire(ctx context.Context, row journal.Subscription) error {
	row.State = journal.SubscriptionReplaced
	return sy.registry.put(ctx, row)
}

// adopt confirms a subscription that the vendor has although its answer was not
// received.
func (sy *syncer) adopt(ctx context.Context, s *placeState, a act) (journal.Subscription, error) {
	row := adopted(a.row, a.entry)
	row.RemovalData = removalData(s.sub, a.entry.raw, row.RemovalData)
	row.Problem, row.Failures = "", 0
	if s.sub.Lifetime > 0 {
		row.Renewed = row.Created
		if row.Expires.IsZero() {
			row.Expires = row.Created.Add(s.sub.Lifetime)
		}
	}
	return row, sy.registry.put(ctx, row)
}

// change updates or renews a subscription. One that the vendor does not have is
// marked as lost, for the next sync.
func (sy *syncer) change(ctx context.Context, s *placeState, a act, by *bindings.Call, verb string) (journal.Subscription, error) {
	row := a.row
	row.Types = a.types
	answer, asked, err := sy.call(ctx, s, row, by)
	if err != nil {
		if isGone(err) {
			sy.state.add(sy.state.lost, row.Key)
			return row, errors.Join(fmt.Errorf("%s: %w", verb, err), sy.registry.drop(ctx, row))
		}
		return row, fmt.Errorf("%s: %w", verb, err)
	}
	if verb == "renew" {
		sy.setExpiry(s.sub, &row, unwrap(answer, s.sub.Wrap), asked)
	}
	row.Problem, row.Failures = "", 0
	return row, sy.registry.put(ctx, row)
}

// remove removes a subscription at the vendor, if it has it, and deletes the
// row.
func (sy *syncer) remove(ctx context.Context, s *placeState, a act) error {
	row := a.row
	if a.entry != nil {
		row.ID = a.entry.id
		row.RemovalData = removalData(s.sub, a.entry.raw, row.RemovalData)
	}
	if row.ID != "" {
		if _, _, err := sy.call(ctx, s, row, &s.sub.Remove); err != nil && !isGone(err) {
			return fmt.Errorf("remove: %w", err)
		}
	}
	if row.Key == "" {
		return nil
	}
	return sy.registry.drop(ctx, row)
}

// call makes a call about a row, and returns the end that it requested.
func (sy *syncer) call(ctx context.Context, s *placeState, row journal.Subscription, by *bindings.Call) (answer json.RawMessage, asked time.Time, err error) {
	asked = sy.now.Add(s.sub.Lifetime).UTC().Truncate(time.Second)
	_, secret, _ := sy.registry.find(row.Key)
	others := map[string]any{"url": row.Address, "id": orNil(row.ID), "secret": orNil(secret)}
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
	own := call.BackgroundCall{App: sy.app, Connection: sy.conn.Name(), Call: *by, Vars: sy.vars(item, sy.removalValues(s, row), others)}
	if secret != "" {
		own.Secrets = []string{secret}
	}
	made, err := sy.config.Calls.DoBackgroundCall(ctx, own)
	return made.Body, asked, err
}

// orNil is nil for an empty text.
func orNil(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// removalValues are the values of a row's removal data. A row whose answer was
// not received uses those of another row of its place, which is for the same
// item.
func (sy *syncer) removalValues(s *placeState, row journal.Subscription) map[string]any {
	raw := row.RemovalData
	for i := len(s.rows) - 1; i >= 0 && len(raw) == 0; i-- {
		raw = s.rows[i].RemovalData
	}
	var byPath map[string]json.RawMessage
	_ = json.Unmarshal(raw, &byPath) // there are no values if it is empty
	values := make(map[string]any, len(byPath))
	for path, value := range byPath {
		values[path] = value
	}
	return values
}

// recordFailure stores with a row why the vendor's answer was an error.
func (sy *syncer) recordFailure(ctx context.Context, key string, err error) {
	row, _, findErr := sy.registry.find(key)
	if findErr != nil {
		return
	}
	row.Problem, row.Failures = err.Error(), row.Failures+1
	if err := sy.registry.put(context.WithoutCancel(ctx), row); err != nil {
		sy.config.Log.Warn("why a webhook is not registered could not be stored", "connection", row.Connection, "error", err)
	}
}

// clearProblem stores the vendor's types of a row that needs no change, without
// an earlier problem.
func (sy *syncer) clearProblem(ctx context.Context, row journal.Subscription) error {
	known, _, err := sy.registry.find(row.Key)
	if err != nil || row.Problem == "" && slices.Equal(row.Types, known.Types) {
		return nil
	}
	row.Problem, row.Failures = "", 0
	return sy.registry.put(ctx, row)
}

// isRefusal reports whether the vendor refused the request, so that nothing was
// done.
func isRefusal(err error) bool {
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

// isGone reports whether the vendor does not have the subscription any more.
func isGone(err error) bool {
	var e *bindings.Error
	return errors.As(err, &e) && (e.Kind == bindings.NotFound || e.Status == 410)
}
