package engine_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
)

// readiness returns what /readyz of an engine answers.
func readiness(t testing.TB, url string) string {
	t.Helper()
	response, err := http.Get(url + "/readyz")
	must(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	must(t, err)
	return fmt.Sprintf("%d %s", response.StatusCode, strings.TrimSpace(string(body)))
}

// loadedSenders post events to an engine until stop is called.
type loadedSenders struct {
	*senderGroup
	refused atomic.Int64
	ended   chan struct{}
	all     sync.WaitGroup
}

func startSenders(t *testing.T, url, prefix string, n int) *loadedSenders {
	t.Helper()
	l := &loadedSenders{senderGroup: &senderGroup{t: t, acknowledged: map[string]bool{}}, ended: make(chan struct{})}
	l.setURL(url)
	for sender := range n {
		l.all.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-l.ended:
					return
				case <-time.After(2 * time.Millisecond):
				}
				name := fmt.Sprintf("%s%d-%d", prefix, sender, i)
				if status := l.postOnce(order{id: name, kind: "order.created", name: name, customer: name, n: i}); status != http.StatusOK {
					if status != http.StatusServiceUnavailable {
						t.Errorf("%s was answered with %d, expected 503", name, status)
					}
					l.refused.Add(1)
				}
			}
		})
	}
	return l
}

func (l *loadedSenders) stop() {
	close(l.ended)
	l.all.Wait()
}

// requestsOf returns how many requests of an engine came after a moment.
func (s *shop) requestsOf(engine int, after time.Time) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.all {
		if one.engine == engine && one.from.After(after) {
			n++
		}
	}
	return n
}

// sendTime is more than a request needs from its last check to the shop.
const sendTime = 150 * time.Millisecond

// TestFolderReplacedUnderLoad renames the data folder of an engine, or removes its
// database, while senders post events and runs make calls, and starts a second engine
// on a new folder of the old name. What the first has acknowledged is in the folder; from
// then on it acknowledges nothing, makes no call, and does not disturb the second.
func TestFolderReplacedUnderLoad(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(data string) error
		left   string // where the journal is then
	}{
		{"renamed", func(data string) error { return errors.Join(os.Rename(data, data+".old"), os.Mkdir(data, 0o700)) }, ".old"},
		{"removed", os.RemoveAll, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openShop(t, 4*time.Millisecond)
			dir := folder(t, map[string]string{"scripts/orders.lua": chaosScript})
			first := childConfig{Scripts: filepath.Join(dir, "scripts"), Data: filepath.Join(dir, "data"), InFlight: 16, Shop: s.nextEngine(), Log: filepath.Join(dir, "first.log")}
			one := spawn(t, first)
			senders := startSenders(t, one.url, "a", 6)
			awaitCondition(t, "the first events", func() bool { return senders.accepted() > 60 && s.count() > 60 })
			if got := readiness(t, one.url); got != "200 ok" {
				t.Errorf("at first /readyz answers %s", got)
			}
			must(t, c.change(first.Data))
			changed := time.Now()
			awaitCondition(t, "an engine that is not ready", func() bool { return readiness(t, one.url) == "503 replaced" })
			// What was stored before is answered by now.
			awaitCondition(t, "refusals of all senders", func() bool { return senders.refused.Load() > 50 })
			found := senders.accepted()

			second := first
			second.Shop, second.Log = s.nextEngine(), filepath.Join(dir, "second.log")
			two := spawn(t, second)
			others := startSenders(t, two.url, "b", 2)
			awaitCondition(t, "work of the second engine", func() bool {
				return others.accepted() > 20 && s.requestsOf(2, changed) > 40 && senders.refused.Load() > 150
			})
			if now := senders.accepted(); now != found {
				t.Errorf("the first engine acknowledged %d events after its folder was changed", now-found)
			}
			if n := s.requestsOf(1, changed.Add(sendTime)); n > 0 {
				t.Errorf("the first engine made %d calls after its folder was changed", n)
			}
			senders.stop()
			if response, err := http.Get(one.url + "/healthz"); err != nil || response.StatusCode != http.StatusOK {
				t.Errorf("the first engine does not live: %v", err)
			} else {
				response.Body.Close()
			}
			if c.left != "" {
				expectReplacedStatus(t, first.Data+c.left)
			}
			one.stop()

			// The second is as before.
			before := others.accepted()
			awaitCondition(t, "more work of the second engine", func() bool { return others.accepted() > before+20 })
			others.stop()
			if got := readiness(t, two.url); got != "200 ok" || others.refused.Load() > 0 {
				t.Errorf("the second engine: /readyz answers %s, and %d events were refused", got, others.refused.Load())
			}
			client, err := control.Dial(second.Data)
			must(t, err)
			defer client.Close()
			if _, err := client.Status(t.Context()); err != nil {
				t.Errorf("the second engine does not answer commands: %v", err)
			}
			two.stop()
			expectStored(t, second.Data, others.acknowledged)
			if c.left != "" {
				expectStored(t, first.Data+c.left, senders.acknowledged)
			}
			text, err := os.ReadFile(first.Log)
			must(t, err)
			if n := strings.Count(string(text), "reason=replaced"); n != 1 {
				t.Errorf("the log of the first engine has %d lines about it, expected 1", n)
			}
			t.Logf("%d events acknowledged by the first engine, then %d refused; %d by the second", found, senders.refused.Load(), len(others.acknowledged))
		})
	}
}

