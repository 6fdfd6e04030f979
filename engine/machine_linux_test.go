package engine_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
)

// smallDisk mounts a file system of a few megabytes.
func smallDisk(t *testing.T, megabytes int) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tidewire-disk-")
	must(t, err)
	t.Cleanup(func() { _ = os.Remove(dir) })
	if err := syscall.Mount("tidewire", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", megabytes)); err != nil {
		t.Skipf("a small disk can be mounted by root only: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// TestTheDiskIsFull fills the disk below a working engine. It says so with
// 503 or 429, keeps on answering, loses nothing that it has acknowledged, and
// goes on by itself when there is room again: the runs that were cut short in
// the middle of a call end too, and repeat nothing.
func TestTheDiskIsFull(t *testing.T) {
	disk := smallDisk(t, 12)
	s := openShop(t, 4*time.Millisecond)
	dir := folder(t, map[string]string{"scripts/orders.lua": chaosScript})
	settings := childConfig{Scripts: filepath.Join(dir, "scripts"), Data: filepath.Join(disk, "data"), Shop: s.url(), InFlight: 16,
		Log: filepath.Join(dir, "engine.log")}
	t.Cleanup(func() {
		if t.Failed() {
			tellEnd(t, settings.Log)
		}
	})
	p := spawn(t, settings)
	l := newLoad(t, 6)
	l.deliverTo(p.url)
	awaitFact(t, "the first events", func() bool { return l.taken() > 5 })

	filler := filepath.Join(disk, "filler")
	fill(t, filler)
	refusals := 0
	big := strings.Repeat("x", 20<<10)
	for n := 0; refusals < 20; n++ {
		o := order{id: fmt.Sprint("big-", n), kind: "order.confirmed", name: big, customer: "c"} // nobody waits for it, but somebody could
		if n > 2_000 {
			t.Fatal("2,000 large events were taken on a full disk")
		}
		switch status := l.once(o); status {
		case http.StatusOK:
		case http.StatusServiceUnavailable, http.StatusTooManyRequests:
			refusals++
		default:
			t.Fatalf("a full disk was answered with %d", status)
		}
	}
	reader, err := control.Dial(settings.Data)
	must(t, err)
	defer reader.Close()
	if _, err := reader.Status(t.Context()); err != nil {
		t.Errorf("with a full disk the engine does not answer commands: %v", err)
	}

	must(t, os.Remove(filler))
	l.stop()
	settleChild(t, p, reader)
	audit := askAudit(t, p, reader)
	p.stop()
	r, err := sqlite.OpenReader(filepath.Join(settings.Data, "tidewire.db"))
	must(t, err)
	defer func() { must(t, r.Close()) }()
	a := &auditor{T: t, reader: r, shop: s, heard: s.heard(), orders: l.orders(), acknowledged: l.acknowledged}
	a.check(audit)
	if a.uncertain > 0 {
		t.Errorf("%d calls are uncertain although no answer was lost", a.uncertain)
	}
	t.Logf("%d refusals, %d events acknowledged; %s", refusals, len(l.acknowledged), a.summary())
}

// fill writes a file until there is no room.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	must(t, err)
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else {
			must(t, err)
		}
	}
}

// once posts a webhook one time and gives the status.
func (l *load) once(o order) int {
	body, header := o.request(l.t)
	request, err := http.NewRequest(http.MethodPost, *l.url.Load()+"/hooks/shop", strings.NewReader(body))
	must(l.t, err)
	request.Header = header
	response, err := http.DefaultClient.Do(request)
	must(l.t, err)
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	if response.StatusCode == http.StatusOK {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.acknowledged["shop:"+o.id] = true
	}
	return response.StatusCode
}

// TestTheDiskIsReadOnly wants a start that fails with the reason and the file.
func TestTheDiskIsReadOnly(t *testing.T) {
	disk := smallDisk(t, 8)
	config := small(t)
	config.Data = filepath.Join(disk, "data")
	e, err := engine.New(t.Context(), config)
	must(t, err)
	must(t, e.Close())
	must(t, syscall.Mount("tidewire", disk, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=8m"))
	_, err = engine.New(t.Context(), config)
	if err == nil || !strings.Contains(err.Error(), "read-only") || !strings.Contains(err.Error(), config.Data) {
		t.Errorf("got %v, want it to say that the folder is read-only", err)
	}
}

// TestStopped stops an engine (SIGSTOP) in the middle of its work for longer
// than any lease would last. On SQLite an engine owns its journal until it
// ends: nobody takes over, so that a second engine is refused all the while,
// and the first goes on where it was, calling and writing nothing twice. That
// a Store with several owners refuses the writes of a holder whose epoch is
// over is for the conformance suite of journaltest to show.
func TestStopped(t *testing.T) {
	s := openShop(t, 8*time.Millisecond)
	dir := folder(t, map[string]string{"scripts/orders.lua": chaosScript})
	settings := childConfig{Scripts: filepath.Join(dir, "scripts"), Data: filepath.Join(dir, "data"), Shop: s.url(), InFlight: 16}
	p := spawn(t, settings)
	l := newLoad(t, 8)
	l.deliverTo(p.url)
	awaitFact(t, "the first events", func() bool { return l.taken() > 20 })
	must(t, p.command.Process.Signal(syscall.SIGSTOP))
	awaitFact(t, "the end of the requests on their way", func() bool {
		before := s.count()
		<-time.After(500 * time.Millisecond)
		return s.count() == before
	})

	before := s.count()
	config := atShop(s.url())
	config.Scripts, config.Data = settings.Scripts, settings.Data
	want := fmt.Sprintf("another engine (process %d) runs on the data folder", p.command.Process.Pid)
	for range 3 {
		if _, err := engine.New(t.Context(), config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a second engine got %v, want %q", err, want)
		}
		<-time.After(100 * time.Millisecond)
	}
	if after := s.count(); after != before {
		t.Errorf("the shop heard %d requests while the engine was stopped", after-before)
	}
	must(t, p.command.Process.Signal(syscall.SIGCONT))

	l.stop()
	reader, err := control.Dial(settings.Data)
	must(t, err)
	defer reader.Close()
	settleChild(t, p, reader)
	audit := askAudit(t, p, reader)
	p.stop()
	r, err := sqlite.OpenReader(filepath.Join(settings.Data, "tidewire.db"))
	must(t, err)
	defer func() { must(t, r.Close()) }()
	a := &auditor{T: t, reader: r, shop: s, heard: s.heard(), orders: l.orders(), acknowledged: l.acknowledged}
	a.check(audit)
	t.Logf("%d events acknowledged; %s", len(l.acknowledged), a.summary())
}

func (s *shop) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

func (l *load) taken() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acknowledged)
}

// awaitFact waits until something is so.
func awaitFact(t *testing.T, what string, so func() bool) {
	t.Helper()
	for late := time.After(patience); !so(); {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-late:
			t.Fatalf("waited %s for %s", patience, what)
		}
	}
}
