package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
)

// smallDisk mounts a file system of a few megabytes and returns its folder.
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

// TestDiskFull fills the disk of a running engine. The engine refuses webhooks
// with 503 or 429, answers commands, loses nothing that it has acknowledged, and
// continues when there is free space again. The runs that were stopped in the
// middle of a call end too, and repeat no call.
func TestDiskFull(t *testing.T) {
	disk := smallDisk(t, 12)
	s := openShop(t, 4*time.Millisecond)
	dir := folder(t, map[string]string{"scripts/orders.lua": chaosScript})
	settings := childConfig{Scripts: filepath.Join(dir, "scripts"), Data: filepath.Join(disk, "data"), Shop: s.url(), InFlight: 16,
		Log: filepath.Join(dir, "engine.log")}
	t.Cleanup(func() {
		if t.Failed() {
			logTail(t, settings.Log)
		}
	})
	p := spawn(t, settings)
	g := newSenderGroup(t, 6)
	g.setURL(p.url)
	awaitCondition(t, "the first events", func() bool { return g.accepted() > 5 })

	filler := filepath.Join(disk, "filler")
	fill(t, filler)
	refusals := 0
	big := strings.Repeat("x", 20<<10)
	for n := 0; refusals < 20; n++ {
		o := order{id: fmt.Sprint("big-", n), kind: "order.confirmed", name: big, customer: "c"} // stored, since the script waits for such events
		if n > 2_000 {
			t.Fatal("2,000 large events were accepted on a full disk")
		}
		switch status := g.postOnce(o); status {
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
	g.stop()
	a := auditStopped(t, p, reader, settings.Data, s, g)
	if a.uncertain > 0 {
		t.Errorf("%d calls are uncertain although no answer was lost", a.uncertain)
	}
	t.Logf("%d refusals, %d events acknowledged; %s", refusals, len(g.acknowledged), a.summary())
}

// TestReadyAgainAfterDiskFull fills the disk of an engine on which nothing else happens
// then: it finds out by itself that there is room again, and reports how long there was
// none.
func TestReadyAgainAfterDiskFull(t *testing.T) {
	disk := smallDisk(t, 12)
	config := smallConfig(t)
	must(t, os.WriteFile(filepath.Join(config.Scripts, "in.lua"), []byte(`on("in:/orders", { verify = "none" }, function() end)`), 0o644))
	log, clock := newLogBuffer(), clock.NewManual(time.Now().Round(0))
	config.Clock = clock
	config.Data, config.Log = filepath.Join(disk, "data"), slog.New(slog.NewJSONHandler(log, nil))
	e, err := engine.New(t.Context(), config)
	must(t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	defer func() {
		stop()
		must(t, <-ended)
	}()
	<-e.Ready()
	client, err := control.Dial(config.Data)
	must(t, err)
	defer client.Close()
	status := func() control.JournalStatus {
		t.Helper()
		s, err := client.Status(t.Context())
		must(t, err)
		return s.Journal
	}
	if got := readiness(t, e.URL()); got != "200 ok" || status().Reason != "" {
		t.Fatalf("at first: %s, %+v", got, status())
	}
	filler := filepath.Join(disk, "filler")
	fill(t, filler)
	big := fmt.Sprintf(`{"text":%q}`, strings.Repeat("x", 200<<10))
	for n := 0; ; n++ {
		if code, text := post(t, e.URL()+"/in/orders", big, nil); code == http.StatusServiceUnavailable {
			break
		} else if n > 100 {
			t.Fatalf("a full disk was answered with %d %s", code, text)
		}
	}
	for range 50 { // each second it is tried to write
		if got := readiness(t, e.URL()); got != "503 full" {
			t.Fatalf("with a full disk /readyz answers %s", got)
		}
		clock.Advance(time.Second)
	}
	full := status()
	if full.Reason != journal.Full || full.Since.IsZero() || full.Last != nil {
		t.Errorf("with a full disk the status is %+v", full)
	}
	found, err := client.Doctor(t.Context())
	must(t, err)
	if len(found) != 1 || found[0].Kind != "journal" || found[0].Reason != journal.Full || !strings.Contains(found[0].Do, "make room on the disk") {
		t.Errorf("with a full disk the doctor found %+v", found)
	}
	must(t, os.Remove(filler))
	awaitCondition(t, "an engine that is ready", func() bool {
		clock.Advance(time.Second)
		return readiness(t, e.URL()) == "200 ok"
	})
	after := status()
	if after.Reason != "" || after.Last == nil || after.Last.Reason != journal.Full || !after.Last.Since.Equal(full.Since) || after.Last.Until.Sub(after.Last.Since) < 50*time.Second {
		t.Errorf("after it the status is %+v, %+v", after, after.Last)
	}
	log.await(t, 0, `"the journal is written again","reason":"full","after":`)
	if code, text := post(t, e.URL()+"/in/orders", big, nil); code != http.StatusOK {
		t.Errorf("after it: %d %s", code, text)
	}
}

// TestFolderModeChanged takes all rights to the data folder away from a running engine
// whose user is not root: its files are open, and it goes on. A new one does not start.
func TestFolderModeChanged(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can start an engine as another user")
	}
	s := openShop(t, 0)
	dir := folder(t, map[string]string{"scripts/orders.lua": `on("shop.order.created", function() end)`})
	c := childConfig{Scripts: filepath.Join(dir, "scripts"), Data: filepath.Join(dir, "data"), Shop: s.url(), UID: 65534}
	must(t, os.Mkdir(c.Data, 0o700))
	must(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Chown(path, c.UID, c.UID))
	}))
	p := spawn(t, c)
	g := &senderGroup{t: t, acknowledged: map[string]bool{}}
	g.setURL(p.url)
	for i, mode := range []os.FileMode{0o700, 0o500, 0o000, 0o700} {
		must(t, os.Chmod(c.Data, mode))
		for n := range 5 {
			id := fmt.Sprintf("o%d-%d", i, n)
			if status := g.postOnce(order{id: id, kind: "order.created", name: id, customer: "c"}); status != http.StatusOK {
				t.Errorf("mode %v: %s was answered with %d", mode, id, status)
			}
		}
		if got := readiness(t, p.url); got != "200 ok" {
			t.Errorf("mode %v: /readyz answers %s", mode, got)
		}
	}
	p.stop()
	expectStored(t, c.Data, g.acknowledged)
	must(t, os.Chmod(c.Data, 0o000))
	defer func() { must(t, os.Chmod(c.Data, 0o700)) }()
	self, err := os.Executable()
	must(t, err)
	text, err := json.Marshal(c)
	must(t, err)
	command := exec.Command(self)
	command.Env = append(os.Environ(), childSettings+"="+string(text))
	if out, err := command.CombinedOutput(); err == nil || !strings.Contains(string(out), "permission denied") || !strings.Contains(string(out), c.Data) {
		t.Errorf("a new engine: %v, %s", err, out)
	}
}

