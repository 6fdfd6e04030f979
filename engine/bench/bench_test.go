package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/journal/journaltest"
)

// fileLogger returns a logger to a file, like that of tidewire run.
func fileLogger(t testing.TB) *slog.Logger {
	file, err := os.Create(filepath.Join(journaltest.Folder(t), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return slog.New(slog.NewJSONHandler(file, nil))
}

// small returns a plan for a few seconds.
func small() plan {
	return plan{Senders: []int{1, 8}, Window: 200 * time.Millisecond, Rounds: 1, Steady: 40, Parked: 250, ParkedTime: 10 * time.Minute, History: 3_000, HistoryTime: 10 * time.Minute, HistoryRounds: 1}
}

func TestReport(t *testing.T) {
	dir := journaltest.Folder(t)
	report, err := run(t.Context(), Config{Quick: true, Dir: dir, Log: fileLogger(t)}, small())
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]float64{
		"senders": report.SenderPerSecond, "sync": report.SyncMicros,
		"accepts 1": report.AcceptsPerSecond[1], "accepts 8": report.AcceptsPerSecond[8],
		"runs 1": report.RunsPerSecond[1], "runs 8": report.RunsPerSecond[8],
		"p50": report.FirstCall.P50, "start": report.StartMillis, "history": report.HistoryRatio,
	} {
		if got <= 0 {
			t.Errorf("%s is %v", name, got)
		}
	}
	if report.FirstCall.P99 < report.FirstCall.P50 {
		t.Errorf("p99 %v is below p50 %v", report.FirstCall.P99, report.FirstCall.P50)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("it left %v behind (%v)", left, err)
	}

	text, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"accepts_per_s", "runs_per_s", "first_call_ms", "parked_bytes_per_run", "start_ms", "history_ratio"} {
		if !strings.Contains(string(text), `"`+key+`":`) {
			t.Errorf("%s has no %s", text, key)
		}
	}
	var table bytes.Buffer
	if err := report.Table(&table); err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{"accepted/s", "quick", "3000 old runs", "250 parked runs"} {
		if !strings.Contains(table.String(), words) {
			t.Errorf("the table does not contain %q:\n%s", words, table.String())
		}
	}
}

func TestCancelled(t *testing.T) {
	dir := journaltest.Folder(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("that is enough")
	config := Config{Dir: dir, Progress: func(what string) {
		if what == "whole runs" {
			cancel(stopped)
		}
	}}
	if _, err := run(ctx, config, small()); !errors.Is(err, stopped) {
		t.Errorf("it ended with %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("it left %v behind (%v)", left, err)
	}
}

// TestForgedPostIsAnError checks that webhooks of the benchmark are verified;
// otherwise the measurement would not include that work.
func TestForgedPostIsAnError(t *testing.T) {
	all, err := open(t.Context(), Config{Dir: journaltest.Folder(t)})
	if err != nil {
		t.Fatal(err)
	}
	err = all.with(t.Context(), all.newFolder(), func(r *instance) error {
		senders, err := all.senders(r, created).dial(t.Context(), 1)
		if err != nil {
			return err
		}
		defer closeAll(senders)
		if err := senders[0].post(1); err != nil {
			return err
		}
		forged := *senders[0]
		forged.body = []byte("something else is signed")
		if err := forged.post(2); err == nil || !strings.Contains(err.Error(), "401") {
			t.Errorf("a forged post was answered with %v", err)
		}
		return nil
	})
	if err := errors.Join(err, all.close()); err != nil {
		t.Fatal(err)
	}
}

func TestOrderBody(t *testing.T) {
	for _, kind := range []string{created, queued, parked} {
		body := orderBody(kind)
		if len(body) != bodySize || !json.Valid([]byte(body)) {
			t.Errorf("%s has %d bytes: %s", kind, len(body), body)
		}
	}
}

func TestQuantile(t *testing.T) {
	for _, test := range []struct {
		sorted []float64
		part   float64
		want   float64
	}{
		{nil, 0.5, 0}, {[]float64{7}, 0.99, 7}, {[]float64{1, 2, 3}, 0.5, 2}, {[]float64{1, 2, 3, 4}, 0.99, 4},
	} {
		if got := quantile(test.sorted, test.part); got != test.want {
			t.Errorf("quantile(%v, %v) is %v, expected %v", test.sorted, test.part, got, test.want)
		}
	}
}
