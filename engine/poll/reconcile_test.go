package poll_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// reconciled is for a fixture whose cards have webhooks and are reconciled.
func reconciled(w *fixture) {
	w.setting.Credentials = map[string]string{"token": "sandbox-token"}
	w.setting.Reconcile = time.Hour
}

// TestWebhookAndListReportAChangeOnce tests the orders that webhooks and scans
// can have. The steps of a scenario are:
//
//	new A, set A   the card gets content A, and a webhook of that is sent
//	hook N         the Nth webhook arrives, or arrives again
//	scan           the list is read
//	lag A          the list contains A from now on, however the card is; now: as it is
//	gone           the card is deleted
func TestWebhookAndListReportAChangeOnce(t *testing.T) {
	for name, test := range map[string]struct{ steps, want string }{
		"the webhook comes first":          {"new A, hook 1, scan, scan", "created A"},
		"the webhook is lost":              {"new A, scan, scan", "created A*"},
		"the webhook comes after the scan": {"new A, scan, hook 1, scan", "created A*"},
		"and is sent again":                {"new A, scan, hook 1, hook 1, scan, hook 1", "created A*"},
		"a change, webhook first":          {"new A, hook 1, set B, hook 2, scan", "created A, updated B"},
		"a change is lost":                 {"new A, hook 1, set B, scan, scan", "created A, updated B*"},
		"a change, webhook last":           {"new A, hook 1, set B, scan, hook 2, scan", "created A, updated B*"},
		"one change in between is lost":    {"new A, hook 1, set B, set C, hook 3, scan", "created A, updated C"},
		"and comes late, all the same":     {"new A, hook 1, set B, set C, scan, hook 2, scan, hook 3, scan", "created A, updated C*, updated B"},
		"webhooks change places":           {"new A, set B, hook 2, hook 1, scan", "updated B, created A"},
		"the first is lost":                {"new A, set B, hook 2, scan, scan", "updated B, created B*"},
		"and comes after the scan":         {"new A, set B, hook 2, scan, hook 1, scan", "updated B, created B*"},
		"both come late":                   {"new A, set B, scan, hook 2, hook 1, scan", "created B*"},
		"it comes back to what it was":     {"new A, hook 1, set B, hook 2, set A, scan, scan", "created A, updated B, updated A*"},
		"and its webhook comes late":       {"new A, hook 1, set B, hook 2, set A, scan, hook 3, scan", "created A, updated B, updated A*"},
		"the list lags behind a webhook":   {"new A, hook 1, scan, lag A, set B, hook 2, scan, now, scan", "created A, updated B"},
		"it lags behind and that is lost":  {"new A, hook 1, scan, lag A, set B, scan, now, scan, hook 2", "created A, updated B*"},
		"it lags behind many webhooks":     {"new A, scan, lag A, set B, set C, set D, set E, hook 2, hook 3, hook 4, hook 5, scan, now, scan", "created A*, updated B, updated C, updated D, updated E"},
		"it shows one of many again":       {"new A, hook 1, set B, hook 2, lag B, set C, set D, set E, set F, hook 3, hook 4, hook 5, hook 6, scan, now, scan", "created A, updated B, updated C, updated D, updated E, updated F"},
		"a webhook comes after many":       {"new A, hook 1, set B, scan, set C, set D, set E, set F, hook 3, hook 4, hook 5, hook 6, hook 2, scan", "created A, updated B*, updated C, updated D, updated E, updated F"},
		"a late webhook of an old state":   {"new A, hook 1, set B, set C, scan, hook 2, set B, scan, hook 4, scan", "created A, updated C*, updated B, updated B*"},
		"two webhooks of one content":      {"new A, hook 1, set B, scan, hook 2, set B, hook 3, scan", "created A, updated B*, updated B"},
		"what was before is not new":       {"scan, hook 0, scan", "updated old"},
		"and changes":                      {"old B, scan, scan", "updated B*"},
		"it is deleted":                    {"new A, hook 1, gone, hook 2, day, scan, day, scan", "created A, deleted"},
		"a deletion is lost":               {"new A, hook 1, scan, gone, day, scan, day, scan, day, scan", "created A, deleted*"},
		"a deletion comes late":            {"new A, hook 1, scan, gone, day, scan, day, scan, hook 2, day, scan", "created A, deleted*"},
		"a change comes after the end":     {"new A, hook 1, set B, gone, hook 3, hook 2, day, scan, day, scan", "created A, deleted, updated B"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(t, everything, reconciled)
			p := &scenario{fixture: w}
			// The vendor has further cards that do not change.
			for i := range 3 {
				w.vendor.card(fmt.Sprint("other", i), object{"title": "x"})
				w.clock.Advance(time.Hour)
			}
			w.vendor.card("old", object{"title": "old"})
			p.hooks = append(p.hooks, webhook{"updated", "old", w.clock.Now(), `{"id":"old","title":"old"}`})
			w.clock.Advance(time.Hour)
			w.scanFor("cards", journal.Reconcile)
			for _, act := range strings.Split(test.steps, ", ") {
				p.act(act)
			}
			w.want("events", p.reported(), test.want)
		})
	}
}

// scenario is a card and the webhooks about it.
type scenario struct {
	*fixture
	hooks []webhook
}

type webhook struct {
	trigger, id string
	at          time.Time
	data        string
}

