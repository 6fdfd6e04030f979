package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"
)

// Config says how to measure.
type Config struct {
	// Quick measures with smaller counts, within QuickBound.
	Quick bool
	// Dir is where the temporary folder is made; empty means the system's
	// place for them. What it takes to make a write durable is that of its disk.
	Dir string
	// Log is the engines'; nil means that nothing is logged.
	Log *slog.Logger
	// Progress, if set, is told what is measured next.
	Progress func(string)
}

// QuickBound is when a quick measurement has ended, or gives up.
const QuickBound = 45 * time.Second

// fullBound is when any measurement gives up.
const fullBound = 10 * time.Minute

// plan is how much is measured.
type plan struct {
	Senders []int
	// Window is the time of one measurement, Rounds how often each rate of
	// runs is measured.
	Window time.Duration
	Rounds int
	// Steady posts are made at rate.
	Steady int
	// Parked runs, or as many as can be made in the time of Parking.
	Parked  int
	Parking time.Duration
	// History is how many old runs there are, or as many as can be made in
	// the time of Aging.
	History       int
	Aging         time.Duration
	HistoryRounds int
}

// rate is the steady one, per second.
const rate = 200

func (c Config) plan() plan {
	p := plan{
		Senders: []int{1, 16, 64, 256}, Window: 3 * time.Second, Rounds: 3,
		Steady: 3_000, Parked: 100_000, Parking: 2 * time.Minute,
		History: 1_000_000, Aging: 3 * time.Minute, HistoryRounds: 5,
	}
	if c.Quick {
		p.Window, p.Rounds, p.Steady = 700*time.Millisecond, 1, 800
		p.Parked, p.Parking = 10_000, 5*time.Second
		p.History, p.Aging, p.HistoryRounds = 100_000, 6*time.Second, 3
	}
	return p
}

// Run measures, and leaves nothing behind.
func Run(ctx context.Context, c Config) (Report, error) {
	bound := fullBound
	if c.Quick {
		bound = QuickBound
	}
	ctx, cancel := context.WithTimeoutCause(ctx, bound, fmt.Errorf("the measurement was not over after %s", bound))
	defer cancel()
	return run(ctx, c, c.plan())
}

func run(ctx context.Context, c Config, p plan) (report Report, err error) {
	b, err := open(ctx, c)
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	report = Report{
		Quick: c.Quick, Cores: runtime.GOMAXPROCS(0),
		System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(),
		AcceptsPerSecond: map[int]float64{}, RunsPerSecond: map[int]float64{},
	}
	for _, measure := range []struct {
		what string
		do   func(context.Context, plan, *Report) error
	}{
		{"what the rest stands on", b.ground},
		{"events accepted", b.accepts},
		{"whole runs", b.wholeRuns},
		{"the time to the first call", b.firstCall},
		{"runs that are parked", b.parked},
		{"runs beside a long history", b.history},
	} {
		if c.Progress != nil {
			c.Progress(measure.what)
		}
		if err := measure.do(ctx, p, &report); err != nil {
			if ctx.Err() != nil {
				err = context.Cause(ctx) // whatever it stopped
			}
			return Report{}, fmt.Errorf("measure %s: %w", measure.what, err)
		}
	}
	return report, nil
}
