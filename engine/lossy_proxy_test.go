package engine_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
)

// lossyProxy receives the webhooks of the sandbox for an engine, and loses some,
// delivers some twice, some late, and some in another order.
type lossyProxy struct {
	t      testing.TB
	clock  clock.Clock
	server *httptest.Server
	target string // the engine's address

	mu      sync.Mutex
	random  *rand.Rand
	delayed []delivery
	dropped map[string]bool // texts; webhooks with one of them are all lost

	losses, doubles, delays, rejected int
}

// delivery is a webhook to be delivered when it is due.
type delivery struct {
	due    time.Time
	path   string
	header http.Header
	body   []byte
}

func newLossyProxy(t testing.TB, seed uint64, c clock.Clock) *lossyProxy {
	p := &lossyProxy{t: t, clock: c, random: rand.New(rand.NewPCG(seed, 2)), dropped: map[string]bool{}}
	p.server = httptest.NewServer(http.HandlerFunc(p.receive))
	t.Cleanup(p.server.Close)
	return p
}

// chance returns true with a probability in percent. The caller holds the lock.
func (p *lossyProxy) chance(percent int) bool { return p.random.IntN(100) < percent }

// receive acknowledges a webhook, and delivers, delays or drops it.
func (p *lossyProxy) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	at := delivery{due: p.clock.Now(), path: r.URL.Path, header: r.Header.Clone(), body: body}
	p.mu.Lock()
	copies := 1
	if p.chance(10) {
		copies, p.doubles = 2, p.doubles+1
	}
	var atOnce []delivery
	for range copies {
		switch {
		case p.dropsAll(body), p.chance(10):
			p.losses++
		case p.chance(25):
			p.delays++
			late := at
			late.due = late.due.Add(time.Duration(p.random.IntN(200)) * time.Second)
			p.delayed = append(p.delayed, late)
		default:
			atOnce = append(atOnce, at)
		}
	}
	p.mu.Unlock()
	for _, l := range atOnce {
		p.deliver(l)
	}
	w.WriteHeader(http.StatusOK)
}

func (p *lossyProxy) dropsAll(body []byte) bool {
	for place := range p.dropped {
		if bytes.Contains(body, []byte(place)) {
			return true
		}
	}
	return false
}

// deliverDue delivers the webhooks that are due, the last one first.
func (p *lossyProxy) deliverDue() {
	now := p.clock.Now()
	p.mu.Lock()
	var due []delivery
	p.delayed = slices.DeleteFunc(p.delayed, func(l delivery) bool {
		if l.due.After(now) {
			return false
		}
		due = append(due, l)
		return true
	})
	p.mu.Unlock()
	for _, l := range slices.Backward(due) {
		p.deliver(l)
	}
}

func (p *lossyProxy) deliver(l delivery) {
	request, err := http.NewRequest(http.MethodPost, p.target+l.path, bytes.NewReader(l.body))
	if err != nil {
		p.t.Error(err)
		return
	}
	request.Header = l.header.Clone()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return // the engine has stopped
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(response.Body)
	if response.StatusCode > 299 {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.rejected++; p.rejected == 1 {
			p.t.Errorf("a webhook was answered with %d %s: %s", response.StatusCode, answer, l.body)
		}
	}
}