func (p *scenario) act(words string) {
	p.Helper()
	p.clock.Advance(5 * time.Second)
	verb, what, _ := strings.Cut(words, " ")
	switch verb {
	case "new", "set":
		p.change("card", what, map[string]string{"new": "created", "set": "updated"}[verb])
	case "old":
		p.change("old", what, "updated")
	case "gone":
		p.vendor.do(func() {
			p.vendor.cards = slices.DeleteFunc(p.vendor.cards, func(o object) bool { return o["id"] == "card" })
		})
		p.hooks = append(p.hooks, webhook{"deleted", "card", p.clock.Now(), `{"id":"card"}`})
	case "hook":
		n := int(what[0] - '0')
		h := p.hooks[n]
		p.push(fmt.Sprint(n), h.trigger, h.at, h.data)
	case "scan":
		p.clock.Advance(10 * time.Second)
		if _, err := p.poller.Scan(p.Context(), "helpdesk", "cards", journal.Reconcile); err != nil {
			p.Fatal(err)
		}
	case "lag":
		p.vendor.do(func() { p.vendor.lagging = slices.Clone(p.vendor.cards) })
	case "now":
		p.vendor.do(func() { p.vendor.lagging = nil })
	case "day":
		p.clock.Advance(25 * time.Hour)
	default:
		p.Fatalf("found step %q, expected one of the above", words)
	}
}

func (p *scenario) change(id, title, trigger string) {
	p.vendor.card(id, object{"title": title})
	// The time of a webhook is when it was sent, a little later.
	at := p.clock.Now().Add(300 * time.Millisecond)
	p.hooks = append(p.hooks, webhook{trigger, id, at, fmt.Sprintf(`{"id":%q,"title":%q,"tags":[]}`, id, title)})
}

// reported are the events about the card, with a star where a list reported it.
func (p *scenario) reported() string {
	var all []string
	for _, e := range p.events() {
		word := bindings.TriggerName(e.Type).Verb()
		if title := jsonpath.Text(e.Data, "title"); title != "" {
			word += " " + title
		}
		if e.Source == journal.Reconcile {
			word += "*"
		}
		all = append(all, word)
	}
	return strings.Join(all, ", ")
}

// TestReconcileLosesAndRepeatsNothing changes cards whose webhooks are lost,
// late, repeated and out of order, with scans in between. Each content is
// reported at most once; each webhook that arrived and the last content of each
// card at least once.
func TestReconcileLosesAndRepeatsNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long under the race detector, which finds nothing in one goroutine")
	}
	rapid.Check(t, func(r *rapid.T) {
		w := newFixture(t, everything, reconciled)
		defer w.close()
		w.closed = true
		if _, err := w.poller.Scan(t.Context(), "helpdesk", "cards", journal.Reconcile); err != nil {
			r.Fatal(err)
		}
		type sent struct {
			webhook
			arrived bool
		}
		var hooks []*sent
		version := map[string]int{}
		for range rapid.IntRange(1, 40).Draw(r, "acts") {
			w.clock.Advance(time.Duration(rapid.IntRange(1, 90).Draw(r, "seconds")) * time.Second)
			switch rapid.SampledFrom([]string{"change", "change", "hook", "hook", "scan", "lag", "now", "restart"}).Draw(r, "act") {
			case "change":
				id := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(r, "card")
				version[id]++
				title := fmt.Sprintf("%s%d", id, version[id])
				w.vendor.card(id, object{"title": title})
				trigger := "updated"
				if version[id] == 1 {
					trigger = "created"
				}
				hooks = append(hooks, &sent{webhook: webhook{trigger, id, w.clock.Now().Add(time.Second), fmt.Sprintf(`{"id":%q,"title":%q}`, id, title)}})
			case "hook":
				if len(hooks) > 0 {
					n := rapid.IntRange(0, len(hooks)-1).Draw(r, "which")
					w.push(fmt.Sprint(n), hooks[n].trigger, hooks[n].at, hooks[n].data)
					hooks[n].arrived = true
				}
			case "scan":
				if _, err := w.poller.Scan(t.Context(), "helpdesk", "cards", journal.Reconcile); err != nil {
					r.Fatal(err)
				}
			case "lag":
				w.vendor.do(func() {
					if w.vendor.lagging == nil {
						w.vendor.lagging = slices.Clone(w.vendor.cards)
					}
				})
			case "now":
				w.vendor.do(func() { w.vendor.lagging = nil })
			case "restart":
				w.again()
			}
		}
		w.vendor.do(func() { w.vendor.lagging = nil })
		w.clock.Advance(2 * time.Minute)
		for range 3 { // what the pages of one list hid is in the next
			if _, err := w.poller.Scan(t.Context(), "helpdesk", "cards", journal.Reconcile); err != nil {
				r.Fatal(err)
			}
		}
		times, created := map[string]int{}, map[string]int{}
		for _, e := range w.events() {
			title := jsonpath.Text(e.Data, "title")
			times[title]++
			if e.Type == "helpdesk.card.created" {
				created[e.Record]++
				if times[title] == 2 { // and a webhook reported the changed content
					times[title]--
				}
			}
		}
		for title, n := range times {
			if n > 1 {
				r.Fatalf("%s was reported %d times", title, n)
			}
		}
		for id, last := range version {
			if title := fmt.Sprintf("%s%d", id, last); times[title] == 0 {
				r.Fatalf("the last of %s, %s, was not reported", id, title)
			}
			if created[id] != 1 {
				r.Fatalf("the creation of %s was reported %d times", id, created[id])
			}
		}
		for _, h := range hooks {
			if title := jsonpath.Text([]byte(h.data), "title"); h.arrived && h.trigger != "created" && times[title] == 0 {
				r.Fatalf("the webhook of %s arrived and was not reported", title)
			}
		}
	})
}
