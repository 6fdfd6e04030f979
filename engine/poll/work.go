package poll

import (
	"context"
	"errors"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

const (
	// nudgeGap is how long after a look nudges are gathered for the next.
	nudgeGap = 2 * time.Second
	// firstBackoff and lastBackoff bound the wait after a failure, which
	// doubles each time.
	firstBackoff = time.Minute
	lastBackoff  = time.Hour
	// mendEvery is how often a broken connection is tried.
	mendEvery = 15 * time.Minute
	// jitter is by how much of it an interval is off, either way.
	jitter = 0.1
)

// work makes the looks of one connection, one after the other.
func (p *Poller) work(ctx context.Context, connection string) {
	wake := p.wakeup(connection)
	for {
		l, wait := p.due(connection)
		if l != nil {
			found, err := 0, l.stopped()
			if err == nil {
				found, err = l.run(ctx)
			}
			if ctx.Err() != nil {
				return
			}
			p.done(l, found, err)
			continue
		}
		timer, stop := p.Timer(min(wait, nap))
		select {
		case <-ctx.Done():
			stop()
			return
		case <-wake:
			stop()
		case <-timer:
		}
	}
}

// due begins the look that is due first, or tells how long until one is.
func (p *Poller) due(connection string) (*look, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.Now()
	var first *job
	var at time.Time
	for key, j := range p.jobs {
		if key.Connection != connection {
			continue
		}
		due := j.next
		if len(j.nudged) > 0 && j.failures == 0 {
			if soon := j.looked.Add(nudgeGap); soon.Before(due) {
				due = soon
			}
		}
		if first == nil || due.Before(at) || due.Equal(at) && key.Poll < first.key.Poll {
			first, at = j, due
		}
	}
	switch {
	case first == nil:
		return nil, nap
	case at.After(now):
		return nil, at.Sub(now)
	}
	return p.begin(first, now), 0
}

// begin makes a look of a job: at all there is, if it is time for that, or at
// what it was nudged about. The lock is held.
func (p *Poller) begin(j *job, now time.Time) *look {
	nudged := j.nudged
	j.nudged = nil
	if l := j.look; l != nil {
		j.look = nil
		l.conn, l.poll, l.modes = j.conn, j.poll, j.modes
		return l
	}
	l := newLook(p, j, now)
	if j.next.After(now) && !nudged[""] {
		l.only = nudged
	}
	return l
}

// done notes how a look ended, and when the next is due.
func (p *Poller) done(l *look, found int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	j, now := l.job, p.Now()
	j.found = found
	if err == nil {
		if j.failures > 0 {
			p.Log.Info("a poll works again", "connection", j.key.Connection, "poll", j.key.Poll, "failed", now.Sub(j.failing).Round(time.Second))
		}
		j.failures, j.problem, j.failing = 0, "", time.Time{}
		j.looked = now
		p.Log.Debug("looked at a list", "connection", j.key.Connection, "poll", j.key.Poll, "found", found)
		if l.only == nil {
			j.next = now.Add(p.jittered(j.every))
		}
		return
	}
	if j.failures++; j.failures == 1 {
		j.failing = now
	}
	if l.goesOn() {
		j.look = l
	}
	wait := p.backoff(j, err)
	if j.failures == 1 { // once, however long it lasts
		p.Log.Warn("a poll fails; it is tried again", "connection", j.key.Connection, "poll", j.key.Poll, "in", wait.Round(time.Second), "error", err)
	}
	j.problem, j.next, j.stopped = err.Error(), now.Add(wait), l.conn.Problem() != nil
}

// stopped refuses to look by a connection of which is known that it is broken.
func (l *look) stopped() error {
	if broken := l.conn.Problem(); broken != nil {
		return broken
	}
	return nil
}

// backoff says how long to wait after a failure.
func (p *Poller) backoff(j *job, err error) time.Duration {
	var limited *limitedError
	var problem *bindings.Error
	switch {
	case errors.As(err, &limited) && limited.after > 0:
		// A little later than the vendor wants, and never earlier.
		return limited.after + time.Duration(p.Random()*float64(min(limited.after/10, 10*time.Second)))
	case errors.As(err, &problem) && problem.Kind == bindings.BrokenConnection:
		return p.jittered(max(j.every, mendEvery))
	}
	wait := min(j.every, firstBackoff)
	for range min(j.failures-1, 20) {
		wait = min(2*wait, lastBackoff)
	}
	return p.jittered(wait)
}

func (p *Poller) jittered(d time.Duration) time.Duration {
	return d + time.Duration((2*p.Random()-1)*jitter*float64(d))
}
