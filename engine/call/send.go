package call

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// delivery is a job while it is sent.
type delivery struct {
	client   *Client
	job      *job
	started  time.Time
	patience time.Duration   // what is left of it
	state    SendState       // of all sendings so far
	failures int             // that make the next wait longer
	last     *bindings.Error // that of the sending before; empty if there was none
	answer   Answer
}

// send sends a job until it is decided, or may not be sent again.
func (c *Client) send(ctx context.Context, j *job) (Answer, error) {
	d := &delivery{client: c, job: j, started: c.Now(), patience: c.Patience, state: j.state, last: &bindings.Error{}}
	over, err := false, error(nil)
	for !over && err == nil {
		over, err = d.sendOnce(ctx)
	}
	d.answer.Took = c.Now().Sub(d.started)
	return d.answer, err
}

// sendOnce sends the request once and does what the rules say. If the call is
// not over, it has waited for the next sending.
func (d *delivery) sendOnce(ctx context.Context) (over bool, err error) {
	c, j := d.client, d.job
	token, err := d.prepare(ctx)
	if err != nil {
		return true, err
	}
	at := c.Now()
	if err := j.begin(ctx, at); err != nil {
		return true, err
	}
	out := c.once(ctx, j)
	d.note(out, at)
	r := d.receive(ctx, out, token)
	v := d.verdict(r.class)
	d.state = max(d.state, v.state)
	wait, again := d.again(v, r)
	if !again {
		err = d.conclude(v, r)
	}
	if v.end != giveCause {
		c.observe(ctx, j, d.answer, again, err, c.Now().Sub(at))
	}
	if d.state < MaybeDone {
		if err := j.withdraw(context.WithoutCancel(ctx)); err != nil {
			return true, err
		}
	}
	if !again {
		return true, err
	}
	d.last = r.err
	return false, d.sleep(ctx, wait, "")
}

// verdict is what follows from an answer now.
func (d *delivery) verdict(answer answerClass) verdict {
	return verdictOf(answer, d.state, d.job.safetyAt(d.client.Now()))
}

// prepare waits until the request may leave, and authorises it.
func (d *delivery) prepare(ctx context.Context) (token string, err error) {
	if !d.verdict(ready).send {
		return "", d.job.uncertain(d.last, "the time in which its key is trusted is over")
	}
	if err := d.admit(ctx); err != nil {
		return "", err
	}
	return d.authorize(ctx)
}

// note adds a sending to the answer.
func (d *delivery) note(out outcome, at time.Time) {
	d.answer.Attempts++
	d.answer.Status, d.answer.header = out.status, out.header
	if j := d.job; out.header != nil && j.app != nil {
		d.answer.RequestID = requestID(j.app, out.header)
		d.client.limits.learn(j.limits, j.app.Errors, out.header, at)
	}
}

// again reports whether the request is sent again, and after what wait.
func (d *delivery) again(v verdict, r reply) (time.Duration, bool) {
	if !v.send {
		return 0, false
	}
	c := d.client
	wait := d.pause(r)
	if late := c.Now().Sub(d.started)+wait > d.job.timeout+c.Patience; !late && d.answer.Attempts < c.Sendings && wait <= d.patience {
		return wait, true
	}
	if r.class == rateLimited {
		d.answer.RetryAfter = wait
	}
	return 0, false
}

// conclude gives what the call ends with.
func (d *delivery) conclude(v verdict, r reply) error {
	switch v.end {
	case giveAnswer:
		d.answer.Body = r.body
		return nil
	case giveUncertain:
		return d.job.uncertain(r.err, r.text())
	case giveCause:
		return fmt.Errorf("%s: %w", d.job.name(), r.cause)
	}
	return r.err
}

// text is how an uncertain error begins.
func (r reply) text() string {
	if r.class == gatewayDown || r.class == serverFailed {
		return fmt.Sprintf("it answered %d", r.err.Status)
	}
	return r.err.Message
}

// refuse gives the error of a request that does not leave.
func (d *delivery) refuse(answer answerClass, e *bindings.Error) error {
	return d.conclude(d.verdict(answer), reply{class: answer, err: e})
}

// admit waits for the rate limit.
func (d *delivery) admit(ctx context.Context) error {
	c, j := d.client, d.job
	if c.Unlimited || len(j.limits) == 0 {
		return nil
	}
	place := c.limits.join(j.who, j.limits)
	defer c.limits.leave(place)
	for now := c.Now(); ; {
		wait, short := c.limits.turn(place, now)
		if short == nil {
			return nil
		}
		if wait > d.patience {
			d.answer.RetryAfter = wait
			return d.refuse(limitReached, d.limitError(short.limit, wait))
		}
		if err := d.sleep(ctx, wait, "wait for the rate limit: "); err != nil {
			return err
		}
		// Whoever came meanwhile may have an earlier turn.
		if now = now.Add(wait); c.Now().After(now) {
			now = c.Now()
		}
	}
}

func (d *delivery) limitError(limit bindings.Limit, wait time.Duration) *bindings.Error {
	j := d.job
	if limit.Requests == 0 || wait > limit.Per {
		return j.fail(bindings.RateLimited, true, "%s wants no request for another %s%s", j.app.Name, rounded(wait), d.unsent())
	}
	return j.fail(bindings.RateLimited, true, "the %d requests in %s that %s allows are used up for another %s%s",
		limit.Requests, limit.Per, j.app.Name, rounded(wait), d.unsent())
}

// authorize sets the header that authorises the job, and asks again for a
// token that cannot be had at the moment. An error of the connection gets the
// operation's name.
func (d *delivery) authorize(ctx context.Context) (string, error) {
	c, j := d.client, d.job
	if j.authorize == nil {
		return "", nil
	}
	for asked := 1; ; asked++ {
		token, err := j.authorize(ctx, j.wire.header)
		var e *bindings.Error
		switch {
		case err == nil:
			return token, nil
		case !errors.As(err, &e):
			return "", fmt.Errorf("%s: %w", j.name(), err)
		}
		wait := d.backoff(firstWait)
		if !e.Retryable || asked >= c.Sendings || wait > d.patience {
			named := *e
			named.Operation = j.operation
			return "", d.refuse(noTokenClass(e.Kind), &named)
		}
		if err := d.sleep(ctx, wait, "wait for a token: "); err != nil {
			return "", err
		}
	}
}

// sleep waits, at the expense of the call's patience.
func (d *delivery) sleep(ctx context.Context, wait time.Duration, why string) error {
	if wait <= 0 {
		return nil
	}
	d.patience -= wait
	if err := d.client.Sleep(ctx, wait); err != nil {
		return fmt.Errorf("%s: %s%w", d.job.name(), why, err)
	}
	return nil
}

// unsent says what it means that a request did not leave.
func (d *delivery) unsent() string {
	if d.state >= MaybeDone {
		return "; an earlier sending of the same request may have been done"
	}
	return "; it was not sent"
}
