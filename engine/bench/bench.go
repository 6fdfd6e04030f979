package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"
)

// Config describes a measurement.
type Config struct {
	// Quick measures with smaller counts, within QuickBound.
	Quick bool
	// Dir is where the temporary folder is made; empty means the system's
	// folder for them. The results depend on how fast its disk is.
	Dir string
	// Log is the logger of the engines; nil means that nothing is logged.
	Log *slog.Logger
	// Progress, if set, is called with the name of each part before it is
	// measured.
	Progress func(string)
}

// QuickBound is the time after which a quick measurement fails.
const QuickBound = 45 * time.Second

// fullBound is the time after which any measurement fails.
const fullBound = 10 * time.Minute

// plan is how much is measured.
type plan struct {
	Senders []int
	// Window is the time of one measurement, Rounds how often the rate of runs
	// is measured for each number of senders.
	Window time.Duration
	Rounds int
	// Steady is the number of posts that are made at rate.
	Steady int
	// Parked is the number of parked runs; fewer if that many cannot be made in
	// ParkedTime.
	Parked     int
	ParkedTime time.Duration
	// History is the number of old runs; fewer if that many cannot be made in
	// HistoryTime.
	History       int
	HistoryTime   time.Duration
	HistoryRounds int
}

// rate is that of the steady posts, per second.
const rate = 200

func (c Config) plan() plan {
	p := plan{
		Senders: []int{1, 16, 64, 256}, Window: 3 * time.Second, Rounds: 3,
		Steady: 3_000, Parked: 100_000, ParkedTime: 2 * time.Minute,
		History: 1_000_000, HistoryTime: 3 * time.Minute, HistoryRounds: 5,
	}
	if c.Quick {
		p.Window, p.Rounds, p.Steady = 700*time.Millisecond, 1, 800
		p.Parked, p.ParkedTime = 10_000, 5*time.Second
		p.History, p.HistoryTime, p.HistoryRounds = 100_000, 6*time.Second, 3
	}
	return p
}

// Run measures. It removes its temporary folder.
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
		{"the senders and the disk", b.baseline},
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
				err = context.Cause(ctx) // err is how one part of the work was stopped
			}
			return Report{}, fmt.Errorf("measure %s: %w", measure.what, err)
		}
	}
	return report, nil
}
