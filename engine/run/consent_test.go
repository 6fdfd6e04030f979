package run_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

// bank is a vendor that asks its customer before it pays. Each first sending opens
// a session, and decision is the customer's.
type bank struct {
	*vendor
	sessions atomic.Int64
	decision atomic.Value // allow, deny, waiting
}

func newBank(v *vendor) *bank {
	b := &bank{vendor: v}
	b.decision.Store("waiting")
	v.answers(func(_ int, r request) reply {
		switch {
		case r.Path == "/look":
			return reply{status: 200, body: fmt.Sprintf(`{"result":%q}`, b.decision.Load())}
		case r.Session == "":
			return reply{status: 428, body: fmt.Sprintf(`{"error":"the customer has to agree","session":"s%d"}`, b.sessions.Add(1))}
		case b.decision.Load() != "allow":
			return reply{status: 412, body: `{"error":"nobody agreed"}`}
		}
		return ok
	})
	return b
}

// pass lets time pass until the bank is asked for the session again, and waits
// for that request.
func (b *bank) pass(w *fixture, run string) {
	w.Helper()
	at := w.is(run, journal.Blocked)
	polls := len(b.requests("/look"))
	w.Advance(at.Park.Until.Sub(w.Now()) + time.Second)
	w.until(run, func(r journal.Run) bool {
		return len(b.requests("/look")) > polls && r.State != journal.Running && r.State != journal.Queued
	})
}

func TestACallGoesOnWhenTheCustomerAgrees(t *testing.T) {
	t.Parallel()
	for operation, path := range map[string]string{"orders.pay": "/orders", "transfers.make": "/transfers"} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, map[string]string{"orders": `local shop = require "shop"
on("shop.order.created", function() local id = uuid() log.info("paid", { ok = shop.` + operation + ` { tag = id }.ok }) end)`})
			b := newBank(w.vendor)
			id := w.order()
			asking := w.is(id, journal.Blocked)
			contains(t, "the reason", asking.Problem.Message, "shop."+operation, "on their phone", "until ")
			equal(t, "the wait before the first poll", asking.Park.Until.Sub(asking.Park.Since), time.Second)

			b.pass(w, id)
			w.crash() // while the customer is asked
			w.restart()
			b.pass(w, id)
			equal(t, "the session asked for", b.requests("/look")[0].Query, "tag=s1")
			equal(t, "requests so far", len(b.requests(path)), 1)

			b.decision.Store("allow")
			w.Advance(time.Minute)
			w.is(id, journal.Succeeded)
			sent := b.requests(path)
			equal(t, "requests", len(sent), 2)
			equal(t, "the session shown", sent[1].Session, "s1")
			equal(t, "the body sent again", sent[1].Body, sent[0].Body)
			equal(t, "the key sent again", sent[1].Key, sent[0].Key)
			equal(t, "customers asked", b.sessions.Load(), 1)
			_, steps := w.run(id)
			sameNames(t, steps, "uuid done", "shop."+operation+" done")
			equal(t, "lines of the script", len(w.logged("paid")), 1)
		})
	}
}

func TestACallToWhichTheCustomerDoesNotAgree(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		then func(w *fixture, b *bank, run string)
		text string // of the error
	}{
		"refused":     {func(w *fixture, b *bank, run string) { b.decision.Store("deny"); w.Advance(time.Minute) }, "the customer refused it"},
		"not in time": {func(w *fixture, b *bank, run string) { w.Advance(17 * time.Minute) }, "did not approve it within 15m0s"},
		"not known": {func(w *fixture, b *bank, run string) {
			b.answers(func(int, request) reply { return reply{status: 404, body: `{"error":"no such session"}`} })
			w.Advance(17 * time.Minute)
		}, "no such session"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, map[string]string{"orders": `local shop = require "shop"
on("shop.order.created", function()
  local ok, err = try(shop.orders.pay, { tag = "p" })
  log.info("not paid", { code = err.code, kind = err.kind, retryable = err.retryable, message = err.message })
end)`})
			b := newBank(w.vendor)
			id := w.order()
			w.is(id, journal.Blocked)
			c.then(w, b, id)
			w.is(id, journal.Succeeded)
			line := w.logged("not paid")[0]
			equal(t, "code", line["code"], any(bindings.ConsentDenied))
			equal(t, "kind", line["kind"], any("forbidden"))
			contains(t, "message", line["message"].(string), c.text, "it was not done")
			equal(t, "requests", len(b.requests("/orders")), 1)
		})
	}
}

// A refusal without a session is an ordinary error: here the customer has no
// phone.
func TestACustomerWhoCannotBeAsked(t *testing.T) {
	t.Parallel()
	w := newFixture(t, map[string]string{"orders": pay("")})
	w.vendor.answers(func(int, request) reply { return reply{status: 428, body: `{"error":"not enrolled"}`} })
	id := w.order()
	failed := w.is(id, journal.Failed)
	contains(t, "the error", failed.Problem.Message, "not enrolled")
}

// If the connection is lost after the customer agreed, the call may have been
// done, as any other.
func TestACrashAfterTheCustomerAgreed(t *testing.T) {
	t.Parallel()
	w := newFixture(t, map[string]string{"orders": pay("")})
	b := newBank(w.vendor)
	id := w.order()
	w.is(id, journal.Blocked)
	b.answers(func(_ int, r request) reply {
		if r.Path == "/look" {
			return reply{status: 200, body: `{"result":"allow"}`}
		}
		return reply{cut: true}
	})
	w.Advance(time.Minute)
	w.is(id, journal.Held)
	equal(t, "requests", len(b.requests("/orders")), 2)
}
