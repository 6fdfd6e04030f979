package sqlite_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
)

// BenchmarkPrune forgets 990,000 of a million runs that are over, and measures
// how long events and listings wait meanwhile. Once is enough: -benchtime 1x.
func BenchmarkPrune(b *testing.B) {
	const runs, keep = 1_000_000, 10_000
	for range b.N {
		b.StopTimer()
		s := open(b, sqlite.Config{MaxQueued: 2 * runs})
		fill(b, s, runs)
		each(64, runs, func(int) {
			a, err := s.Next(b.Context())
			if err == nil {
				err = s.Finish(b.Context(), journal.Holder{Run: a.Run.ID, Epoch: a.Epoch}, journal.Outcome{State: journal.Succeeded})
			}
			if err != nil {
				b.Error(err)
			}
		})
		list := func(ctx context.Context) error {
			_, err := s.Runs(ctx, journal.RunQuery{Script: "crm", State: journal.Succeeded})
			return err
		}
		ctx, stop := context.WithCancel(b.Context())
		var beside sync.WaitGroup
		n := 2 * runs
		accept := func(context.Context) error {
			n++
			_, err := acceptOne(b, s, n)
			return err
		}
		var accepted, listed float64
		beside.Go(func() { accepted = longest(ctx, b, accept) })
		beside.Go(func() { listed = longest(ctx, b, list) })
		b.StartTimer()
		pruned, err := s.Prune(b.Context(), journal.Retention{Count: keep})
		b.StopTimer()
		stop()
		beside.Wait()
		b.ReportMetric(accepted, "ms/longest-accept")
		b.ReportMetric(listed, "ms/longest-list")
		if err != nil || pruned.Runs < runs-keep {
			b.Fatalf("pruned %+v, %v", pruned, err)
		}
	}
}

// longest calls f until the context ends, and gives the milliseconds of the
// call that took longest.
func longest(ctx context.Context, b *testing.B, f func(context.Context) error) float64 {
	most := time.Duration(0)
	for ctx.Err() == nil {
		begin := time.Now()
		if err := f(context.WithoutCancel(ctx)); err != nil {
			b.Error(err)
			break
		}
		most = max(most, time.Since(begin))
	}
	return float64(most.Microseconds()) / 1000
}
