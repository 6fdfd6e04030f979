package schedule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/panics"
	"github.com/tidewire/tidewire/engine/script"
)

const (
	// maxWait bounds a wait, as timers do not follow a clock that is set and do
	// not count the time that the machine sleeps.
	maxWait = 30 * time.Second
	// maxAhead is how far in the future a stored tick can be. One further ahead
	// was stored while the clock was wrong, and is ignored.
	maxAhead        = 48 * time.Hour
	firstRetryDelay = time.Second
	maxRetryDelay   = 30 * time.Second
)

// Config makes a Scheduler. Generation and Accept are required.
type Config struct {
	Generation func() *script.Generation
	// Accept stores a tick and returns when that is durable. It is called for
	// several schedules at once.
	Accept func(context.Context, journal.Arrival) error
	// Last returns the last stored tick of a schedule, zero if there is none; nil
	// means that there are none.
	Last  func(ctx context.Context, script, hook string) (time.Time, error)
	Clock clock.Clock // nil means the machine's
	Log   *slog.Logger
}

// Scheduler fires schedules. Make one with New.
type Scheduler struct {
	config Config
	plans  map[key]*plan
	retry  time.Duration // the last wait after a tick that could not be stored
	ended  bool          // the journal cannot be written any more
}

type key struct{ script, hook string }

// plan is a schedule with its next ticks.
type plan struct {
	script.Schedule
	missed []time.Time // ticks that were missed and are to be fired, oldest first
	after  time.Time   // ticks up to this time are fired, dropped or in missed
	next   time.Time   // the next tick, zero if there is none
}

// New makes a scheduler; it starts nothing.
func New(c Config) *Scheduler {
	c.Clock = clock.Wall(clock.OrSystem(c.Clock))
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Scheduler{config: c}
}

// Run fires ticks until ctx is done. After journal.ErrReplaced and journal.ErrFenced it
// fires no more.
func (s *Scheduler) Run(ctx context.Context) error {
	for {
		generation := s.config.Generation()
		now := s.config.Clock.Now()
		if err := s.update(ctx, generation.Schedules(), now); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		wait := s.fire(ctx, now)
		if s.ended {
			<-ctx.Done()
			return nil
		}
		timer, stop := s.config.Clock.Timer(wait)
		select {
		case <-ctx.Done():
			stop()
			return nil
		case <-generation.Replaced():
			stop()
		case <-timer:
		}
	}
}

// update makes plans of new schedules and removes those of schedules that are
// gone.
func (s *Scheduler) update(ctx context.Context, schedules []script.Schedule, now time.Time) error {
	plans := make(map[key]*plan, len(schedules))
	for _, schedule := range schedules {
		k := key{schedule.Hook.Script, schedule.Hook.Name}
		p := s.plans[k]
		switch {
		case p == nil:
			last, err := s.last(ctx, k)
			if err != nil {
				return err
			}
			p = &plan{Schedule: schedule, after: now}
			s.catchUp(p, last, now)
			if ahead := last.Sub(now); ahead > 0 && ahead <= maxAhead {
				p.after = last
			}
		case p.Timetable.String() != schedule.Timetable.String() || p.Timetable.Zone().String() != schedule.Timetable.Zone().String():
			p = &plan{Schedule: schedule, after: now}
		case p.after.Sub(now) > maxAhead:
			p.after = now
		}
		p.Schedule = schedule
		p.next = p.Timetable.Next(p.after)
		plans[k] = p
	}
	s.plans = plans
	return nil
}

func (s *Scheduler) last(ctx context.Context, k key) (time.Time, error) {
	if s.config.Last == nil {
		return time.Time{}, nil
	}
	last, err := s.config.Last(ctx, k.script, k.hook)
	if err != nil {
		return last, fmt.Errorf("find the last tick of %q in %q: %w", k.hook, k.script, err)
	}
	return last, nil
}

// fire passes the ticks that are due to Accept and returns the time to wait
// until the next one.
func (s *Scheduler) fire(ctx context.Context, now time.Time) time.Duration {
	var group sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for _, p := range s.plans {
		due := s.due(p, now)
		if len(due) == 0 {
			continue
		}
		group.Go(func() {
			err := panics.Catch(s.config.Log, "the schedule "+p.Hook.Name+" of "+p.Hook.Script, func() error { return s.accept(ctx, p, due, now) })
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed = errors.Join(failed, fmt.Errorf("%s of %s: %w", p.Hook.Name, p.Hook.Script, err))
			}
		})
	}
	group.Wait()
	wait := maxWait
	switch {
	case failed == nil || ctx.Err() != nil:
		s.retry = 0
	case errors.Is(failed, journal.ErrReplaced), errors.Is(failed, journal.ErrFenced):
		s.config.Log.Error("schedule ticks could not be stored; there are none until the engine is started again", "error", failed)
		s.ended = true
	default:
		s.retry = min(max(2*s.retry, firstRetryDelay), maxRetryDelay)
		wait = s.retry
		s.config.Log.Error("schedule ticks could not be stored; they are tried again", "in", s.retry, "error", failed)
	}
	later := s.config.Clock.Now() // time passes while Accept stores the ticks
	for _, p := range s.plans {
		if p.next.After(now) {
			wait = min(wait, p.next.Sub(later))
		}
	}
	return max(wait, 0)
}

// due returns the ticks of a plan to be fired now: the missed ones, then the
// latest that came due.
func (s *Scheduler) due(p *plan, now time.Time) []time.Time {
	if p.next.IsZero() || p.next.After(now) {
		return p.missed
	}
	tick, before := latest(p.Timetable, p.after, now)
	if before != 0 {
		s.config.Log.Warn("schedule passed over ticks that came due together; only the latest runs", "script", p.Hook.Script,
			"hook", p.Hook.Name, "passed_over", before.plus(0), "latest", tick.Format(time.RFC3339))
	}
	return append(slices.Clone(p.missed), tick)
}

// accept passes ticks to Accept in order until one cannot be stored. Those that
// were stored leave the plan.
func (s *Scheduler) accept(ctx context.Context, p *plan, due []time.Time, now time.Time) error {
	for _, tick := range due {
		if err := s.config.Accept(ctx, s.arrival(p, tick, now)); err != nil {
			return err
		}
		if len(p.missed) > 0 {
			p.missed = p.missed[1:]
			continue
		}
		p.after = tick
		p.next = p.Timetable.Next(tick)
	}
	return nil
}

func (s *Scheduler) arrival(p *plan, tick, now time.Time) journal.Arrival {
	utc := tick.UTC()
	data, err := json.Marshal(struct {
		Tick     string `json:"tick"`  // in UTC
		Local    string `json:"local"` // in the schedule's zone
		TZ       string `json:"tz"`
		Schedule string `json:"schedule"`
	}{utc.Format(time.RFC3339), tick.Format(time.RFC3339), p.Timetable.Zone().String(), p.Timetable.String()})
	if err != nil {
		panic(err) // cannot be: a struct of four strings
	}
	return journal.Arrival{
		Event: journal.Event{
			ID:   fmt.Sprintf("schedule:%s:%s:%s", p.Hook.Script, p.Hook.Name, utc.Format(time.RFC3339)),
			Type: "every", Source: journal.Schedule, Time: utc, Data: data, Received: now.UTC(),
		},
		Hooks: []*journal.Hook{p.Hook},
		Tick:  utc,
	}
}
