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

// testdata/format1 has scripts, and a journal of the last version with replay
// format 1 in which a run of each waits three days.
const (
	keptRun  = "run_1k1e4bycwvdekf"
	swapRun  = "run_1k1e4bydksfekf"
	countRun = "run_1k1e4byewg0ekf"
)

var format1Made = time.Date(2026, 11, 29, 21, 38, 0, 0, time.UTC)

// openFormat1 opens an engine on a copy of that journal, a while later.
func openFormat1(t *testing.T, later time.Duration) *clinic {
	t.Helper()
	c := &clinic{t: t, log: newBook()}
	dir := journaltest.Folder(t)
	began := time.Now()
	c.config = engine.Config{
		Listen: "127.0.0.1:0", Grace: patience, Scripts: filepath.Join(dir, "scripts"), Data: filepath.Join(dir, "data"),
		Log:   slog.New(slog.NewJSONHandler(c.log, nil)),
		Clock: shiftedClock{clock.System, func() time.Duration { return format1Made.Add(later).Sub(began) }},
	}
	must(t, os.Mkdir(c.config.Scripts, 0o755))
	must(t, os.Mkdir(c.config.Data, 0o700))
	for _, name := range []string{"kept.lua", "swap.lua", "count.lua"} {
		copyFile(t, filepath.Join("testdata", "format1", name), filepath.Join(c.config.Scripts, name))
	}
	copyFile(t, filepath.Join("testdata", "format1", "tidewire.db"), filepath.Join(c.config.Data, "tidewire.db"))
	c.start()
	t.Cleanup(func() { c.stop() })
	return c
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	must(t, err)
	must(t, os.WriteFile(to, content, 0o600))
}

func TestTheDoctorListsRunsOfAnOlderFormatBeforeTheyWake(t *testing.T) {
	t.Parallel()
	c := openFormat1(t, 0)
	if !strings.Contains(c.log.String(), `"live runs began before the language was corrected; tidewire doctor lists them","versions":3`) {
		t.Errorf("the log does not have the warning:\n%s", c.log)
	}
	for _, run := range []string{keptRun, swapRun, countRun} {
		c.finds("format", run, "replay format 1", "(now 2)", "tidewire runs migrate "+run)
	}
	must(t, c.engine.Migrate(t.Context(), keptRun))
	for run, want := range map[string]string{
		swapRun:  `step 2 was state.put {"verb":"put","key":"pair","value":{"a":"right","b":"right"}} (at swap.lua:6) and would be state.put {"verb":"put","key":"pair","value":{"a":"right","b":"left"}} (at swap.lua:6)`,
		countRun: `the script would end before step 2, wait (at count.lua:9)`,
	} {
		if err := c.engine.Migrate(t.Context(), run); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("migrate %s: found %v, expected %q", run, err, want)
		}
	}
	for _, f := range c.found() {
		if f.Run == keptRun {
			t.Errorf("after migrate the doctor still finds %+v", f)
		}
	}
}

func TestRunsOfAnOlderFormatGoOnWhereTheirRecordsFit(t *testing.T) {
	t.Parallel()
	c := openFormat1(t, 4*24*time.Hour)
	for _, run := range []string{keptRun, swapRun, countRun} {
		c.log.await(t, 0, `"run (parked|succeeded|failed)","run":"`+run)
	}
	const reason = `^the language was corrected since the run began \(replay format 1, now 2\) and the records do not fit any more: `
	for run, want := range map[string]struct {
		state   journal.State
		problem string
	}{
		keptRun:  {journal.Succeeded, ""},
		swapRun:  {journal.Blocked, reason + `step 2 was state.put .*"a":"right","b":"right".* and is now state.put .*"b":"left"`},
		countRun: {journal.Blocked, reason + `it ended after step 1, and its record goes on with step 2, wait \(at count.lua:9\)`},
	} {
		found := shown(t, c, run)
		if found.State != want.state {
			t.Errorf("%s is %s, expected %s: %+v", run, found.State, want.state, found.Problem)
		}
		if want.problem == "" {
			continue
		}
		if found.Problem == nil || !regexp.MustCompile(want.problem).MatchString(found.Problem.Message) {
			t.Errorf("%s is blocked with %+v, expected %s", run, found.Problem, want.problem)
		}
		c.finds("blocked", run, "the language was corrected", "tidewire runs migrate "+run)
	}
}

func shown(t *testing.T, c *clinic, run string) journal.Run {
	t.Helper()
	client, err := control.Dial(c.config.Data)
	must(t, err)
	defer client.Close()
	found, _, err := client.Run(t.Context(), run)
	must(t, err)
	return found
}
