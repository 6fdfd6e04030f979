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

// bench is what all measurements share.
type bench struct {
	Config
	app    *bindings.App
	stub   *stub
	folder string
	number atomic.Int64 // of the last order
	rigs   int
}

// open makes the folder and starts the app.
func open(ctx context.Context, c Config) (_ *bench, err error) {
	b := &bench{Config: c}
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

// close ends the app and removes all that was written.
func (b *bench) close() error {
	var problems []error
	if b.stub != nil {
		b.stub.close()
	}
	problems = append(problems, os.RemoveAll(b.folder))
	return errors.Join(problems...)
}

// rig is an engine at work.
type rig struct {
	*engine.Engine
	address string
	halt    context.CancelFunc
	ended   chan error
	client  *control.Client
}

// newFolder names a data folder that nothing has used.
func (b *bench) newFolder() string {
	b.rigs++
	return filepath.Join(b.folder, fmt.Sprintf("data%d", b.rigs))
}

// start runs an engine on a data folder until stop is called or ctx is done.
func (b *bench) start(ctx context.Context, data string) (*rig, error) {
	scripts := filepath.Join(b.folder, "scripts")
	if err := os.MkdirAll(scripts, 0o700); err != nil {
		return nil, fmt.Errorf("write the script: %w", err)
	}
	if err := os.WriteFile(filepath.Join(scripts, "orders.lua"), []byte(script), 0o600); err != nil {
		return nil, fmt.Errorf("write the script: %w", err)
	}
	e, err := engine.New(ctx, engine.Config{
		Apps: []*bindings.App{b.app}, Listen: "127.0.0.1:0", Scripts: scripts, Data: data, Log: b.Log,
		Connections: []connection.Settings{{
			Name: appName, BaseURL: b.stub.url(), WebhookSecret: secret, Credentials: map[string]string{"token": "bench-token"},
			Timeout: time.Hour, // of what stands at the gate
		}},
		Grace: 100 * time.Millisecond,
	})
	if err != nil {
		return nil, fmt.Errorf("start an engine: %w", err)
	}
	working, halt := context.WithCancel(ctx)
	r := &rig{Engine: e, address: strings.TrimPrefix(e.URL(), "http://"), halt: halt, ended: make(chan error, 1)}
	go func() { r.ended <- e.Run(working) }()
	select {
	case <-e.Ready():
		r.client, err = control.Dial(data)
		if err != nil {
			return nil, errors.Join(err, r.stop())
		}
		return r, nil
	case err := <-r.ended:
		halt()
		return nil, errors.Join(errors.New("the engine ended before it was ready"), err)
	}
}

// stop ends the engine and gives what went wrong.
func (r *rig) stop() error {
	if r.client != nil {
		r.client.Close()
	}
	r.halt()
	return <-r.ended
}

// with lends an engine on a data folder.
func (b *bench) with(ctx context.Context, data string, use func(*rig) error) error {
	r, err := b.start(ctx, data)
	if err != nil {
		return err
	}
	err = use(r)
	return errors.Join(err, r.stop())
}

// fleet gives senders of one kind of order to an engine.
func (b *bench) fleet(r *rig, kind string) fleet {
	return fleet{address: r.address, kind: kind, next: &b.number}
}

// callsOf says how many calls a run makes.
var callsOf = map[string]int64{created: 2, parked: 1}

// work posts orders and waits until their runs have ended or are parked; it
// gives how many there were and the time from the first post until then.
func (b *bench) work(ctx context.Context, r *rig, kind string, senders, limit int, most time.Duration) (int, time.Duration, error) {
	before, start := b.stub.calls.Load(), time.Now()
	sent, _, err := b.fleet(r, kind).burst(ctx, senders, limit, most)
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

// runs is work on orders that come to an end.
func (b *bench) runs(ctx context.Context, r *rig, senders, limit int, most time.Duration) (int, time.Duration, error) {
	return b.work(ctx, r, created, senders, limit, most)
}

// warmUp is how many posts or runs go before what is measured.
const warmUp = 300

// warm makes the first runs of an engine, and says how many it ends in the
// time given: posts are quicker than runs, so that only their number bounds
// how long it takes to work them off.
func (b *bench) warm(ctx context.Context, r *rig, within time.Duration) (orders int, err error) {
	sent, took, err := b.runs(ctx, r, 16, warmUp, within)
	return max(warmUp, int(perSecond(sent, took)*within.Seconds())), err
}

// idle waits until nothing is queued or executed. It is called when all calls
// were made, so that it looks only a few times.
func (r *rig) idle(ctx context.Context) error {
	for {
		moving, err := r.moving(ctx)
		if err != nil || !moving {
			return err
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("wait for the last runs: %w", context.Cause(ctx))
		}
	}
}

// moving looks at the queue first: what leaves it meanwhile is then executed.
func (r *rig) moving(ctx context.Context) (bool, error) {
	for _, state := range []journal.State{journal.Queued, journal.Running} {
		runs, err := r.client.Runs(ctx, journal.RunQuery{State: state, Limit: 1})
		if err != nil || len(runs) > 0 {
			return len(runs) > 0, err
		}
	}
	return false, nil
}
