package engine_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
)

// chaosScript has steps of every kind. The tag of a call to the shop is the
// order and the name of the call.
const chaosScript = `
local shop = require "shop"

local function pay(tag)
  local paid, err = try(shop.orders.pay, { tag = tag })
  if err then
    if err.kind ~= "uncertain" then error(err) end
    state.add("uncertain", 1)
  end
end

on("shop.order.created", { on_uncertain = "raise", retry = { attempts = 1 } }, function(event)
  local id = event.data.id
  shop.look.now { tag = id .. " look" }
  shop.items.save { tag = id .. " save" }
  state.add("begun", 1)
  pay(id .. " pay")
  emit("paid", { tag = id .. " emitted" })
  shop.transfers.make { tag = id .. " transfer" }
  wait "100ms"
  pay(id .. " pay later")
  local confirmed, err = wait_for("shop.order.confirmed", { where = { id = id }, timeout = "1h" })
  if not confirmed then error(err) end
  shop.look.now { tag = id .. " look again" }
  state.add("ended", 1)
end)

on("emit:paid", function(event)
  shop.orders.pay { tag = event.data.tag }
end)

on("in:/audit", { verify = "none" }, function()
  state.get("begun")
  state.get("ended")
  state.get("uncertain")
end)
`

// TestKilledUnderLoad kills an engine with SIGKILL many times, at random moments
// of its work and of its start, while senders post signed webhooks until these
// are accepted, as vendors do. Nothing acknowledged is lost, no recorded call is
// made again, unsafe calls are made at most once, what a script adds is added
// once, and lanes keep their order.
func TestKilledUnderLoad(t *testing.T) {
	kills, pause := 50, 250*time.Millisecond
	switch {
	case soak:
		kills, pause = 500, 450*time.Millisecond
	case testing.Short():
		kills = 8
	}
	s := openShop(t, 12*time.Millisecond)
	dir := folder(t, map[string]string{"scripts/orders.lua": chaosScript})
	settings := childConfig{Scripts: filepath.Join(dir, "scripts"), Data: filepath.Join(dir, "data"), InFlight: 16, Log: filepath.Join(dir, "engine.log")}
	t.Cleanup(func() {
		if t.Failed() {
			logTail(t, settings.Log)
		}
	})

	g := newSenderGroup(t, 8)
	start, killed := time.Now(), 0
	// More kills if none of them was in the middle of a call.
	for ; killed < kills || s.lostRequests() == 0 && killed < 10*kills; killed++ {
		settings.Shop = s.nextEngine()
		if killed%5 == 4 {
			killAtStart(t, settings)
			continue
		}
		p := spawn(t, settings)
		g.setURL(p.url)
		<-time.After(20*time.Millisecond + rand.N(pause)) // a random moment
		g.setURL("")                                      // another process may get the port
		p.kill()
	}
	elapsed := time.Since(start)

	settings.Shop = s.nextEngine()
	p := spawn(t, settings)
	g.setURL(p.url)
	g.stop()
	reader, err := control.Dial(settings.Data)
	must(t, err)
	defer reader.Close()
	a := auditStopped(t, p, reader, settings.Data, s, g)
	t.Logf("%d kills in %s, %d events acknowledged, %d requests at the shop; %s", killed, elapsed.Round(time.Millisecond), len(g.acknowledged), len(s.all), a.summary())
	if a.repeated+int(a.uncertain)+a.states[journal.Held] == 0 {
		t.Error("no kill was in the middle of a call; the test shows nothing")
	}
}

// killAtStart kills an engine shortly before or after it has opened its journal.
func killAtStart(t *testing.T, c childConfig) {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	text, err := json.Marshal(c)
	must(t, err)
	command := exec.Command(self)
	command.Env = append(os.Environ(), childSettings+"="+string(text))
	must(t, command.Start())
	<-time.After(rand.N(60 * time.Millisecond))
	must(t, command.Process.Kill())
	_ = command.Wait()
}

