package call

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// delivery is a job while it is sent.
type delivery struct {
	client   *Client
	job      *job
	started  time.Time
	waitLeft time.Duration   // what is left of the client's MaxWait
	state    SendState       // of all sendings so far
	begun    bool            // there is a begun record of this call
	failures int             // that make the next wait longer
	lastErr  *bindings.Error // that of the sending before; empty if there was none
	reserved *waiter         // in the rate limits; nil: there are none
	target   Target
	pass     pass // of the circuit, for the present sending
	answer   Answer
}

// send sends a job until it is decided, or may not be sent again.
func (c *Client) send(ctx context.Context, j *job) (Answer, error) {
	d := &delivery{client: c, job: j, started: c.config.Clock.Now(), waitLeft: c.config.MaxWait, state: j.state, lastErr: &bindings.Error{}, target: j.target()}
	done, err := false, error(nil)
	for !done && err == nil {
		done, err = d.sendOnce(ctx)
	}
	return d.answer, err
}

// sendOnce sends the request once and applies the rules. If the call is not
// done, sendOnce has waited for the next sending.
func (d *delivery) sendOnce(ctx context.Context) (done bool, err error) {
	c, j := d.client, d.job
	token, err := d.prepare(ctx)
	if err != nil {
		return true, err
	}
	at := c.config.Clock.Now()
	reserved := d.reserved
	out := c.roundTrip(ctx, j, func() error {
		if err := c.config.MaySend(); err != nil {
			return fmt.Errorf("%s: %w", j.name(), err)
		}
		err := j.begin(ctx, at)
		c.limits.setSent(reserved, c.config.Clock.Now())
		return err
	})
	c.limits.setAnswered(reserved, c.config.Clock.Now())
	if out.beginErr != nil {
		c.circuits.end(d.target, d.pass, inconclusive, "")
		return true, out.beginErr
	}
	d.begun = d.begun || out.begun
	d.addSending(out, at)
	r := d.receive(ctx, out, token)
	c.circuits.end(d.target, d.pass, r.sendResult(), d.failureReason(r))
	v := d.decide(r.class)
	d.answer.SentBefore = d.state >= MaybeDone
	d.state = max(d.state, v.state)
	wait, again := d.resendAfter(v, r)
	if !again {
		err = d.finish(v, r)
	}
	if v.end != returnCause {
		refused := time.Duration(-1)
		if r.class == rateLimited {
			refused = max(wait, d.answer.RetryAfter)
		}
		c.observe(ctx, j, d.answer, out.timings, again, err, c.config.Clock.Now().Sub(at), refused)
	}
	if d.begun && d.state < MaybeDone {
		if err := j.withdraw(context.WithoutCancel(ctx)); err != nil {
			return true, err
		}
		d.begun = false
	}
	if !again {
		return true, err
	}
	d.lastErr = r.err
	return false, d.sleep(ctx, wait, waitForResend)
}

// decide returns the decision for an answer at this moment.
func (d *delivery) decide(answer answerClass) decision {
	return decide(answer, d.state, d.job.safetyAt(d.client.config.Clock.Now()))
}

// prepare waits until the request may be sent, and authorises it.
func (d *delivery) prepare(ctx context.Context) (token string, err error) {
	if !d.decide(ready).send {
		return "", d.job.uncertain(d.lastErr, "the time in which its key is trusted is over")
	}
	// Before the waits too, which would be for nothing.
	if open, _ := d.client.circuits.refusing(d.target); open != nil {
		return "", d.refuseByCircuit(open)
	}
	if err := d.admit(ctx); err != nil {
		return "", err
	}
	if token, err = d.authorize(ctx); err != nil {
		return "", err
	}
	var open *Circuit
	if d.pass, open = d.client.circuits.admit(d.target); open != nil {
		return "", d.refuseByCircuit(open)
	}
	return token, nil
}

