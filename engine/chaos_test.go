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

// chaosScript does something of every kind. What it asks of the shop carries
// the order and the place in the script as its tag.
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

// TestKilledUnderLoad ends an engine with SIGKILL again and again, at any
// moment of its work and of its start, while senders post signed webhooks to
// it as vendors do: until they are taken. Nothing acknowledged is lost, nothing
// recorded is done again, what is unsafe is done at most once, what a script
// adds is added once, and lanes keep their order.
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
			tellEnd(t, settings.Log)
		}
	})

	l := newLoad(t, 8)
	start, struck := time.Now(), 0
	// A few more if none of them has struck in the middle of a call.
	for ; struck < kills || s.cutOff() == 0 && struck < 10*kills; struck++ {
		settings.Shop = s.nextLife()
		if struck%5 == 4 {
			killAtStart(t, settings)
			continue
		}
		p := spawn(t, settings)
		l.deliverTo(p.url)
		<-time.After(20*time.Millisecond + rand.N(pause)) // any moment will do
		l.deliverTo("")                                   // the port may be somebody else's in a moment
		p.kill()
	}
	took := time.Since(start)

	settings.Shop = s.nextLife()
	p := spawn(t, settings)
	l.deliverTo(p.url)
	l.stop()
	reader, err := control.Dial(settings.Data)
	must(t, err)
	defer reader.Close()
	settleChild(t, p, reader)
	audit := askAudit(t, p, reader)
	p.stop()

	r, err := sqlite.OpenReader(filepath.Join(settings.Data, "tidewire.db"))
	must(t, err)
	defer func() { must(t, r.Close()) }()
	a := &auditor{T: t, reader: r, shop: s, heard: s.heard(), orders: l.orders(), acknowledged: l.acknowledged}
	a.check(audit)
	t.Logf("%d kills in %s, %d events acknowledged, %d requests at the shop; %s", struck, took.Round(time.Millisecond), len(l.acknowledged), len(s.all), a.summary())
	if a.again+int(a.uncertain)+a.states[journal.Held] == 0 {
		t.Error("no kill struck in the middle of a call; the test shows nothing")
	}
}

// killAtStart ends an engine before or shortly after it has opened its journal.
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

// load is the senders.
type load struct {
	t       *testing.T
	url     atomic.Pointer[string]
	ending  chan struct{} // no new order
	abort   chan struct{} // the test is over
	ended   sync.Once
	sending sync.WaitGroup

	mu           sync.Mutex
	acknowledged map[string]bool // event ids
	sent         []string        // orders
}

// pace is what a sender lets pass between two orders.
const pace = 250 * time.Millisecond

func newLoad(t *testing.T, senders int) *load {
	l := &load{t: t, ending: make(chan struct{}), abort: make(chan struct{}), acknowledged: map[string]bool{}}
	t.Cleanup(func() {
		close(l.abort)
		l.stop()
	})
	for sender := range senders {
		l.sending.Go(func() {
			client := &http.Client{Transport: &http.Transport{}, Timeout: 5 * time.Second}
			defer client.CloseIdleConnections()
			for n := 0; ; n++ {
				select {
				case <-l.ending:
					return
				case <-time.After(rand.N(2 * pace)):
				}
				name := fmt.Sprintf("o%d-%d", sender, n)
				o := order{id: name + "-made", kind: "order.created", name: name, customer: fmt.Sprint("c", (sender+n)%6), n: n}
				l.deliver(client, o)
				l.mu.Lock()
				l.sent = append(l.sent, name)
				l.mu.Unlock()
				<-time.After(rand.N(pace)) // before the script waits for it, or after
				o.id, o.kind = name+"-confirmed", "order.confirmed"
				l.deliver(client, o)
			}
		})
	}
	return l
}

func (l *load) deliverTo(url string) { l.url.Store(&url) }

// stop ends the senders when all that they began is taken.
func (l *load) stop() {
	l.ended.Do(func() { close(l.ending) })
	l.sending.Wait()
}

func (l *load) orders() []string { return l.sent }

// deliver posts until the webhook is taken, as a vendor does that never gives
// up; what was kept without an answer comes again so.
func (l *load) deliver(client *http.Client, o order) {
	late := time.After(2 * patience)
	for {
		if url := l.url.Load(); url != nil && *url != "" {
			body, header := o.request(l.t)
			request, err := http.NewRequest(http.MethodPost, *url+"/hooks/shop", strings.NewReader(body))
			if err != nil {
				l.t.Error(err)
				return
			}
			request.Header = header
			response, err := client.Do(request)
			if err == nil {
				response.Body.Close()
				switch response.StatusCode {
				case http.StatusOK:
					l.mu.Lock()
					l.acknowledged["shop:"+o.id] = true
					l.mu.Unlock()
					return
				case http.StatusTooManyRequests, http.StatusServiceUnavailable:
				default:
					l.t.Errorf("%s was answered with %s", o.id, response.Status)
					return
				}
			}
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-l.abort:
			return
		case <-late:
			l.t.Errorf("%s was not taken in %s", o.id, 2*patience)
			return
		}
	}
}

