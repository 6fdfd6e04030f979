package engine_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
)

// testdata/format1 has scripts and a journal with replay format 1, written by the
// last version with that format. In it, a run of each script waits three days.
const (
	matchingRun = "run_1k1e4bycwvdekf"
	swapRun     = "run_1k1e4bydksfekf"
	countRun    = "run_1k1e4byewg0ekf"
)

var format1Made = time.Date(2026, 11, 29, 21, 38, 0, 0, time.UTC)

// openFormat1 opens an engine on a copy of that journal, with a clock some time
// after the journal was written.
func openFormat1(t *testing.T, later time.Duration) *doctorFixture {
	t.Helper()
	f := &doctorFixture{t: t, log: newLogBuffer()}
	dir := journaltest.Folder(t)
	began := time.Now()
	f.config = engine.Config{
		Listen: "127.0.0.1:0", Grace: maxWait, Scripts: filepath.Join(dir, "scripts"), Data: filepath.Join(dir, "data"),
		Log:   slog.New(slog.NewJSONHandler(f.log, nil)),
		Clock: shiftedClock{clock.System, func() time.Duration { return format1Made.Add(later).Sub(began) }},
	}
	must(t, os.Mkdir(f.config.Scripts, 0o755))
	must(t, os.Mkdir(f.config.Data, 0o700))
	for _, name := range []string{"kept.lua", "swap.lua", "count.lua"} {
		copyFile(t, filepath.Join("testdata", "format1", name), filepath.Join(f.config.Scripts, name))
	}
	copyFile(t, filepath.Join("testdata", "format1", "tidewire.db"), filepath.Join(f.config.Data, "tidewire.db"))
	f.start()
	t.Cleanup(func() { f.stop() })
	return f
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	must(t, err)
	must(t, os.WriteFile(to, content, 0o600))
}

func TestDoctorFindsRunsOfOlderFormat(t *testing.T) {
	t.Parallel()
	f := openFormat1(t, 0)
	if !strings.Contains(f.log.String(), `"live runs began before the language was corrected; tidewire doctor lists them","versions":3`) {
		t.Errorf("the log does not have the warning:\n%s", f.log)
	}
	for _, run := range []string{matchingRun, swapRun, countRun} {
		f.expectFinding("format", run, "replay format 1", "(now 2)", "tidewire runs migrate "+run)
	}
	must(t, f.engine.Migrate(t.Context(), matchingRun))
	for run, want := range map[string]string{
		swapRun:  `step 2 was state.put {"verb":"put","key":"pair","value":{"a":"right","b":"right"}} (at swap.lua:6) and would be state.put {"verb":"put","key":"pair","value":{"a":"right","b":"left"}} (at swap.lua:6)`,
		countRun: `the script would end before step 2, wait (at count.lua:9)`,
	} {
		if err := f.engine.Migrate(t.Context(), run); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("migrate %s: found %v, expected %q", run, err, want)
		}
	}
	for _, one := range f.found() {
		if one.Run == matchingRun {
			t.Errorf("after migrate the doctor still finds %+v", one)
		}
	}
}

func TestRunsOfOlderFormatWake(t *testing.T) {
	t.Parallel()
	f := openFormat1(t, 4*24*time.Hour)
	for _, run := range []string{matchingRun, swapRun, countRun} {
		f.log.await(t, 0, `"run (parked|succeeded|failed)","run":"`+run)
	}
	const reason = `^the language was corrected since the run began \(replay format 1, now 2\) and the records do not fit any more: `
	for run, want := range map[string]struct {
		state   journal.State
		problem string
	}{
		matchingRun: {journal.Succeeded, ""},
		swapRun:     {journal.Blocked, reason + `step 2 was state.put .*"a":"right","b":"right".* and is now state.put .*"b":"left"`},
		countRun:    {journal.Blocked, reason + `it ended after step 1, and its record goes on with step 2, wait \(at count.lua:9\)`},
	} {
		found := readRun(t, f, run)
		if found.State != want.state {
			t.Errorf("%s is %s, expected %s: %+v", run, found.State, want.state, found.Problem)
		}
		if want.problem == "" {
			continue
		}
		if found.Problem == nil || !regexp.MustCompile(want.problem).MatchString(found.Problem.Message) {
			t.Errorf("%s is blocked with %+v, expected %s", run, found.Problem, want.problem)
		}
		f.expectFinding("blocked", run, "the language was corrected", "tidewire runs migrate "+run)
	}
}

func readRun(t *testing.T, f *doctorFixture, run string) journal.Run {
	t.Helper()
	client, err := control.Dial(f.config.Data)
	must(t, err)
	defer client.Close()
	found, _, err := client.Run(t.Context(), run)
	must(t, err)
	return found
}