// fill writes a file until the disk is full.
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

// postOnce posts a webhook once and returns the status.
func (g *senderGroup) postOnce(o order) int {
	body, header := o.request(g.t)
	request, err := http.NewRequest(http.MethodPost, *g.url.Load()+"/hooks/shop", strings.NewReader(body))
	must(g.t, err)
	request.Header = header
	response, err := http.DefaultClient.Do(request)
	must(g.t, err)
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	if response.StatusCode == http.StatusOK {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.acknowledged["shop:"+o.id] = true
	}
	return response.StatusCode
}

// TestDiskReadOnly expects an error with the reason and the path.
func TestDiskReadOnly(t *testing.T) {
	disk := smallDisk(t, 8)
	config := smallConfig(t)
	config.Data = filepath.Join(disk, "data")
	e, err := engine.New(t.Context(), config)
	must(t, err)
	must(t, e.Close())
	must(t, syscall.Mount("tidewire", disk, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=8m"))
	_, err = engine.New(t.Context(), config)
	if err == nil || !strings.Contains(err.Error(), "read-only") || !strings.Contains(err.Error(), config.Data) {
		t.Errorf("got %v, want an error that the folder is read-only", err)
	}
}

// TestEngineSuspended suspends an engine (SIGSTOP) in the middle of its work. With
// SQLite, an engine owns its journal until it ends: a second engine is refused
// meanwhile, and the first one then continues without repeating a call or a write.
// The conformance suite of journaltest checks that a Store with several owners
// refuses writes with an outdated epoch.
func TestEngineSuspended(t *testing.T) {
	s := openShop(t, 8*time.Millisecond)
	dir := folder(t, map[string]string{"scripts/orders.lua": chaosScript})
	settings := childConfig{Scripts: filepath.Join(dir, "scripts"), Data: filepath.Join(dir, "data"), Shop: s.url(), InFlight: 16}
	p := spawn(t, settings)
	g := newSenderGroup(t, 8)
	g.setURL(p.url)
	awaitCondition(t, "the first events", func() bool { return g.accepted() > 20 })
	must(t, p.command.Process.Signal(syscall.SIGSTOP))
	awaitCondition(t, "the end of the requests on their way", func() bool {
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
		t.Errorf("the shop received %d requests while the engine was suspended", after-before)
	}
	must(t, p.command.Process.Signal(syscall.SIGCONT))

	g.stop()
	reader, err := control.Dial(settings.Data)
	must(t, err)
	defer reader.Close()
	a := auditStopped(t, p, reader, settings.Data, s, g)
	t.Logf("%d events acknowledged; %s", len(g.acknowledged), a.summary())
}

func (s *shop) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

func (g *senderGroup) accepted() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.acknowledged)
}

// awaitCondition waits until a condition is true.
func awaitCondition(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for timeout := time.After(maxWait); !condition(); {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-timeout:
			t.Fatalf("waited %s for %s", maxWait, what)
		}
	}
}
