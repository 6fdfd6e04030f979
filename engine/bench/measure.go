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

// ground measures senders and disk without an engine.
func (b *bench) ground(ctx context.Context, p plan, report *Report) error {
	senders := fleet{address: b.stub.listener.Addr().String(), kind: created, next: &b.number}
	sent, took, err := senders.burst(ctx, 64, math.MaxInt, p.Window/4)
	if err != nil {
		return err
	}
	report.SenderPerSecond = perSecond(sent, took)
	report.SyncMicros, err = syncTime(filepath.Join(b.folder, "sync"))
	return err
}

// syncTime is the median time that it takes to make 4 KB durable.
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
	return b.with(ctx, b.newFolder(), func(r *rig) error {
		for _, senders := range p.Senders {
			if _, _, err := b.fleet(r, held).burst(ctx, senders, warmUp, p.Window); err != nil {
				return err
			}
			sent, took, err := b.fleet(r, held).burst(ctx, senders, math.MaxInt, p.Window)
			if err != nil {
				return err
			}
			report.AcceptsPerSecond[senders] = perSecond(sent, took)
		}
		return nil
	})
}

// wholeRuns measures how many events are worked off.
func (b *bench) wholeRuns(ctx context.Context, p plan, report *Report) error {
	return b.with(ctx, b.newFolder(), func(r *rig) error {
		orders, err := b.warm(ctx, r, p.Window)
		if err != nil {
			return err
		}
		for _, senders := range p.Senders {
			var rates []float64
			for range p.Rounds {
				sent, took, err := b.runs(ctx, r, senders, orders, p.Window)
				if err != nil {
					return err
				}
				rates = append(rates, perSecond(sent, took))
			}
			report.RunsPerSecond[senders] = median(rates)
		}
		return nil
	})
}

// firstCall measures the time from a post to its run's first call, at a steady
// rate that is far from what the engine can do.
func (b *bench) firstCall(ctx context.Context, p plan, report *Report) error {
	return b.with(ctx, b.newFolder(), func(r *rig) error {
		if _, err := b.warm(ctx, r, p.Window); err != nil {
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

// steady posts n orders at the steady rate and gives, in milliseconds, how
// long each took to its first call.
func (b *bench) steady(ctx context.Context, r *rig, n int) ([]float64, error) {
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

	senders, err := b.fleet(r, created).dial(ctx, 32)
	if err != nil {
		return nil, err
	}
	defer hangUp(senders)
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

// parked measures what many runs that wait cost in memory and at a start,
// against a start with none.
func (b *bench) parked(ctx context.Context, p plan, report *Report) error {
	full, empty := b.newFolder(), b.newFolder()
	err := b.with(ctx, full, func(r *rig) error {
		most, err := b.warm(ctx, r, p.Parking)
		if err != nil {
			return err
		}
		report.Parked, _, err = b.work(ctx, r, parked, 64, min(p.Parked, most), p.Parking)
		return err
	})
	if err != nil {
		return err
	}
	memory, starts := map[string][]float64{}, map[string][]float64{}
	for range starting {
		for _, data := range []string{empty, full} {
			start := time.Now()
			err := b.with(ctx, data, func(*rig) error {
				starts[data] = append(starts[data], float64(time.Since(start).Microseconds())/1000)
				memory[data] = append(memory[data], float64(resident()))
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	report.StartMillis = median(starts[full])
	report.ParkedBytes = max(0, (median(memory[full])-median(memory[empty]))/float64(report.Parked))
	return nil
}

// starting is how often each of two engines is started, by turns.
const starting = 3

// history measures what old runs in the file cost, by turns with an engine
// that has none.
func (b *bench) history(ctx context.Context, p plan, report *Report) error {
	old, empty := b.newFolder(), b.newFolder()
	var err error
	if report.History, err = b.age(ctx, old, p.History, p.Aging); err != nil {
		return err
	}
	return b.with(ctx, old, func(oldRig *rig) error {
		return b.with(ctx, empty, func(emptyRig *rig) error {
			ratios, err := b.compare(ctx, p, oldRig, emptyRig)
			report.HistoryRatio = median(ratios)
			return err
		})
	})
}

// compare gives how many runs per second one engine ends for each that the
// other does, measured by turns, so that what else the machine does meets both.
func (b *bench) compare(ctx context.Context, p plan, one, other *rig) (ratios []float64, err error) {
	orders := math.MaxInt
	for _, r := range []*rig{one, other} {
		most, err := b.warm(ctx, r, p.Window)
		if err != nil {
			return nil, err
		}
		orders = min(orders, most)
	}
	for round := range p.HistoryRounds {
		turns := []*rig{one, other}
		if round%2 == 1 {
			slices.Reverse(turns)
		}
		rates := map[*rig]float64{}
		for _, r := range turns {
			sent, took, err := b.runs(ctx, r, 64, orders, p.Window)
			if err != nil {
				return nil, err
			}
			rates[r] = perSecond(sent, took)
		}
		ratios = append(ratios, rates[one]/rates[other])
	}
	return ratios, nil
}

func perSecond(n int, took time.Duration) float64 { return float64(n) / took.Seconds() }

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return quantile(sorted, 0.5)
}

// quantile is the value below which that part of the sorted values lies.
func quantile(sorted []float64, part float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(part*float64(len(sorted))), len(sorted)-1)]
}
