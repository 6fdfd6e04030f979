package sqlite_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
)

// BenchmarkPrune prunes 990,000 of a million runs that have ended, and measures how
// long events and listings wait meanwhile. Run it once, with -benchtime 1x.
func BenchmarkPrune(b *testing.B) {
	const runs, retained = 1_000_000, 10_000
	for range b.N {
		b.StopTimer()
		s := open(b, sqlite.Config{MaxQueued: 2 * runs})
		fill(b, s, runs)
		each(64, runs, func(int) {
			a, err := s.Next(b.Context())
			if err == nil {
				err = s.Finish(b.Context(), journal.Lease{Run: a.Run.ID, Epoch: a.Epoch}, journal.Finish{State: journal.Succeeded})
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
		var background sync.WaitGroup
		n := 2 * runs
		accept := func(context.Context) error {
			n++
			_, err := acceptOne(b, s, n)
			return err
		}
		var accepted, listed float64
		background.Go(func() { accepted = longest(ctx, b, accept) })
		background.Go(func() { listed = longest(ctx, b, list) })
		b.StartTimer()
		pruned, err := s.Prune(b.Context(), journal.Retention{Count: retained})
		b.StopTimer()
		stop()
		background.Wait()
		b.ReportMetric(accepted, "ms/longest-accept")
		b.ReportMetric(listed, "ms/longest-list")
		if err != nil || pruned.Runs < runs-retained {
			b.Fatalf("pruned %+v, %v", pruned, err)
		}
	}
}

// longest calls f until the context ends, and returns the milliseconds of the
// longest call.
func longest(ctx context.Context, b *testing.B, f func(context.Context) error) float64 {
	slowest := time.Duration(0)
	for ctx.Err() == nil {
		begin := time.Now()
		if err := f(context.WithoutCancel(ctx)); err != nil {
			b.Error(err)
			break
		}
		slowest = max(slowest, time.Since(begin))
	}
	return float64(slowest.Microseconds()) / 1000
}