// refuseByCircuit returns the error of a call that is not sent because a circuit
// is open.
func (d *delivery) refuseByCircuit(open *Circuit) error {
	d.answer.Refused = open
	return d.refuse(circuitOpen, d.job.errorf(bindings.Unavailable, true, "%s%s", open, d.unsentSuffix()))
}

// failureReason is why a sending failed, for the messages about its circuit.
func (d *delivery) failureReason(r reply) string {
	switch {
	case r.sendResult() != failed:
		return ""
	case r.class == gatewayDown:
		return fmt.Sprintf("it answered %d", r.err.Status)
	}
	return strings.TrimSuffix(r.err.Message, d.unsentSuffix())
}

// addSending adds a sending to the answer.
func (d *delivery) addSending(out result, at time.Time) {
	d.answer.Sendings++
	d.answer.Status, d.answer.header = out.status, out.header
	if j := d.job; out.header != nil && j.app != nil {
		d.answer.RequestID = requestID(j.app, out.header)
		arrived := at.Add(maxTransit)
		if now := d.client.config.Clock.Now(); now.Before(arrived) {
			arrived = now
		}
		d.client.limits.applyRemaining(j.limits, j.app.Errors, out.header, arrived)
	}
}

// resendAfter reports whether the request is sent again, and after what wait.
func (d *delivery) resendAfter(v decision, r reply) (time.Duration, bool) {
	if !v.send {
		return 0, false
	}
	c := d.client
	wait := d.waitBeforeNext(r)
	if late := c.config.Clock.Now().Sub(d.started)+wait > d.job.timeout+c.config.MaxWait; !late && d.answer.Sendings < c.config.MaxSendings && wait <= d.waitLeft {
		return wait, true
	}
	if r.class == rateLimited {
		d.answer.RetryAfter = wait
	}
	return 0, false
}

// finish returns the error that the call ends with; nil for an answer.
func (d *delivery) finish(v decision, r reply) error {
	switch v.end {
	case returnAnswer:
		d.answer.Body = r.body
		return nil
	case returnUncertain:
		return d.job.uncertain(r.err, r.uncertainText())
	case returnCause:
		return fmt.Errorf("%s: %w", d.job.name(), r.cause)
	}
	return r.err
}

// uncertainText is how an uncertain error begins.
func (r reply) uncertainText() string {
	if r.class == gatewayDown || r.class == serverFailed {
		return fmt.Sprintf("it answered %d", r.err.Status)
	}
	return r.err.Message
}

// refuse returns the error of a request that is not sent.
func (d *delivery) refuse(answer answerClass, e *bindings.Error) error {
	return d.finish(d.decide(answer), reply{class: answer, err: e})
}

// minLoggedWait is the shortest wait for a rate limit that is logged.
const minLoggedWait = time.Second

// admit waits for the rate limit.
func (d *delivery) admit(ctx context.Context) error {
	c, j := d.client, d.job
	if c.config.Unlimited || len(j.limits) == 0 {
		return nil
	}
	w := c.limits.enqueue(j.caller.Script, j.limits)
	defer c.limits.dequeue(w)
	logged := false
	for now := c.config.Clock.Now(); ; {
		short := c.limits.tryReserve(w, now)
		if short.budget == nil {
			d.reserved = w
			return nil
		}
		if short.wait > d.waitLeft {
			d.answer.RetryAfter, d.answer.LimitReached = short.wait, d.answer.Sendings == 0
			return d.refuse(limitReached, d.limitError(short))
		}
		if !logged && short.wait >= minLoggedWait {
			logged = true
			d.logLimit(ctx, short)
		}
		d.answer.LimitWait += short.wait
		if err := d.sleep(ctx, short.wait, short); err != nil {
			return err
		}
		// A call that came meanwhile may be before this one.
		if now = now.Add(short.wait); c.config.Clock.Now().After(now) {
			now = c.config.Clock.Now()
		}
	}
}