// senderGroup posts orders from several goroutines.
type senderGroup struct {
	t       *testing.T
	url     atomic.Pointer[string]
	ending  chan struct{} // closed when there are no new orders
	abort   chan struct{} // closed at the end of the test
	ended   sync.Once
	sending sync.WaitGroup

	mu           sync.Mutex
	acknowledged map[string]bool // event ids
	sent         []string        // orders
}

// pace is the average time between two orders of a sender.
const pace = 250 * time.Millisecond

func newSenderGroup(t *testing.T, senders int) *senderGroup {
	g := &senderGroup{t: t, ending: make(chan struct{}), abort: make(chan struct{}), acknowledged: map[string]bool{}}
	t.Cleanup(func() {
		close(g.abort)
		g.stop()
	})
	for sender := range senders {
		g.sending.Go(func() {
			client := &http.Client{Transport: &http.Transport{}, Timeout: 5 * time.Second}
			defer client.CloseIdleConnections()
			for n := 0; ; n++ {
				select {
				case <-g.ending:
					return
				case <-time.After(rand.N(2 * pace)):
				}
				name := fmt.Sprintf("o%d-%d", sender, n)
				o := order{id: name + "-made", kind: "order.created", name: name, customer: fmt.Sprint("c", (sender+n)%6), n: n}
				g.deliver(client, o)
				g.mu.Lock()
				g.sent = append(g.sent, name)
				g.mu.Unlock()
				<-time.After(rand.N(pace)) // before or after the script waits for the event
				o.id, o.kind = name+"-confirmed", "order.confirmed"
				g.deliver(client, o)
			}
		})
	}
	return g
}

func (g *senderGroup) setURL(url string) { g.url.Store(&url) }

// stop stops the senders once all their events are accepted.
func (g *senderGroup) stop() {
	g.ended.Do(func() { close(g.ending) })
	g.sending.Wait()
}

func (g *senderGroup) orders() []string { return g.sent }

// deliver posts a webhook until it is accepted, as a vendor does that retries
// without end. An event that was stored without an answer is then sent again.
func (g *senderGroup) deliver(client *http.Client, o order) {
	late := time.After(2 * maxWait)
	for {
		if url := g.url.Load(); url != nil && *url != "" {
			body, header := o.request(g.t)
			request, err := http.NewRequest(http.MethodPost, *url+"/hooks/shop", strings.NewReader(body))
			if err != nil {
				g.t.Error(err)
				return
			}
			request.Header = header
			response, err := client.Do(request)
			if err == nil {
				response.Body.Close()
				switch response.StatusCode {
				case http.StatusOK:
					g.mu.Lock()
					g.acknowledged["shop:"+o.id] = true
					g.mu.Unlock()
					return
				case http.StatusTooManyRequests, http.StatusServiceUnavailable:
				default:
					g.t.Errorf("%s was answered with %s", o.id, response.Status)
					return
				}
			}
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-g.abort:
			return
		case <-late:
			g.t.Errorf("%s was not accepted in %s", o.id, 2*maxWait)
			return
		}
	}
}

// settleChild waits until every run has ended or is held.
func settleChild(t *testing.T, p *child, reader *control.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*maxWait)
	defer cancel()
	for {
		counts, err := reader.Counts(ctx)
		must(t, err)
		live := 0
		for state, n := range counts {
			if !state.Ended() && state != journal.Held {
				live += n
			}
		}
		if live == 0 {
			return
		}
		select {
		case _, goesOn := <-p.changed:
			if !goesOn {
				t.Fatal("the engine ended by itself")
			}
		case <-time.After(50 * time.Millisecond): // a run that becomes held is not printed
		case <-ctx.Done():
			t.Fatalf("the runs did not come to an end: %v", counts)
		}
	}
}

// askAudit runs the script's audit and returns the state that it reads.
func askAudit(t *testing.T, p *child, reader *control.Client) map[string]int64 {
	t.Helper()
	status, answer := post(t, p.url+"/in/audit", `{}`, nil)
	if status != http.StatusOK {
		t.Fatalf("the audit was answered with %d %s", status, answer)
	}
	settleChild(t, p, reader)
	runs, err := reader.Runs(t.Context(), journal.RunQuery{Hook: "in:/audit", Limit: 1})
	must(t, err)
	if len(runs) != 1 {
		t.Fatalf("found %d audits", len(runs))
	}
	_, steps, err := reader.Run(t.Context(), runs[0].ID)
	must(t, err)
	found := map[string]int64{}
	for _, step := range steps {
		found[gjson.GetBytes(step.Args, "key").String()] = gjson.GetBytes(step.Result, "value").Int()
	}
	return found
}

