package engine_test

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/engine/control"
)

// TestSyncedBeforeAcknowledged traces the system calls of an engine that receives
// webhooks. Before each 2xx, the write-ahead log of the journal is written and then
// synced to the disk.
func TestSyncedBeforeAcknowledged(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed; it shows the order of writes, syncs and answers")
	}
	if err := exec.Command(strace, "-f", "-o", os.DevNull, "true").Run(); err != nil {
		t.Skipf("strace may not trace here: %v", err)
	}
	// The first run waits for its call until the end, and one run is executed at a
	// time, so that all writes to the log are those of accepted events.
	called := make(chan struct{})
	apps := newSandbox(t, sandbox.Config{Sleep: func(ctx context.Context, _ time.Duration) error {
		close(called)
		<-ctx.Done()
		return ctx.Err()
	}})
	must(t, apps.Fault(sandbox.Fault{App: "slack", Latency: time.Hour, Times: 1}))
	dir := folder(t, map[string]string{"scripts/orders.lua": `
local slack = require "slack"
on("in:/orders", { verify = "none" }, function() slack.conversations.list {} end)
`})
	trace := filepath.Join(dir, "trace")
	settings := childConfig{Scripts: filepath.Join(dir, "scripts"), Data: filepath.Join(dir, "data"), Addresses: appAddresses(apps), InFlight: 1}
	p := spawn(t, settings, strace, "-f", "-y", "-s", "40", "-e", "trace=write,pwrite64,writev,pwritev,fsync,fdatasync", "-o", trace)
	engine, err := control.Dial(settings.Data)
	must(t, err)
	defer engine.Close()
	status, err := engine.Status(t.Context())
	must(t, err)
	if code, answer := post(t, p.url+"/in/orders", `{}`, nil); code != 200 {
		t.Fatalf("got %d %s", code, answer)
	}
	<-called
	const events = 20
	for i := range events {
		if code, answer := post(t, p.url+"/in/orders", fmt.Sprintf(`{"number":%d}`, i), nil); code != 200 {
			t.Fatalf("got %d %s", code, answer)
		}
	}
	must(t, syscall.Kill(status.PID, syscall.SIGKILL)) // strace ends with the traced process
	p.read.Wait()
	_ = p.command.Wait()
	checkTrace(t, trace, events)
}

var (
	traceBegun   = regexp.MustCompile(`^(\d+) +(\w+)\(\d+<([^>]*)>(.*)$`)
	traceResumed = regexp.MustCompile(`^(\d+) +<\.\.\. (\w+) resumed>.*= (-?\d+)`)
	traceResult  = regexp.MustCompile(`= (-?\d+)( \([^)]*\))?$`)
)

// checkTrace expects a write and then a sync of the log before every answer.
func checkTrace(t *testing.T, name string, minAnswers int) {
	t.Helper()
	file, err := os.Open(name)
	must(t, err)
	defer file.Close()
	var written, syncing, synced bool
	answers := 0
	ended := func(call string, ok bool) {
		switch {
		case !ok:
			t.Errorf("%s of the log failed", call)
		case strings.HasSuffix(call, "sync"):
			synced = syncing
		default:
			written, syncing, synced = true, false, false
		}
	}
	inside := map[string]bool{}      // threads in a call on the log
	answering := map[string]string{} // connections on which an answer is begun, and by which thread
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line := lines.Text()
		if m := traceResumed.FindStringSubmatch(line); m != nil {
			maps.DeleteFunc(answering, func(_, id string) bool { return id == m[1] })
			if inside[m[1]] {
				delete(inside, m[1])
				ended(m[2], !strings.HasPrefix(m[3], "-"))
			}
			continue
		}
		m := traceBegun.FindStringSubmatch(line)
		switch {
		case m == nil:
		case strings.HasSuffix(m[3], "-wal"):
			if strings.HasSuffix(m[2], "sync") {
				syncing = written
			}
			if strings.Contains(line, "<unfinished ...>") {
				inside[m[1]] = true
			} else if result := traceResult.FindStringSubmatch(line); result != nil {
				ended(m[2], !strings.HasPrefix(result[1], "-"))
			}
		case strings.Contains(m[4], `"HTTP/1.1 2`):
			if answering[m[3]] != "" {
				continue // a write that the kill interrupted is in the trace twice
			}
			if strings.Contains(line, "<unfinished ...>") {
				answering[m[3]] = m[1]
			}
			answers++
			if !written || !synced {
				t.Errorf("answer %d went out when the log was written: %t, synced after that: %t", answers, written, synced)
			}
			written, syncing, synced = false, false, false
		}
	}
	must(t, lines.Err())
	if answers < minAnswers {
		t.Errorf("the trace has %d answers, expected %d or more", answers, minAnswers)
	}
}
