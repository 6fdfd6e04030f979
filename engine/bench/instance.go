package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
)

// bench has what all measurements share.
type bench struct {
	config  Config
	app     *bindings.App
	stub    *stub
	folder  string
	number  atomic.Int64 // of the last order
	folders int          // data folders that were named
}

// open makes the folder and starts the app.
func open(ctx context.Context, c Config) (_ *bench, err error) {
	b := &bench{config: c}
	if b.folder, err = os.MkdirTemp(c.Dir, "tidewire-bench-"); err != nil {
		return nil, fmt.Errorf("make a folder to measure in: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	if b.app, err = newApp(); err != nil {
		return nil, err
	}
	b.stub, err = newStub(ctx)
	return b, err
}

// close stops the app and removes the folder.
func (b *bench) close() error {
	var problems []error
	if b.stub != nil {
		b.stub.close()
	}
	problems = append(problems, os.RemoveAll(b.folder))
	return errors.Join(problems...)
}

// instance is a running engine.
type instance struct {
	*engine.Engine
	address string
	cancel  context.CancelFunc
	ended   chan error
	client  *control.Client
}

// newFolder returns the path of a new data folder.
func (b *bench) newFolder() string {
	b.folders++
	return filepath.Join(b.folder, fmt.Sprintf("data%d", b.folders))
}

// start runs an engine on a data folder until stop is called or ctx is done.
func (b *bench) start(ctx context.Context, data string) (*instance, error) {
	scripts := filepath.Join(b.folder, "scripts")
	if err := os.MkdirAll(scripts, 0o700); err != nil {
		return nil, fmt.Errorf("write the script: %w", err)
	}
	if err := os.WriteFile(filepath.Join(scripts, "orders.lua"), []byte(script), 0o600); err != nil {
		return nil, fmt.Errorf("write the script: %w", err)
	}
	e, err := engine.New(ctx, engine.Config{
		Apps: []*bindings.App{b.app}, Listen: "127.0.0.1:0", Scripts: scripts, Data: data, Log: b.config.Log,
		Connections: []connection.Settings{{
			Name: appName, BaseURL: b.stub.url(), WebhookSecret: secret, Credentials: map[string]string{"token": "bench-token"},
			Timeout: time.Hour, // of gate.wait
		}},
		Grace: 100 * time.Millisecond,
	})
	if err != nil {
		return nil, fmt.Errorf("start an engine: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &instance{Engine: e, address: strings.TrimPrefix(e.URL(), "http://"), cancel: cancel, ended: make(chan error, 1)}
	go func() { r.ended <- e.Run(ctx) }()
	select {
	case <-e.Ready():
		r.client, err = control.Dial(data)
		if err != nil {
			return nil, errors.Join(err, r.stop())
		}
		return r, nil
	case err := <-r.ended:
		cancel()
		return nil, errors.Join(errors.New("the engine ended before it was ready"), err)
	}
}

// stop ends the engine and returns its error.
func (r *instance) stop() error {
	if r.client != nil {
		r.client.Close()
	}
	r.cancel()
	return <-r.ended
}

// with calls use with an engine that runs on a data folder until use returns.
func (b *bench) with(ctx context.Context, data string, use func(*instance) error) error {
	r, err := b.start(ctx, data)
	if err != nil {
		return err
	}
	err = use(r)
	return errors.Join(err, r.stop())
}

// senders returns those of one kind of order to an engine.
func (b *bench) senders(r *instance, kind string) senderGroup {
	return senderGroup{address: r.address, kind: kind, next: &b.number}
}

// callsOf is how many calls a run makes for an order of a kind.
var callsOf = map[string]int64{created: 2, parked: 1}

// work posts orders and waits until their runs have ended or are parked. It
// returns how many there were and the time from the first post until then.
func (b *bench) work(ctx context.Context, r *instance, kind string, senders, limit int, within time.Duration) (int, time.Duration, error) {
	before, start := b.stub.calls.Load(), time.Now()
	sent, _, err := b.senders(r, kind).burst(ctx, senders, limit, within)
	if err != nil {
		return 0, 0, err
	}
	if err := b.stub.await(ctx, before+callsOf[kind]*int64(sent)); err != nil {
		return 0, 0, err
	}
	if err := r.idle(ctx); err != nil {
		return 0, 0, err
	}
	return sent, time.Since(start), nil
}

// runs is work with orders whose runs end.
func (b *bench) runs(ctx context.Context, r *instance, senders, limit int, within time.Duration) (int, time.Duration, error) {
	return b.work(ctx, r, created, senders, limit, within)
}

// warmUpRuns is how many posts or runs are made before a measurement.
const warmUpRuns = 300

// warmUp makes the first runs of an engine, and returns how many it ends in the
// time given. Posts are faster than runs, so that a measurement of runs is
// bounded by the number of posts instead of by a time.
func (b *bench) warmUp(ctx context.Context, r *instance, within time.Duration) (orders int, err error) {
	sent, elapsed, err := b.runs(ctx, r, 16, warmUpRuns, within)
	return max(warmUpRuns, int(perSecond(sent, elapsed)*within.Seconds())), err
}

// idle waits until no run is queued or executed. It is called when all calls
// were made, so that it asks only a few times.
func (r *instance) idle(ctx context.Context) error {
	for {
		busy, err := r.busy(ctx)
		if err != nil || !busy {
			return err
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("wait for the last runs: %w", context.Cause(ctx))
		}
	}
}

// busy reports whether a run is queued or executed. It asks for queued runs
// first, since a run that leaves the queue between the two requests is executed.
func (r *instance) busy(ctx context.Context) (bool, error) {
	for _, state := range []journal.State{journal.Queued, journal.Running} {
		runs, err := r.client.Runs(ctx, journal.RunQuery{State: state, Limit: 1})
		if err != nil || len(runs) > 0 {
			return len(runs) > 0, err
		}
	}
	return false, nil
}
