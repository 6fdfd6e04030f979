package poll_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/journal/change"
)

// TestVendorClock reads a list with times of change whose vendor's clock differs from
// ours, while calls of ours and others change a card.
func TestVendorClock(t *testing.T) {
	for _, skew := range []time.Duration{-9 * time.Minute, -30 * time.Second, 0, 30 * time.Second, 9 * time.Minute} {
		for _, hasTime := range []bool{true, false} {
			t.Run(fmt.Sprintf("%v, answers with the time: %v", skew, hasTime), func(t *testing.T) {
				w := newFixture(t, everything, func(w *fixture) {
					p, _ := w.app.Poll("cards")
					p.Facets, p.Compare = nil, []string{"title"}
					w.setting.Poll = 10 * time.Second
				})
				w.vendor.now = func() time.Time { return w.clock.Now().Add(skew) }
				ours := newCallRun(w)
				set := func(title string) object {
					w.clock.Advance(7 * time.Second)
					return w.vendor.card("c1", object{"title": title})
				}
				call := func(title string, created bool) {
					card := set(title)
					data := object{"id": "c1", "title": title}
					if hasTime {
						data["updated"] = card["updated"]
					}
					text, err := json.Marshal(data)
					w.must(err)
					ours.record(&change.Written{Connection: "helpdesk", Noun: "helpdesk.card", Record: "c1", Data: text, Created: created})
				}
				scans := func(what, want string) {
					t.Helper()
					for i := range 30 {
						w.clock.Advance(10 * time.Second)
						w.want(fmt.Sprint(what, ", scan ", i+1), w.scan("cards"), want)
						want = ""
					}
				}
				scans("nothing", "")
				call("a", true)
				scans("our card", "")
				call("b", false)
				scans("our edit", "")
				set("c")
				scans("a change", "card.updated c1")
				set("b")
				scans("back to what we wrote", "card.updated c1")
				if skew < 0 && !hasTime {
					return // the order of our edit and a change is not known before a list had the edit
				}
				call("d", false)
				set("e")
				scans("our edit and a change", "card.updated c1")
				set("d")
				scans("back to our edit", "card.updated c1")
			})
		}
	}
}
