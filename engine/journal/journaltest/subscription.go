package journaltest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

func subscription(key, connection, item string) journal.Subscription {
	return journal.Subscription{
		Key: key, Connection: connection, Name: "events", Item: item, State: journal.SubscriptionPending,
		Address: "https://hooks.example.com/hooks/" + connection + "?subscription=" + key, Types: []string{"v1/clients"}, Created: day,
	}
}

func (f *fixture) subscriptions() []journal.Subscription {
	f.Helper()
	all, err := f.store.Subscriptions(f.ctx)
	if err != nil {
		f.Fatalf("Subscriptions: %v", err)
	}
	return all
}

var subscriptionTests = map[string]func(f *fixture){
	"a subscription is stored unchanged": func(f *fixture) {
		s := subscription("k1", "calendar/paris", "primary")
		s.State, s.ID, s.Renewed, s.Expires = journal.SubscriptionLive, "id-1", day.Add(time.Second), day.Add(7*24*time.Hour)
		s.Of = []json.RawMessage{json.RawMessage(`{"id":"primary","summary":"é"}`), json.RawMessage(`{"id":"outer"}`)}
		s.RemovalData = json.RawMessage(`{"resourceId":"r1"}`)
		s.Problem, s.Failures = "the vendor was away", 3
		f.do(f.store.PutSubscription(f.ctx, s))
		f.reopen()
		if got := f.subscriptions(); len(got) != 1 || !reflect.DeepEqual(got[0], s) {
			f.Errorf("found    %+v\nexpected %+v", got, s)
		}
	},
	"one with the same key replaces it": func(f *fixture) {
		s := subscription("k1", "qonto", "")
		f.do(f.store.PutSubscription(f.ctx, s))
		s.State, s.ID, s.Types = journal.SubscriptionLive, "id-1", nil
		f.do(f.store.PutSubscription(f.ctx, s))
		if got := f.subscriptions(); len(got) != 1 || !reflect.DeepEqual(got[0], s) {
			f.Errorf("found    %+v\nexpected %+v", got, s)
		}
	},
	"one that is dropped is gone, and another key changes nothing": func(f *fixture) {
		f.do(f.store.PutSubscription(f.ctx, subscription("k1", "qonto", "")))
		f.do(f.store.DropSubscription(f.ctx, "k2"))
		want(f, "stored", len(f.subscriptions()), 1)
		f.do(f.store.DropSubscription(f.ctx, "k1"))
		f.reopen()
		want(f, "stored", len(f.subscriptions()), 0)
	},
	"they are listed by connection, name and item, the oldest first": func(f *fixture) {
		newer := subscription("k0", "asana", "p1")
		newer.Created = day.Add(time.Hour)
		for _, s := range []journal.Subscription{
			subscription("k5", "qonto", ""), newer, subscription("k4", "asana", "p2"), subscription("k3", "asana", "p1"),
		} {
			f.do(f.store.PutSubscription(f.ctx, s))
		}
		var keys []string
		for _, s := range f.subscriptions() {
			keys = append(keys, s.Key)
		}
		want(f, "order", fmt.Sprint(keys), "[k3 k0 k4 k5]")
	},
	"one without a key is refused": func(f *fixture) {
		if f.store.PutSubscription(f.ctx, subscription("", "qonto", "")) == nil {
			f.Error("it was stored")
		}
	},
}
