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
)

// office stands between the apps of the sandbox and an engine and handles
// webhooks as a bad network does: it loses them, delivers them twice, late, and
// in another order.
type office struct {
	t      testing.TB
	now    func() time.Time
	server *httptest.Server
	target string // the engine's address

	mu   sync.Mutex
	dice *rand.Rand
	held []letter
	lost map[string]bool // places of which it loses all

	losses, doubles, delays, refused int
}

// letter is a webhook on its way.
type letter struct {
	due    time.Time
	path   string
	header http.Header
	body   []byte
}

func newOffice(t testing.TB, seed uint64, now func() time.Time) *office {
	o := &office{t: t, now: now, dice: rand.New(rand.NewPCG(seed, 2)), lost: map[string]bool{}}
	o.server = httptest.NewServer(http.HandlerFunc(o.take))
	t.Cleanup(o.server.Close)
	return o
}

// chance is true so often in a hundred. The lock is held.
func (o *office) chance(percent int) bool { return o.dice.IntN(100) < percent }

// take acknowledges a webhook, whatever becomes of it.
func (o *office) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	at := letter{due: o.now(), path: r.URL.Path, header: r.Header.Clone(), body: body}
	o.mu.Lock()
	copies := 1
	if o.chance(10) {
		copies, o.doubles = 2, o.doubles+1
	}
	var atOnce []letter
	for range copies {
		switch {
		case o.losesAllOf(body), o.chance(10):
			o.losses++
		case o.chance(25):
			o.delays++
			late := at
			late.due = late.due.Add(time.Duration(o.dice.IntN(200)) * time.Second)
			o.held = append(o.held, late)
		default:
			atOnce = append(atOnce, at)
		}
	}
	o.mu.Unlock()
	for _, l := range atOnce {
		o.deliver(l)
	}
	w.WriteHeader(http.StatusOK)
}

func (o *office) losesAllOf(body []byte) bool {
	for place := range o.lost {
		if bytes.Contains(body, []byte(place)) {
			return true
		}
	}
	return false
}

// due delivers what was held until now, the latest letter first.
func (o *office) due() {
	now := o.now()
	o.mu.Lock()
	var due []letter
	o.held = slices.DeleteFunc(o.held, func(l letter) bool {
		if l.due.After(now) {
			return false
		}
		due = append(due, l)
		return true
	})
	o.mu.Unlock()
	for _, l := range slices.Backward(due) {
		o.deliver(l)
	}
}

func (o *office) deliver(l letter) {
	request, err := http.NewRequest(http.MethodPost, o.target+l.path, bytes.NewReader(l.body))
	if err != nil {
		o.t.Error(err)
		return
	}
	request.Header = l.header.Clone()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return // the engine has ended
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(response.Body)
	if response.StatusCode > 299 {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.refused++; o.refused == 1 {
			o.t.Errorf("a webhook was answered with %d %s: %s", response.StatusCode, answer, l.body)
		}
	}
}
