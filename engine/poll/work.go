package poll

import (
	"context"
	"errors"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/panics"
)

const (
	// requestGap is how long after a scan requests are collected for the next.
	requestGap = 2 * time.Second
	// firstBackoff and lastBackoff bound the wait after a failure, which
	// doubles each time.
	firstBackoff = time.Minute
	lastBackoff  = time.Hour
	// brokenRetry is how often a broken connection is tried.
	brokenRetry = 15 * time.Minute
	// jitter is the random part of an interval, more or less.
	jitter = 0.1
)

// work makes the scans of one connection, one after the other.
func (p *Poller) work(ctx context.Context, connection string) {
	wake := p.index.wakeup(connection)
	for {
		sc, wait := p.due(connection)
		if sc != nil {
			found, err := 0, sc.stopped()
			if err == nil {
				err = panics.Catch(p.config.Log, "a poll of "+connection, func() error {
					found, err = sc.run(ctx)
					return err
				})
			}
			if ctx.Err() != nil {
				return
			}
			p.done(sc, found, err)
			continue
		}
		timer, stop := p.clock.Timer(min(wait, maxSleep))
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

// due begins the scan that is due first, or returns how long until one is.
func (p *Poller) due(connection string) (*scan, time.Duration) {
	p.index.mu.Lock()
	defer p.index.mu.Unlock()
	now := p.clock.Now()
	first, at := p.index.first(connection)
	switch {
	case first == nil:
		return nil, maxSleep
	case at.After(now):
		return nil, at.Sub(now)
	}
	return p.begin(first, now), 0
}

// begin makes a scan of a job: of all items, if it is due, or of those that were
// requested. The caller has locked p.index.mu.
func (p *Poller) begin(j *job, now time.Time) *scan {
	requested := j.requested
	j.requested = nil
	if sc := j.scan; sc != nil {
		j.scan = nil
		sc.conn, sc.poll, sc.modes = j.conn, j.poll, j.modes
		return sc
	}
	sc := newScan(p, j, now)
	if j.next.After(now) && !requested[""] {
		sc.only = requested
	}
	return sc
}

// done records how a scan ended, and when the next is due.
func (p *Poller) done(sc *scan, found int, err error) {
	p.index.mu.Lock()
	defer p.index.mu.Unlock()
	j, now := sc.job, p.clock.Now()
	j.found = found
	if err == nil {
		if j.failures > 0 {
			p.config.Log.Info("a poll works again", "connection", j.key.Connection, "poll", j.key.Poll, "failed", now.Sub(j.failing).Round(time.Second))
		}
		j.failures, j.problem, j.failing = 0, "", time.Time{}
		j.scanned = now
		p.config.Log.Debug("list read", "connection", j.key.Connection, "poll", j.key.Poll, "found", found)
		if sc.only == nil {
			j.next = now.Add(p.jittered(j.every))
		}
		return
	}
	if j.failures++; j.failures == 1 {
		j.failing = now
	}
	if panicked := (*panics.Error)(nil); sc.resumable() && !errors.As(err, &panicked) { // else from the start
		j.scan = sc
	}
	wait := p.backoff(j, err)
	if j.failures == 1 { // once, however long it lasts
		p.config.Log.Warn("a poll fails; it is tried again", "connection", j.key.Connection, "poll", j.key.Poll, "in", wait.Round(time.Second), "error", err)
	}
	j.problem, j.next, j.stopped = err.Error(), now.Add(wait), sc.conn.Problem() != nil
}

// stopped returns an error for a connection that is known to be broken.
func (sc *scan) stopped() error {
	if broken := sc.conn.Problem(); broken != nil {
		return broken
	}
	return nil
}

// backoff is how long to wait after a failure.
func (p *Poller) backoff(j *job, err error) time.Duration {
	var limited *limitedError
	var problem *bindings.Error
	switch {
	case errors.As(err, &limited) && limited.after > 0:
		// A little later than the vendor requires, and never earlier.
		return limited.after + time.Duration(p.index.config.Random()*float64(min(limited.after/10, 10*time.Second)))
	case errors.As(err, &problem) && problem.Kind == bindings.BrokenConnection:
		return p.jittered(max(j.every, brokenRetry))
	}
	wait := min(j.every, firstBackoff)
	for range min(j.failures-1, 20) {
		wait = min(2*wait, lastBackoff)
	}
	return p.jittered(wait)
}

func (p *Poller) jittered(d time.Duration) time.Duration {
	return d + time.Duration((2*p.index.config.Random()-1)*jitter*float64(d))
}
