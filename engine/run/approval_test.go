package run_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/engine/journal"
)

// A click on a button decides an approval as its page does, once.
func TestAClickDecidesAnApproval(t *testing.T) {
	t.Parallel()
	const script = `
on("shop.order.created", function(event)
  local d = wait_for(approval { title = "Pay?", choices = { "yes", "no: too much" } })
  log.info("decided", { choice = d.choice, by = d.by })
end)
on("shop.button.clicked", { lane = false }, function(event) log.info("received", { value = event.data.values and event.data.values[1] }) end)`
	for name, c := range map[string]struct {
		clicks   []string // with ID for the approval's id
		choice   string
		received int
	}{
		"the value of a button":     {[]string{`{"values":["ID:yes"],"user":{"name":"Ann"}}`}, "yes", 1},
		"a choice with a colon":     {[]string{`{"values":["ID:no: too much"],"user":{"name":"Ann"}}`}, "no: too much", 1},
		"an option of a menu":       {[]string{`{"option":"ID:yes","user":{"name":"Ann"}}`}, "yes", 1},
		"the first click counts":    {[]string{`{"values":["ID:yes"],"user":{"name":"Ann"}}`, `{"values":["ID:no: too much"],"user":{"name":"Bob"}}`}, "yes", 2},
		"what is no choice":         {[]string{`{"values":["ID:perhaps"]}`, `{"values":["ID:yes"],"user":{"name":"Ann"}}`}, "yes", 2},
		"texts of the script's own": {[]string{`{"values":["yes"]}`, `{"values":["IDx:yes"]}`, `{"values":[":yes"]}`, `{}`, `{"values":["ID:yes"],"user":{"name":"Ann"}}`}, "yes", 5},
	} {
		for _, crash := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, crash %v", name, crash), func(t *testing.T) {
				t.Parallel()
				w := newFixture(t, map[string]string{"orders": script})
				id := w.order()
				w.is(id, journal.Waiting)
				open, err := w.file.Approvals(t.Context())
				must(t, err)
				if crash {
					w.restart()
				}
				for _, click := range c.clicks {
					for _, run := range w.send("shop.button.clicked", strings.ReplaceAll(click, "ID", open[0].ID)) {
						w.is(run, journal.Succeeded)
					}
				}
				w.is(id, journal.Succeeded)
				line := w.logged("decided")[0]
				equal(t, "choice", line["choice"], any(c.choice))
				equal(t, "by", line["by"], any("Ann"))
				equal(t, "clicks received", len(w.logged("received")), c.received)
			})
		}
	}
}
