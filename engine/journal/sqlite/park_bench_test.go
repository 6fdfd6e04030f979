package sqlite_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
)

func waitForInvoice(i int, until time.Time) journal.Park {
	return journal.Park{
		State: journal.Waiting, Until: until, Step: &journal.Step{Number: 1, Name: "wait_for", State: journal.Begun, Position: "crm.lua:12"},
		Await: &journal.Await{Triggers: []string{"qonto.invoice.paid"}, Where: map[string][]string{"id": {fmt.Sprintf("%q", fmt.Sprint("inv_", i))}}},
	}
}

// parkAll makes n runs that each wait for an event.
func parkAll(b *testing.B, s *sqlite.Store, n int) {
	fill(b, s, n)
	until := time.Now().Add(24 * time.Hour)
	each(64, n, func(i int) {
		a, err := s.Next(b.Context())
		if err == nil {
			err = s.Park(b.Context(), journal.Lease{Run: a.Run.ID, Epoch: a.Epoch}, waitForInvoice(i, until))
		}
		if err != nil {
			b.Error(err)
		}
	})
}

// BenchmarkParkAndWake parks a run for an event, wakes it by that event and ends it.
// 10,000 other runs wait for other events, and 64 runs are in flight.
func BenchmarkParkAndWake(b *testing.B) {
	s := open(b, sqlite.Config{})
	parkAll(b, s, 10_000)
	until := time.Now().Add(24 * time.Hour)
	next := func() (journal.Activation, journal.Lease) {
		a, err := s.Next(b.Context())
		if err != nil {
			b.Error(err)
		}
		return a, journal.Lease{Run: a.Run.ID, Epoch: a.Epoch}
	}
	b.ReportAllocs()
	b.ResetTimer()
	each(64, b.N, func(i int) {
		if _, err := acceptOne(b, s, 1_000_000+i); err != nil {
			b.Error(err)
		}
		// Any two leases: the 64 goroutines together end as many runs as they park.
		for range 2 {
			a, h := next()
			if len(a.Steps) > 0 {
				if err := s.Finish(b.Context(), h, journal.Finish{State: journal.Succeeded}); err != nil {
					b.Error(err)
				}
				continue
			}
			number, err := strconv.Atoi(strings.TrimPrefix(a.Event.Record, "c_"))
			if err != nil {
				b.Error(err)
			}
			if err := s.Park(b.Context(), h, waitForInvoice(number, until)); err != nil {
				b.Error(err)
			}
			e := journal.Event{ID: fmt.Sprint("qonto:", number), Type: "qonto.invoice.paid", Data: fmt.Appendf(nil, `{"id":"inv_%d"}`, number)}
			if r, err := s.Accept(b.Context(), journal.Arrival{Event: e, StoreUnmatched: true}); err != nil || len(r[0].Woken) != 1 {
				b.Errorf("event %d: %+v, %v", number, r, err)
			}
		}
	})
	b.StopTimer()
	perSecond(b, "runs")
}

// BenchmarkMissedEvent parks a run for an event after 100,000 other events of its
// trigger came since it was accepted, and measures how long other writes wait
// meanwhile.
func BenchmarkMissedEvent(b *testing.B) {
	s := open(b, sqlite.Config{})
	if _, err := acceptOne(b, s, 1_000_000); err != nil {
		b.Fatal(err)
	}
	a, h := next(b, s)
	for from := 0; from < 100_000; from += 500 {
		arrivals := make([]journal.Arrival, 500)
		for i := range arrivals {
			arrivals[i] = journal.Arrival{StoreUnmatched: true, Event: contactEvent(from + i)}
			arrivals[i].Event.Type = "qonto.invoice.paid"
		}
		if _, err := s.Accept(b.Context(), arrivals...); err != nil {
			b.Fatal(err)
		}
	}
	var longest time.Duration
	ctx, stop := context.WithCancel(b.Context())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 2_000_000; ctx.Err() == nil; i++ {
			begin := time.Now()
			if _, err := acceptOne(b, s, i); err != nil {
				b.Error(err)
			}
			longest = max(longest, time.Since(begin))
		}
	}()
	number := 0
	for b.Loop() {
		number++
		park := waitForInvoice(number, time.Time{})
		park.Step.Number = number
		if err := s.Park(b.Context(), h, park); err != nil {
			b.Fatal(err)
		}
		e := journal.Event{ID: fmt.Sprint("qonto:", number), Type: "qonto.invoice.paid", Data: fmt.Appendf(nil, `{"id":"inv_%d"}`, number)}
		if r, err := s.Accept(b.Context(), journal.Arrival{Event: e, StoreUnmatched: true}); err != nil || len(r[0].Woken) != 1 {
			b.Fatalf("it was not woken: %+v, %v", r, err)
		}
		for { // the run is queued after all runs that were accepted meanwhile
			next, lease := next(b, s)
			if next.Run.ID == a.Run.ID {
				h = lease
				break
			}
		}
	}
	stop()
	<-stopped
	b.ReportMetric(float64(longest.Microseconds())/1000, "ms/longest-accept")
}

// BenchmarkOpenParked opens a journal of 100,000 parked runs, and measures how much
// memory they use.
func BenchmarkOpenParked(b *testing.B) {
	for _, kind := range []string{"waiting", "retrying"} {
		b.Run(kind, func(b *testing.B) {
			const runs = 100_000
			path := filepath.Join(b.TempDir(), "tidewire.db")
			s := open(b, sqlite.Config{Path: path})
			if kind == "waiting" {
				parkAll(b, s, runs)
			} else {
				fill(b, s, runs)
				until := time.Now().Add(24 * time.Hour)
				each(64, runs, func(int) {
					a, err := s.Next(b.Context())
					if err == nil {
						err = s.Park(b.Context(), journal.Lease{Run: a.Run.ID, Epoch: a.Epoch}, journal.Park{State: journal.Retrying, Until: until})
					}
					if err != nil {
						b.Error(err)
					}
				})
			}
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
			before := heapBytes()
			var opening time.Duration
			b.ResetTimer()
			for range b.N {
				begin := time.Now()
				s = open(b, sqlite.Config{Path: path})
				opening += time.Since(begin)
				b.StopTimer()
				b.ReportMetric(float64(heapBytes()-before)/runs, "B/run")
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
				before = heapBytes()
				b.StartTimer()
			}
			b.ReportMetric(float64(opening.Milliseconds())/float64(b.N), "ms/open")
		})
	}
}

func heapBytes() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