// limitError is the error of a call that would have to wait too long.
func (d *delivery) limitError(short shortage) *bindings.Error {
	j, limit := d.job, short.budget.limit
	switch {
	case short.paused || limit.Requests == 0:
		return j.errorf(bindings.RateLimited, true, "%s accepts no request for another %s%s", j.app.Name, rounded(short.wait), d.unsentSuffix())
	case short.ahead > 0:
		waited := ""
		if d.answer.LimitWait > 0 {
			waited = fmt.Sprintf(", after %s", rounded(d.answer.LimitWait))
		}
		return j.errorf(bindings.RateLimited, true, "%d calls wait before this one for the %d requests in %s that %s allows: it would wait another %s%s%s",
			short.ahead, limit.Requests, limit.Per, j.app.Name, rounded(short.wait), waited, d.unsentSuffix())
	}
	return j.errorf(bindings.RateLimited, true, "the %d requests in %s that %s allows are used up for another %s%s",
		limit.Requests, limit.Per, j.app.Name, rounded(short.wait), d.unsentSuffix())
}

// String is what a call waits for.
func (s shortage) String() string {
	if s.paused || s.budget.limit.Requests == 0 {
		return "the end of the time in which the vendor accepts no request"
	}
	return "the rate limit of " + s.budget.limit.String()
}

// logLimit logs that a step waits. The engine's own calls may wait often.
func (d *delivery) logLimit(ctx context.Context, short shortage) {
	j, level := d.job, slog.LevelInfo
	if j.caller.Step == 0 {
		level = slog.LevelDebug
	}
	d.client.log(j.caller).LogAttrs(ctx, level, "waits for a rate limit", slog.String("app", j.app.Name),
		slog.String("operation", j.operation), slog.String("connection", j.connection), slog.String("for", short.String()),
		slog.Int("ahead", short.ahead), slog.Duration("wait", short.wait.Round(time.Millisecond)))
}

// authorize sets the header that authorises the job, and tries again where no
// token is available at the moment. An error of the connection gets the
// operation's name.
func (d *delivery) authorize(ctx context.Context) (string, error) {
	c, j := d.client, d.job
	if j.authorize == nil {
		return "", nil
	}
	for tries := 1; ; tries++ {
		token, err := j.authorize(ctx, j.wire.header)
		var e *bindings.Error
		switch {
		case err == nil:
			return token, nil
		case !errors.As(err, &e):
			return "", fmt.Errorf("%s: %w", j.name(), err)
		}
		wait := d.backoff(minBackoff)
		if !e.Retryable || tries >= c.config.MaxSendings || wait > d.waitLeft {
			named := *e
			named.Operation = j.operation
			return "", d.refuse(noTokenClass(e.Kind), &named)
		}
		if err := d.sleep(ctx, wait, waitForToken); err != nil {
			return "", err
		}
	}
}

// sleep waits, and subtracts the wait from what the call has left. It returns
// the error of an open circuit as soon as that would refuse the next sending.
func (d *delivery) sleep(ctx context.Context, wait time.Duration, reason fmt.Stringer) error {
	if wait <= 0 {
		return nil
	}
	d.waitLeft -= wait
	if waits := d.job.caller.Waits; waits != nil {
		waits(reason.String(), d.client.config.Clock.Now().Add(wait))
		defer waits("", time.Time{})
	}
	passed, release := d.client.config.Clock.Timer(wait)
	defer release()
	for {
		if ctx.Err() != nil {
			return fmt.Errorf("%s: wait for %s: %w", d.job.name(), reason, context.Cause(ctx))
		}
		open, opening := d.client.circuits.refusing(d.target)
		if open != nil {
			return d.refuseByCircuit(open)
		}
		select {
		case <-ctx.Done():
		case <-passed:
			return nil
		case <-opening:
		}
	}
}

// waitReason is what a call waits for.
type waitReason string

func (r waitReason) String() string { return string(r) }

const (
	waitForToken  waitReason = "a token"
	waitForResend waitReason = "the next sending of the request"
)

// unsentSuffix is what a message adds about a request that was not sent.
func (d *delivery) unsentSuffix() string {
	if d.state >= MaybeDone {
		return "; an earlier sending of the same request may have been done"
	}
	return "; it was not sent"
}