// logTail logs the last lines of a file.
func logTail(t *testing.T, file string) {
	text, _ := os.ReadFile(file)
	lines := strings.Split(string(text), "\n")
	t.Logf("the end of the engine's log:\n%s", strings.Join(lines[max(0, len(lines)-40):], "\n"))
}

// auditStopped lets the runs of an engine end, stops it, and checks its journal
// against what the shop received.
func auditStopped(t *testing.T, p *child, reader *control.Client, data string, s *shop, g *senderGroup) *auditor {
	t.Helper()
	settleChild(t, p, reader)
	audit := askAudit(t, p, reader)
	p.stop()
	// A log that was cut off by a kill lacks nothing.
	if damaged, err := filepath.Glob(filepath.Join(data, "*.damaged-*")); err != nil || len(damaged) > 0 {
		t.Errorf("a start took the log for damaged: %q, %v", damaged, err)
	}
	r, err := sqlite.OpenReader(filepath.Join(data, "tidewire.db"))
	must(t, err)
	defer func() { must(t, r.Close()) }()
	a := &auditor{T: t, reader: r, shop: s, received: s.requestsByTag(), orders: g.orders(), acknowledged: g.acknowledged}
	a.check(audit)
	return a
}

// auditor compares the journal with the requests of the shop.
type auditor struct {
	*testing.T
	reader       *sqlite.Reader
	shop         *shop
	received     map[string][]shopRequest
	orders       []string
	acknowledged map[string]bool

	states    map[journal.State]int
	uncertain int64
	repeated  int // calls that the shop received more than once
	recorded  map[string]bool
	lanes     map[string]map[string]*journal.Run // by order
}

func (a *auditor) check(audit map[string]int64) {
	a.states, a.recorded, a.lanes = map[journal.State]int{}, map[string]bool{}, map[string]map[string]*journal.Run{}
	for id := range a.acknowledged {
		if _, _, err := a.reader.Event(a.Context(), id); err != nil {
			a.Errorf("lost: event %s was acknowledged: %v", id, err)
		}
	}
	for _, name := range a.orders {
		a.order(name)
	}
	for tag, all := range a.received {
		if !a.recorded[tag] {
			a.Errorf("the shop received %q (%d times), which no run has recorded", tag, len(all))
		}
	}
	transfers := map[string]int{}
	for _, record := range a.shop.apps.Records("shop", "transfers") {
		transfers[gjson.GetBytes(record, "tag").String()]++
	}
	for tag, n := range transfers {
		if n != 1 {
			a.Errorf("repeated: %q was transferred %d times", tag, n)
		}
	}
	n := int64(len(a.orders))
	if audit["begun"] != n || audit["ended"] != n || audit["uncertain"] != a.uncertain {
		a.Errorf("the script added %v, want begun and ended to be %d and uncertain %d", audit, n, a.uncertain)
	}
	for lane, runs := range a.lanes {
		a.lane(lane, runs)
	}
}

func (a *auditor) summary() string {
	return fmt.Sprintf("%d orders, runs %v, %d calls uncertain, %d received again", len(a.orders), a.states, a.uncertain, a.repeated)
}

// order checks the run of an order, and the run that it emits an event for.
func (a *auditor) order(name string) {
	run, steps := a.onlyRun("shop:" + name + "-made")
	if run == nil {
		return
	}
	if run.State != journal.Succeeded {
		a.Errorf("order %s is %s: %v", name, run.State, run.Problem)
	}
	if a.lanes[run.Lane] == nil {
		a.lanes[run.Lane] = map[string]*journal.Run{}
	}
	a.lanes[run.Lane][name] = run
	for i, step := range steps {
		if step.Number != i+1 {
			a.Errorf("order %s: step %d is at place %d", name, step.Number, i+1)
		}
		a.step(run, step)
		if step.Name == "emit" {
			if paid, steps := a.onlyRun(gjson.GetBytes(step.Result, "id").String()); paid != nil {
				for _, step := range steps {
					a.step(paid, step)
				}
			}
		}
	}
}

