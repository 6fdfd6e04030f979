package poll_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// reconciled is a world whose cards are told by webhooks and reconciled.
func reconciled(w *world) {
	w.setting.Credentials = map[string]string{"token": "sandbox-token"}
	w.setting.Reconcile = time.Hour
}

// TestWebhookAndListTellAChangeOnce plays the orders in which webhooks and
// looks can come. A word of a play is one thing that happens:
//
//	new A, set A   the card gets content A, and a webhook of that is sent
//	hook N         the Nth webhook arrives, or arrives again
//	look           the list is looked at
//	lag A          the list shows A from now on, however the card is; now: as it is
//	gone           the card is deleted
func TestWebhookAndListTellAChangeOnce(t *testing.T) {
	for name, test := range map[string]struct{ play, want string }{
		"the webhook comes first":          {"new A, hook 1, look, look", "created A"},
		"the webhook is lost":              {"new A, look, look", "created A*"},
		"the webhook comes after the look": {"new A, look, hook 1, look", "created A*"},
		"and is sent again":                {"new A, look, hook 1, hook 1, look, hook 1", "created A*"},
		"a change, webhook first":          {"new A, hook 1, set B, hook 2, look", "created A, updated B"},
		"a change is lost":                 {"new A, hook 1, set B, look, look", "created A, updated B*"},
		"a change, webhook last":           {"new A, hook 1, set B, look, hook 2, look", "created A, updated B*"},
		"one change in between is lost":    {"new A, hook 1, set B, set C, hook 3, look", "created A, updated C"},
		"and comes late, all the same":     {"new A, hook 1, set B, set C, look, hook 2, look, hook 3, look", "created A, updated C*, updated B"},
		"webhooks change places":           {"new A, set B, hook 2, hook 1, look", "updated B, created A"},
		"the first is lost":                {"new A, set B, hook 2, look, look", "updated B, created B*"},
		"and comes after the look":         {"new A, set B, hook 2, look, hook 1, look", "updated B, created B*"},
		"both come late":                   {"new A, set B, look, hook 2, hook 1, look", "created B*"},
		"it comes back to what it was":     {"new A, hook 1, set B, hook 2, set A, look, look", "created A, updated B, updated A*"},
		"and its webhook comes late":       {"new A, hook 1, set B, hook 2, set A, look, hook 3, look", "created A, updated B, updated A*"},
		"the list lags behind a webhook":   {"new A, hook 1, look, lag A, set B, hook 2, look, now, look", "created A, updated B"},
		"it lags behind and that is lost":  {"new A, hook 1, look, lag A, set B, look, now, look, hook 2", "created A, updated B*"},
		"it lags behind many webhooks":     {"new A, look, lag A, set B, set C, set D, set E, hook 2, hook 3, hook 4, hook 5, look, now, look", "created A*, updated B, updated C, updated D, updated E"},
		"it shows one of many again":       {"new A, hook 1, set B, hook 2, lag B, set C, set D, set E, set F, hook 3, hook 4, hook 5, hook 6, look, now, look", "created A, updated B, updated C, updated D, updated E, updated F"},
		"a webhook comes after many":       {"new A, hook 1, set B, look, set C, set D, set E, set F, hook 3, hook 4, hook 5, hook 6, hook 2, look", "created A, updated B*, updated C, updated D, updated E, updated F"},
		"a late webhook of an old state":   {"new A, hook 1, set B, set C, look, hook 2, set B, look, hook 4, look", "created A, updated C*, updated B, updated B*"},
		"two webhooks of one content":      {"new A, hook 1, set B, look, hook 2, set B, hook 3, look", "created A, updated B*, updated B"},
		"what was before is not new":       {"look, hook 0, look", "updated old"},
		"and changes":                      {"old B, look, look", "updated B*"},
		"it is deleted":                    {"new A, hook 1, gone, hook 2, day, look, day, look", "created A, deleted"},
		"a deletion is lost":               {"new A, hook 1, look, gone, day, look, day, look, day, look", "created A, deleted*"},
		"a deletion comes late":            {"new A, hook 1, look, gone, day, look, day, look, hook 2, day, look", "created A, deleted*"},
		"a change comes after the end":     {"new A, hook 1, set B, gone, hook 3, hook 2, day, look, day, look", "created A, deleted, updated B"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, everything, reconciled)
			p := &play{world: w}
			// The desk has cards of which nothing is told here.
			for i := range 3 {
				w.desk.card(fmt.Sprint("other", i), object{"title": "x"})
				w.clock.Pass(time.Hour)
			}
			w.desk.card("old", object{"title": "old"})
			p.hooks = append(p.hooks, hooked{"updated", "old", w.clock.Now(), `{"id":"old","title":"old"}`})
			w.clock.Pass(time.Hour)
			w.lookFor("cards", journal.Reconcile)
			for _, act := range strings.Split(test.play, ", ") {
				p.act(act)
			}
			w.want("told", p.heard(), test.want)
		})
	}
}

// play is a card and the webhooks about it.
type play struct {
	*world
	hooks []hooked
}

type hooked struct {
	trigger, id string
	at          time.Time
	data        string
}