// settleChild waits until every run has ended or is held.
func settleChild(t *testing.T, p *child, reader *control.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
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
		case _, goesOn := <-p.moved:
			if !goesOn {
				t.Fatal("the engine ended by itself")
			}
		case <-time.After(50 * time.Millisecond): // a run that is held says nothing
		case <-ctx.Done():
			t.Fatalf("the runs did not come to an end: %v", counts)
		}
	}
}

// askAudit runs the script's audit and gives the state that it read.
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

// tellEnd shows the last lines of a log.
func tellEnd(t *testing.T, file string) {
	text, _ := os.ReadFile(file)
	lines := strings.Split(string(text), "\n")
	t.Logf("the end of the engine's log:\n%s", strings.Join(lines[max(0, len(lines)-40):], "\n"))
}

// auditor compares the journal with what the shop heard.
type auditor struct {
	*testing.T
	reader       *sqlite.Reader
	shop         *shop
	heard        map[string][]asked
	orders       []string
	acknowledged map[string]bool

	states    map[journal.State]int
	uncertain int64
	again     int // calls that the shop heard more than once
	known     map[string]bool
	lanes     map[string]map[string]*journal.Run // by order
}

func (a *auditor) check(audit map[string]int64) {
	a.states, a.known, a.lanes = map[journal.State]int{}, map[string]bool{}, map[string]map[string]*journal.Run{}
	for id := range a.acknowledged {
		if _, _, err := a.reader.Event(a.Context(), id); err != nil {
			a.Errorf("lost: event %s was acknowledged: %v", id, err)
		}
	}
	for _, name := range a.orders {
		a.order(name)
	}
	for tag, all := range a.heard {
		if !a.known[tag] {
			a.Errorf("the shop heard %q (%d times), which no run has recorded", tag, len(all))
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
	return fmt.Sprintf("%d orders, runs %v, %d calls uncertain, %d heard again", len(a.orders), a.states, a.uncertain, a.again)
}

// order follows one from its webhook to the last step.
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
			a.Errorf("order %s: step %d stands at place %d", name, step.Number, i+1)
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

// step compares a call with what the shop heard of it.
func (a *auditor) step(run *journal.Run, step journal.Step) {
	tag := gjson.GetBytes(step.Args, "tag").String()
	if !strings.HasPrefix(step.Name, "shop.") {
		return
	}
	heard := a.heard[tag]
	a.known[tag] = true
	if len(heard) > 1 {
		a.again++
	}
	name := fmt.Sprintf("%s of %q, %s by run %s", step.Name, tag, step.State, run.ID)
	switch {
	case step.State == journal.Done && len(heard) == 0:
		a.Errorf("%s: the shop never heard it", name)
	case step.State == journal.Erred && (step.Error.Kind != bindings.Uncertain || step.Name != opUnsafe):
		a.Errorf("%s: %v", name, step.Error)
	case step.State == journal.Erred:
		a.uncertain++
	case step.State == journal.Begun && run.State != journal.Held:
		a.Errorf("%s: the run is %s", name, run.State)
	}
	if step.Name == opUnsafe && len(heard) > 1 {
		a.Errorf("repeated: %s: the shop heard it %d times", name, len(heard))
	}
	keys := map[string]bool{}
	for _, one := range heard {
		keys[one.key] = true
		if recorded := step.Started.Add(step.Duration); step.State == journal.Done && one.from.After(recorded.Add(time.Millisecond)) {
			a.Errorf("repeated: %s: recorded at %s and asked for at %s", name, recorded.Format(time.StampMicro), one.from.Format(time.StampMicro))
		}
	}
	if step.Name == opKeyed && (len(keys) > 1 || keys[""]) {
		a.Errorf("%s: it was sent with the keys %v", name, slices.Collect(maps.Keys(keys)))
	}
}

// lane holds one to its order: first activations as accepted, and never two
// runs at once.
func (a *auditor) lane(lane string, runs map[string]*journal.Run) {
	byAcceptance := slices.SortedFunc(maps.Values(runs), func(x, y *journal.Run) int { return cmp.Compare(x.Seq, y.Seq) })
	for i := 1; i < len(byAcceptance); i++ {
		if before, run := byAcceptance[i-1], byAcceptance[i]; run.Started.Before(before.Started) {
			a.Errorf("lane %s: run %s was accepted before %s and began after it", lane, before.ID, run.ID)
		}
	}
	var all []asked
	for tag, heard := range a.heard {
		if name, _, _ := strings.Cut(tag, " "); runs[name] != nil && !strings.HasSuffix(tag, "emitted") {
			all = append(all, heard...)
		}
	}
	slices.SortFunc(all, func(x, y asked) int { return cmp.Or(cmp.Compare(x.life, y.life), x.from.Compare(y.from)) })
	over := map[string]bool{} // orders whose first activation is over, since another had its turn
	for i, one := range all {
		name, what, _ := strings.Cut(one.tag, " ")
		if over[name] && what != "pay later" && what != "look again" {
			a.Errorf("lane %s: %q was asked for while another run had its turn", lane, one.tag)
		}
		if i == 0 {
			continue
		}
		before := all[i-1]
		if other, _, _ := strings.Cut(before.tag, " "); other != name {
			over[other] = true
			if before.life == one.life && before.to.After(one.from) {
				a.Errorf("lane %s: %q was asked for before %q was answered", lane, one.tag, before.tag)
			}
		}
	}
}