func (a *auditor) onlyRun(event string) (*journal.Run, []journal.Step) {
	_, runs, err := a.reader.Event(a.Context(), event)
	if err != nil || len(runs) != 1 {
		a.Errorf("event %s has %d runs, %v", event, len(runs), err)
		return nil, nil
	}
	run, steps, err := a.reader.Run(a.Context(), runs[0].ID)
	if err != nil {
		a.Fatal(err)
	}
	a.states[run.State]++
	return &run, steps
}

// step compares a call with its requests to the shop.
func (a *auditor) step(run *journal.Run, step journal.Step) {
	tag := gjson.GetBytes(step.Args, "tag").String()
	if !strings.HasPrefix(step.Name, "shop.") {
		return
	}
	received := a.received[tag]
	a.recorded[tag] = true
	if len(received) > 1 {
		a.repeated++
	}
	name := fmt.Sprintf("%s of %q, %s by run %s", step.Name, tag, step.State, run.ID)
	switch {
	case step.State == journal.Done && len(received) == 0:
		a.Errorf("%s: the shop did not receive it", name)
	case step.State == journal.Erred && (step.Error.Kind != bindings.Uncertain || step.Name != opUnsafe):
		a.Errorf("%s: %v", name, step.Error)
	case step.State == journal.Erred:
		a.uncertain++
	case step.State == journal.Begun && run.State != journal.Held:
		a.Errorf("%s: the run is %s", name, run.State)
	}
	if step.Name == opUnsafe && len(received) > 1 {
		a.Errorf("repeated: %s: the shop received it %d times", name, len(received))
	}
	keys := map[string]bool{}
	for _, one := range received {
		keys[one.key] = true
		if recorded := step.Started.Add(step.Duration); step.State == journal.Done && one.from.After(recorded.Add(time.Millisecond)) {
			a.Errorf("repeated: %s: recorded at %s and asked for at %s", name, recorded.Format(time.StampMicro), one.from.Format(time.StampMicro))
		}
	}
	if step.Name == opKeyed && (len(keys) > 1 || keys[""]) {
		a.Errorf("%s: it was sent with the keys %v", name, slices.Collect(maps.Keys(keys)))
	}
}

// lane checks the order of a lane: first activations are in the order of
// acceptance, and no two runs execute at the same time.
func (a *auditor) lane(lane string, runs map[string]*journal.Run) {
	byAcceptance := slices.SortedFunc(maps.Values(runs), func(x, y *journal.Run) int { return cmp.Compare(x.Seq, y.Seq) })
	for i := 1; i < len(byAcceptance); i++ {
		if before, run := byAcceptance[i-1], byAcceptance[i]; run.Started.Before(before.Started) {
			a.Errorf("lane %s: run %s was accepted before %s and began after it", lane, before.ID, run.ID)
		}
	}
	var all []shopRequest
	for tag, received := range a.received {
		if name, _, _ := strings.Cut(tag, " "); runs[name] != nil && !strings.HasSuffix(tag, "emitted") {
			all = append(all, received...)
		}
	}
	slices.SortFunc(all, func(x, y shopRequest) int { return cmp.Or(cmp.Compare(x.engine, y.engine), x.from.Compare(y.from)) })
	over := map[string]bool{} // orders whose first activation is over, since another run has executed
	for i, one := range all {
		name, what, _ := strings.Cut(one.tag, " ")
		if over[name] && what != "pay later" && what != "look again" {
			a.Errorf("lane %s: %q was asked for while another run was executed", lane, one.tag)
		}
		if i == 0 {
			continue
		}
		before := all[i-1]
		if other, _, _ := strings.Cut(before.tag, " "); other != name {
			over[other] = true
			if before.engine == one.engine && before.to.After(one.from) {
				a.Errorf("lane %s: %q was asked for before %q was answered", lane, one.tag, before.tag)
			}
		}
	}
}