func (p *play) act(words string) {
	p.Helper()
	p.clock.Pass(5 * time.Second)
	verb, what, _ := strings.Cut(words, " ")
	switch verb {
	case "new", "set":
		p.change("card", what, map[string]string{"new": "created", "set": "updated"}[verb])
	case "old":
		p.change("old", what, "updated")
	case "gone":
		p.desk.do(func() {
			p.desk.cards = slices.DeleteFunc(p.desk.cards, func(o object) bool { return o["id"] == "card" })
		})
		p.hooks = append(p.hooks, hooked{"deleted", "card", p.clock.Now(), `{"id":"card"}`})
	case "hook":
		n := int(what[0] - '0')
		h := p.hooks[n]
		p.push(fmt.Sprint(n), h.trigger, h.at, h.data)
	case "look":
		p.clock.Pass(10 * time.Second)
		if _, err := p.poller.Look(p.Context(), "desk", "cards", journal.Reconcile); err != nil {
			p.Fatal(err)
		}
	case "lag":
		p.desk.do(func() { p.desk.lagging = slices.Clone(p.desk.cards) })
	case "now":
		p.desk.do(func() { p.desk.lagging = nil })
	case "day":
		p.clock.Pass(25 * time.Hour)
	default:
		p.Fatalf("nobody knows how to play %q", words)
	}
}

func (p *play) change(id, title, trigger string) {
	p.desk.card(id, object{"title": title})
	// Webhooks say when they were sent, which is a little later.
	at := p.clock.Now().Add(300 * time.Millisecond)
	p.hooks = append(p.hooks, hooked{trigger, id, at, fmt.Sprintf(`{"id":%q,"title":%q,"tags":[]}`, id, title)})
}

// heard is what was told about the card, with a star where a list told it.
func (p *play) heard() string {
	var all []string
	for _, e := range p.events() {
		word := strings.TrimPrefix(e.Type, "desk.card.")
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

// TestReconcileLosesAndDoublesNothing changes cards and has their webhooks lost,
// late, repeated and out of order, with looks in between. Each content is told
// at most once, each webhook that came and the last content of each card at
// least once, and what is there only ever by the vendor's own words.
func TestReconcileLosesAndDoublesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long under the race detector, which finds nothing in one goroutine")
	}
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t, everything, reconciled)
		defer w.close()
		w.closed = true
		if _, err := w.poller.Look(t.Context(), "desk", "cards", journal.Reconcile); err != nil {
			r.Fatal(err)
		}
		type sent struct {
			hooked
			arrived bool
		}
		var hooks []*sent
		version := map[string]int{}
		for range rapid.IntRange(1, 40).Draw(r, "acts") {
			w.clock.Pass(time.Duration(rapid.IntRange(1, 90).Draw(r, "seconds")) * time.Second)
			switch rapid.SampledFrom([]string{"change", "change", "hook", "hook", "look", "lag", "now", "restart"}).Draw(r, "act") {
			case "change":
				id := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(r, "card")
				version[id]++
				title := fmt.Sprintf("%s%d", id, version[id])
				w.desk.card(id, object{"title": title})
				trigger := "updated"
				if version[id] == 1 {
					trigger = "created"
				}
				hooks = append(hooks, &sent{hooked: hooked{trigger, id, w.clock.Now().Add(time.Second), fmt.Sprintf(`{"id":%q,"title":%q}`, id, title)}})
			case "hook":
				if len(hooks) > 0 {
					n := rapid.IntRange(0, len(hooks)-1).Draw(r, "which")
					w.push(fmt.Sprint(n), hooks[n].trigger, hooks[n].at, hooks[n].data)
					hooks[n].arrived = true
				}
			case "look":
				if _, err := w.poller.Look(t.Context(), "desk", "cards", journal.Reconcile); err != nil {
					r.Fatal(err)
				}
			case "lag":
				w.desk.do(func() {
					if w.desk.lagging == nil {
						w.desk.lagging = slices.Clone(w.desk.cards)
					}
				})
			case "now":
				w.desk.do(func() { w.desk.lagging = nil })
			case "restart":
				w.again()
			}
		}
		w.desk.do(func() { w.desk.lagging = nil })
		w.clock.Pass(2 * time.Minute)
		for range 3 { // what a list of pages hid comes with the next
			if _, err := w.poller.Look(t.Context(), "desk", "cards", journal.Reconcile); err != nil {
				r.Fatal(err)
			}
		}
		times, created := map[string]int{}, map[string]int{}
		for _, e := range w.events() {
			title := jsonpath.Text(e.Data, "title")
			times[title]++
			if e.Type == "desk.card.created" {
				created[e.Record]++
				if times[title] == 2 { // of which a webhook told what it was changed to
					times[title]--
				}
			}
		}
		for title, n := range times {
			if n > 1 {
				r.Fatalf("%s was told %d times", title, n)
			}
		}
		for id, last := range version {
			if title := fmt.Sprintf("%s%d", id, last); times[title] == 0 {
				r.Fatalf("the last of %s, %s, was not told", id, title)
			}
			if created[id] != 1 {
				r.Fatalf("that %s was created was told %d times", id, created[id])
			}
		}
		for _, h := range hooks {
			if title := jsonpath.Text([]byte(h.data), "title"); h.arrived && h.trigger != "created" && times[title] == 0 {
				r.Fatalf("the webhook of %s came and was not told", title)
			}
		}
	})
}
