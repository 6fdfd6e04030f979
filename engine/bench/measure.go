package bench

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"
)

// baseline measures senders and disk without an engine.
func (b *bench) baseline(ctx context.Context, p plan, report *Report) error {
	senders := senderGroup{address: b.stub.listener.Addr().String(), kind: created, next: &b.number}
	sent, elapsed, err := senders.burst(ctx, 64, math.MaxInt, p.Window/4)
	if err != nil {
		return err
	}
	report.SenderPerSecond = perSecond(sent, elapsed)
	report.SyncMicros, err = syncTime(filepath.Join(b.folder, "sync"))
	return err
}

// syncTime returns the median time, in microseconds, to make 4 KB durable.
func syncTime(path string) (micros float64, err error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var all []float64
	for range 30 {
		start := time.Now()
		if _, err := f.Write(make([]byte, 4<<10)); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		all = append(all, float64(time.Since(start).Microseconds()))
	}
	return median(all), nil
}

// accepts measures how many events are acknowledged. Their runs stay queued.
func (b *bench) accepts(ctx context.Context, p plan, report *Report) error {
	return b.with(ctx, b.newFolder(), func(r *instance) error {
		for _, senders := range p.Senders {
			if _, _, err := b.senders(r, queued).burst(ctx, senders, warmUpRuns, p.Window); err != nil {
				return err
			}
			sent, elapsed, err := b.senders(r, queued).burst(ctx, senders, math.MaxInt, p.Window)
			if err != nil {
				return err
			}
			report.AcceptsPerSecond[senders] = perSecond(sent, elapsed)
		}
		return nil
	})
}

// wholeRuns measures how many runs end.
func (b *bench) wholeRuns(ctx context.Context, p plan, report *Report) error {
	return b.with(ctx, b.newFolder(), func(r *instance) error {
		orders, err := b.warmUp(ctx, r, p.Window)
		if err != nil {
			return err
		}
		for _, senders := range p.Senders {
			var rates []float64
			for range p.Rounds {
				sent, elapsed, err := b.runs(ctx, r, senders, orders, p.Window)
				if err != nil {
					return err
				}
				rates = append(rates, perSecond(sent, elapsed))
			}
			report.RunsPerSecond[senders] = median(rates)
		}
		return nil
	})
}

// firstCall measures the time from a post to its run's first call, at a steady
// rate far below the maximum of an engine.
func (b *bench) firstCall(ctx context.Context, p plan, report *Report) error {
	return b.with(ctx, b.newFolder(), func(r *instance) error {
		if _, err := b.warmUp(ctx, r, p.Window); err != nil {
			return err
		}
		times, err := b.steady(ctx, r, p.Steady)
		if err != nil {
			return err
		}
		slices.Sort(times)
		report.FirstCall = Percentiles{P50: quantile(times, 0.5), P99: quantile(times, 0.99)}
		return nil
	})
}

// steady posts n orders at the steady rate and returns, in milliseconds, the
// time from each post to the first call.
func (b *bench) steady(ctx context.Context, r *instance, n int) ([]float64, error) {
	posted, reached := make([]time.Time, n), make([]atomic.Int64, n) // reached: nanoseconds since posted
	base := b.number.Add(int64(n)) - int64(n) + 1
	arrived := func(number int64) {
		if i := number - base; i >= 0 && i < int64(n) {
			reached[i].Store(int64(time.Since(posted[i])))
		}
	}
	b.stub.arrived.Store(&arrived)
	defer b.stub.arrived.Store(nil)
	calls := b.stub.calls.Load()

	senders, err := b.senders(r, created).dial(ctx, 32)
	if err != nil {
		return nil, err
	}
	defer closeAll(senders)
	free, failed := make(chan *sender, len(senders)), make(chan error, n)
	for _, s := range senders {
		free <- s
	}
	start := time.Now()
	for i := range n {
		select {
		case <-time.After(time.Until(start.Add(time.Duration(i) * time.Second / rate))):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		s := <-free
		go func() {
			posted[i] = time.Now()
			failed <- s.post(base + int64(i))
			free <- s
		}()
	}
	for range n {
		if err := <-failed; err != nil {
			return nil, err
		}
	}
	for range senders {
		<-free
	}
	if err := b.stub.await(ctx, calls+2*int64(n)); err != nil {
		return nil, err
	}
	times := make([]float64, n)
	for i := range times {
		times[i] = float64(reached[i].Load()) / float64(time.Millisecond)
	}
	return times, r.idle(ctx)
}

// parked measures the memory and the time of a start with many parked runs, and
// of one with none.
func (b *bench) parked(ctx context.Context, p plan, report *Report) error {
	full, empty := b.newFolder(), b.newFolder()
	err := b.with(ctx, full, func(r *instance) error {
		limit, err := b.warmUp(ctx, r, p.ParkedTime)
		if err != nil {
			return err
		}
		report.Parked, _, err = b.work(ctx, r, parked, 64, min(p.Parked, limit), p.ParkedTime)
		return err
	})
	if err != nil {
		return err
	}
	memory, times := map[string][]float64{}, map[string][]float64{}
	for range starts {
		for _, data := range []string{empty, full} {
			start := time.Now()
			err := b.with(ctx, data, func(*instance) error {
				times[data] = append(times[data], float64(time.Since(start).Microseconds())/1000)
				memory[data] = append(memory[data], float64(resident()))
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	report.StartMillis = median(times[full])
	report.ParkedBytes = max(0, (median(memory[full])-median(memory[empty]))/float64(report.Parked))
	return nil
}

// starts is how often each of two engines is started, in alternation.
const starts = 3

// history compares an engine with many old runs in the file with one that has
// none.
func (b *bench) history(ctx context.Context, p plan, report *Report) error {
	old, empty := b.newFolder(), b.newFolder()
	var err error
	if report.History, err = b.addHistory(ctx, old, p.History, p.HistoryTime); err != nil {
		return err
	}
	return b.with(ctx, old, func(withOld *instance) error {
		return b.with(ctx, empty, func(withNone *instance) error {
			ratios, err := b.compare(ctx, p, withOld, withNone)
			report.HistoryRatio = median(ratios)
			return err
		})
	})
}

// compare returns ratios of the runs per second of two engines. They are measured
// in alternation, so that other work on the machine slows down both.
func (b *bench) compare(ctx context.Context, p plan, one, other *instance) (ratios []float64, err error) {
	orders := math.MaxInt
	for _, r := range []*instance{one, other} {
		limit, err := b.warmUp(ctx, r, p.Window)
		if err != nil {
			return nil, err
		}
		orders = min(orders, limit)
	}
	for round := range p.HistoryRounds {
		sequence := []*instance{one, other}
		if round%2 == 1 {
			slices.Reverse(sequence)
		}
		rates := map[*instance]float64{}
		for _, r := range sequence {
			sent, elapsed, err := b.runs(ctx, r, 64, orders, p.Window)
			if err != nil {
				return nil, err
			}
			rates[r] = perSecond(sent, elapsed)
		}
		ratios = append(ratios, rates[one]/rates[other])
	}
	return ratios, nil
}

func perSecond(n int, elapsed time.Duration) float64 { return float64(n) / elapsed.Seconds() }

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return quantile(sorted, 0.5)
}

// quantile returns the value below which that part of the sorted values is.
func quantile(sorted []float64, part float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(part*float64(len(sorted))), len(sorted)-1)]
}
