package sqlite_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
)

// payload has the size of an average webhook.
var payload = []byte(`{"id":"c_1","name":"Ana Souza","note":"` + strings.Repeat("x", 500) + `"}`)

func contactHook() *journal.Hook {
	return &journal.Hook{
		Script: "crm", Name: "highlevel.contact.created", Version: strings.Repeat("ab", 32),
		Triggers: []string{"highlevel.contact.created"}, Lane: journal.Lane{Kind: journal.LaneRecord},
	}
}

func contactEvent(i int) journal.Event {
	return journal.Event{
		ID: fmt.Sprintf("highlevel:%08x-5d1c-4e0a-9b1f-%012d", i*2654435761, i), Type: "highlevel.contact.created",
		Connection: "highlevel", Account: "ve9EPM428h8vShlRW1KT", Time: time.Now(), Data: payload,
		Source: journal.Webhook, Record: fmt.Sprint("c_", i),
	}
}

// each calls f with 0 to n-1 from that many goroutines.
func each(goroutines, n int, f func(i int)) {
	var all sync.WaitGroup
	var next atomic.Int64
	for range goroutines {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				f(int(i))
			}
		})
	}
	all.Wait()
}

func perSecond(b *testing.B, what string) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), what+"/s")
}

func BenchmarkAccept(b *testing.B) {
	for _, waiters := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("waiters=%d", waiters), func(b *testing.B) {
			s := open(b, sqlite.Config{MaxQueued: 100_000_000})
			hook := contactHook()
			b.ReportAllocs()
			b.ResetTimer()
			each(waiters, b.N, func(i int) {
				if _, err := s.Accept(b.Context(), journal.Arrival{Event: contactEvent(i), Hooks: []*journal.Hook{hook}}); err != nil {
					b.Error(err)
				}
			})
			b.StopTimer()
			perSecond(b, "events")
		})
	}
}

// BenchmarkRun executes whole runs: accept, lease, two steps, finish. A run has four
// sequential commits; 64 runs are in flight.
func BenchmarkRun(b *testing.B) {
	s := open(b, sqlite.Config{})
	hook := contactHook()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	var workers sync.WaitGroup
	inFlight := make(chan struct{}, 64)
	var left sync.WaitGroup
	left.Add(b.N)
	b.ReportAllocs()
	b.ResetTimer()
	for range 64 {
		workers.Go(func() {
			for {
				a, err := s.Next(ctx)
				if err != nil {
					return
				}
				if err := executeRun(ctx, s, a); err != nil {
					b.Error(err)
				}
				<-inFlight
				left.Done()
			}
		})
	}
	each(64, b.N, func(i int) {
		inFlight <- struct{}{}
		if _, err := s.Accept(ctx, journal.Arrival{Event: contactEvent(i), Hooks: []*journal.Hook{hook}}); err != nil {
			b.Error(err)
		}
	})
	left.Wait()
	b.StopTimer()
	perSecond(b, "runs")
	cancel()
	workers.Wait()
}

func executeRun(ctx context.Context, s *sqlite.Store, a journal.Activation) error {
	h := journal.Lease{Run: a.Run.ID, Epoch: a.Epoch}
	if err := s.Bind(h, journal.Binding{Version: a.Run.Matched}); err != nil {
		return err
	}
	for n := 1; n <= 2; n++ {
		step := journal.Step{
			Number: n, Name: "highlevel.contacts.upsert", State: journal.Done, Args: []byte(`{"id":"c_1"}`), Result: payload,
			Position: "crm.lua:12", Started: time.Now(), Duration: time.Millisecond, Sendings: 1,
		}
		if _, err := s.Record(ctx, h, step, journal.Effect{}); err != nil {
			return err
		}
	}
	return s.Finish(ctx, h, journal.Finish{State: journal.Succeeded})
}

// fill accepts n events in calls of 500.
func fill(b *testing.B, s *sqlite.Store, n int) {
	hook := contactHook()
	for from := 0; from < n; from += 500 {
		arrivals := make([]journal.Arrival, 500)
		for i := range arrivals {
			arrivals[i] = journal.Arrival{Event: contactEvent(from + i), Hooks: []*journal.Hook{hook}}
		}
		if _, err := s.Accept(b.Context(), arrivals...); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen opens a file with 100,000 queued runs and leases one of them.
func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "tidewire.db")
	s := open(b, sqlite.Config{Path: path})
	fill(b, s, 100_000)
	for b.Loop() {
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		s = open(b, sqlite.Config{Path: path})
		if _, err := s.Next(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkList reads the first page of a journal of 200,000 runs that have ended.
func BenchmarkList(b *testing.B) {
	s := open(b, sqlite.Config{})
	fill(b, s, 200_000)
	each(64, 200_000, func(int) {
		a, err := s.Next(b.Context())
		if err == nil {
			err = s.Finish(b.Context(), journal.Lease{Run: a.Run.ID, Epoch: a.Epoch}, journal.Finish{State: journal.Succeeded})
		}
		if err != nil {
			b.Error(err)
		}
	})
	for name, q := range map[string]journal.RunQuery{
		"newest": {}, "script": {Script: "crm"}, "failed": {State: journal.Failed}, "queued": {State: journal.Queued},
		"succeeded": {State: journal.Succeeded}, "none": {Script: "other"}, "hook": {Script: "crm", Hook: contactHook().Name, State: journal.Failed},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Runs(b.Context(), q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
