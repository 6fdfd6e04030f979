package engine_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
)

// clinic is an engine whose clock a test sets, at a shop that the test plays.
type clinic struct {
	t       *testing.T
	config  engine.Config
	engine  *engine.Engine
	ahead   atomic.Int64 // of the machine's clock
	answers atomic.Pointer[http.HandlerFunc]
	log     *book
	stop    func()
}

func openClinic(t *testing.T, source string) *clinic {
	t.Helper()
	c := &clinic{t: t, log: newBook()}
	c.answer(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{}`) })
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*c.answers.Load())(w, r) }))
	t.Cleanup(shop.Close)
	dir := journaltest.Folder(t)
	c.config = atShop(shop.URL)
	c.config.Scripts, c.config.Data = filepath.Join(dir, "scripts"), filepath.Join(dir, "data")
	c.config.Log = slog.New(slog.NewJSONHandler(c.log, nil))
	c.config.Clock = shiftedClock{clock.System, func() time.Duration { return time.Duration(c.ahead.Load()) }}
	must(t, os.Mkdir(c.config.Scripts, 0o755))
	must(t, os.WriteFile(filepath.Join(c.config.Scripts, "orders.lua"), []byte(source), 0o644))
	c.start()
	t.Cleanup(func() { c.stop() })
	return c
}

func (c *clinic) answer(f http.HandlerFunc) { c.answers.Store(&f) }

func (c *clinic) start() {
	c.t.Helper()
	var err error
	c.engine, err = engine.New(c.t.Context(), c.config)
	must(c.t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(c.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- c.engine.Run(ctx) }()
	<-c.engine.Ready()
	c.stop = func() {
		stop()
		must(c.t, <-ended)
		c.stop = func() {}
	}
}

// send hands in an order and waits until its run stands, or is over.
func (c *clinic) send(id string, trigger ...string) string {
	c.t.Helper()
	mark := c.log.mark()
	run := c.sendBehind(id, trigger...)
	c.log.await(c.t, mark, `"run (parked|succeeded|failed)","run":"`+run)
	return run
}

// sendBehind hands in an order whose run has to wait for its lane.
func (c *clinic) sendBehind(id string, trigger ...string) string {
	c.t.Helper()
	client, err := control.Dial(c.config.Data)
	must(c.t, err)
	defer client.Close()
	sent, err := client.Send(c.t.Context(), control.Message{ID: id, Type: append(trigger, "shop.order.created")[0], Data: []byte(`{"customer":"c1"}`)})
	must(c.t, err)
	return sent.Runs[0]
}

func (c *clinic) found() []control.Finding {
	c.t.Helper()
	found, err := c.engine.Doctor(c.t.Context())
	must(c.t, err)
	return found
}

// finds expects one finding of a kind about a run.
func (c *clinic) finds(kind, run string, parts ...string) {
	c.t.Helper()
	for _, f := range c.found() {
		if f.Kind != kind || f.Run != run {
			continue
		}
		for _, part := range parts {
			if text := f.Text + " | " + f.Do; !strings.Contains(text, part) {
				c.t.Errorf("found %q, expected it to have %q", text, part)
			}
		}
		c.t.Log(f.Kind, "|", f.Text, "|", f.Do)
		return
	}
	c.t.Errorf("found %+v, expected one of kind %s about %s", c.found(), kind, run)
}

// alter changes the journal of an engine that does not run.
func (c *clinic) alter(query string) {
	c.t.Helper()
	db, err := sql.Open("sqlite", engine.StorePath(c.config.Data))
	must(c.t, err)
	_, err = db.Exec(query)
	must(c.t, err)
	must(c.t, db.Close())
}

func (c *clinic) well() {
	c.t.Helper()
	if found := c.found(); len(found) > 0 {
		c.t.Errorf("found %+v, expected nothing", found)
	}
}

const pays = `local shop = require "shop"
on({ "shop.order.created", "emit:pay" }, { name = "pay" }, function() shop.orders.pay { tag = "t" } end)`

const waits = `on("shop.order.created", function() wait_for "shop.order.confirmed" end)`

func TestTheDoctorFindsScriptsThatDoNotLoad(t *testing.T) {
	t.Parallel()
	c := openClinic(t, waits)
	c.well()
	file, mark := filepath.Join(c.config.Scripts, "orders.lua"), c.log.mark()
	must(t, os.WriteFile(file, []byte(waits+" end"), 0o644))
	c.log.await(t, mark, `"script not loaded`)
	c.finds("script", "", "orders was not loaded, its last version stays live: orders.lua:1: ", "fix the script and save it")
	c.stop()
	c.start()
	c.finds("script", "", "orders was not loaded, it is not live: orders.lua:1: ")
	mark = c.log.mark()
	must(t, os.WriteFile(file, []byte(waits), 0o644))
	c.log.await(t, mark, `"script loaded`)
	c.well()
}

func TestTheDoctorFindsHeldRunsAndLongLanes(t *testing.T) {
	t.Parallel()
	c := openClinic(t, pays)
	c.well()
	c.answer(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	held := c.send("1")
	c.answer(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{}`) })
	c.finds("held", held, "whether it was done is not known", "tidewire runs decide "+held+" retry|skip|fail")
	if n := len(c.found()); n != 1 {
		t.Errorf("%d findings", n)
	}
	behind := c.sendBehind("2")
	c.ahead.Add(int64(59 * time.Minute))
	if n := len(c.found()); n != 1 {
		t.Errorf("%d findings before the hour is over", n)
	}
	c.ahead.Add(int64(2 * time.Minute))
	c.finds("lane", held, "it is held, and in its lane of orders pay 1 run waits behind it", "tidewire runs show "+held)
	mark := c.log.mark()
	must(t, c.engine.Resolve(t.Context(), held, journal.Skip, nil))
	c.log.await(t, mark, `"run succeeded","run":"`+behind)
	c.well()
}

func TestTheDoctorFindsWhatABrokenConnectionStops(t *testing.T) {
	t.Parallel()
	c := openClinic(t, pays)
	right := c.config.Connections
	c.stop()
	c.config.Connections = nil
	c.start()
	blocked := c.send("1", "emit:pay")
	c.finds("blocked", blocked, "no connection to shop is configured", "tidewire runs retry "+blocked)
	c.stop()
	c.alter(`UPDATE version SET format = 1`)
	c.start()
	c.finds("format", blocked, "it began under replay format 1", "tidewire runs migrate "+blocked)
	c.stop()
	c.config.Connections = right
	mark := c.log.mark()
	c.start()
	c.log.await(t, mark, `"run succeeded","run":"`+blocked)
	c.well()
}

func TestTheDoctorFindsWaitsThatNothingCanEnd(t *testing.T) {
	t.Parallel()
	c := openClinic(t, waits)
	waiting := c.send("1")
	c.well()
	right := c.config.Connections
	c.stop()
	c.config.Connections = []connection.Settings{right[0]}
	c.config.Connections[0].Name = "shop/new"
	c.start()
	c.finds("wait", waiting, `it waits for shop.order.confirmed, and there is no connection "shop" to send it`, "tidewire runs cancel "+waiting)
	must(t, c.engine.Cancel(t.Context(), waiting))
	c.well()
}

func TestTheDoctorFindsVersionsThatCannotBeLoaded(t *testing.T) {
	t.Parallel()
	c := openClinic(t, waits)
	waiting := c.send("1")
	c.stop()
	c.alter(`UPDATE version SET sources = NULL`)
	// The present script is another, that the run can move to.
	must(t, os.WriteFile(filepath.Join(c.config.Scripts, "orders.lua"), []byte(waits+"\n"), 0o644))
	c.start()
	c.finds("version", waiting, "its version cannot be loaded", "tidewire runs migrate "+waiting)
	must(t, c.engine.Migrate(t.Context(), waiting))
	c.well()
}