// expectReplacedStatus expects that an engine reports its lost folder to commands.
func expectReplacedStatus(t *testing.T, data string) {
	t.Helper()
	client, err := control.Dial(data)
	must(t, err)
	defer client.Close()
	status, err := client.Status(t.Context())
	if err != nil || status.Journal.Reason != journal.Replaced || status.Journal.Since.IsZero() || status.Journal.Error == "" {
		t.Errorf("the status of the journal is %+v, %v", status.Journal, err)
	}
	found, err := client.Doctor(t.Context())
	must(t, err)
	for _, f := range found {
		if f.Kind == "journal" && f.Reason == journal.Replaced && strings.Contains(f.Do, "start the engine again") {
			return
		}
	}
	t.Errorf("the doctor found %+v", found)
}

func expectStored(t *testing.T, data string, events map[string]bool) {
	t.Helper()
	r, err := sqlite.OpenReader(filepath.Join(data, "tidewire.db"))
	must(t, err)
	defer func() { must(t, r.Close()) }()
	lost := 0
	for id := range events {
		if _, _, err := r.Event(t.Context(), id); err != nil {
			lost++
		}
	}
	if lost > 0 || len(events) == 0 {
		t.Errorf("%d of %d acknowledged events are not in %s", lost, len(events), data)
	}
}

// TestIdleEngineWithoutDatabase removes the database of an engine that polls and has a
// webhook to register: nothing else happens there, and no more calls are made.
func TestIdleEngineWithoutDatabase(t *testing.T) {
	f := newClockFixture(t, "highlevel", `on("highlevel.task.created", function() end)`, setting("highlevel", privateIntegration))
	requests := func() int { return len(f.apps.Requests("highlevel")) }
	for range 2 {
		before := requests()
		f.await("a poll", func() bool { return requests() > before })
	}
	must(t, os.Remove(filepath.Join(f.data, "tidewire.db")))
	f.await("the end of the polls", func() bool {
		before := requests()
		f.clock.Advance(time.Hour)
		<-time.After(100 * time.Millisecond)
		return requests() == before
	})
	before := requests()
	for range 5 {
		f.clock.Advance(6 * time.Hour)
		<-time.After(50 * time.Millisecond)
	}
	if n := requests() - before; n > 0 {
		t.Errorf("%d requests were made without a journal", n)
	}
	if got := readiness(t, f.engine.URL()); got != "503 replaced" {
		t.Errorf("/readyz answers %s", got)
	}
	if _, err := f.engine.TestConnection(t.Context(), "highlevel"); !errors.Is(err, journal.ErrReplaced) {
		t.Errorf("a test of a connection: found %v, expected %v", err, journal.ErrReplaced)
	}
	_, err := f.engine.Backup(t.Context(), control.BackupOptions{File: filepath.Join(t.TempDir(), "copy.db")})
	if !errors.Is(err, journal.ErrReplaced) {
		t.Errorf("a backup: found %v, expected %v", err, journal.ErrReplaced)
	}
	status, text := f.post("/hooks/highlevel", `{}`)
	if status != http.StatusTooManyRequests && status != http.StatusUnauthorized {
		t.Errorf("a webhook: %d %s", status, text)
	}
}

// TestWorkStopsWithoutJournal removes the database of an engine with a schedule: no tick
// is tried again and again, and commands are answered.
func TestWorkStopsWithoutJournal(t *testing.T) {
	f := newClockFixture(t, "", `every("1m", function() end)`)
	f.await("a tick", func() bool { return len(f.runs()) > 0 })
	must(t, os.Remove(filepath.Join(f.data, "tidewire.db")))
	f.await("a status with the reason", func() bool {
		status, err := f.journal.Status(t.Context())
		must(t, err)
		return status.Journal.Reason == journal.Replaced
	})
	for range 200 {
		f.clock.Advance(time.Minute)
		if got := readiness(t, f.engine.URL()); got != "503 replaced" {
			t.Fatalf("/readyz answers %s", got)
		}
	}
	if n := strings.Count(f.log.String(), "schedule ticks could not be stored"); n > 1 {
		t.Errorf("ticks were tried %d times", n)
	}
}
