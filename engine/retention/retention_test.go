package retention_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/file"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/retention"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// store answers one pruning after the other.
type store struct {
	answers chan error
	calls   chan journal.Retention
}

func (s store) Prune(_ context.Context, r journal.Retention) (journal.Pruned, error) {
	s.calls <- r
	return journal.Pruned{Runs: 1}, <-s.answers
}

func (store) NeedsFile(context.Context, string) (bool, error) { return true, nil }

// TestRun shows that pruning goes on after a failure, once each interval, and
// ends with the context or the store.
func TestRun(t *testing.T) {
	manual := clock.NewManual(time.Now())
	s := store{make(chan error, 1), make(chan journal.Retention)}
	var log bytes.Buffer
	age := journal.Retention{Age: time.Hour}
	p := retention.New(retention.Config{Store: s, Files: file.New(t.TempDir(), 0), Retention: age, Clock: manual, Log: slog.New(slog.NewTextHandler(&log, nil))})
	ended := make(chan error, 1)
	go func() { ended <- p.Run(t.Context()) }()
	for i, err := range []error{errors.New("disk full"), nil, journal.ErrClosed} {
		s.answers <- err
		var asked journal.Retention
		for asked == (journal.Retention{}) {
			select {
			case asked = <-s.calls:
			case <-time.After(time.Millisecond): // until the timer is set
				manual.Advance(10 * time.Minute)
			}
		}
		if asked != age {
			t.Errorf("pruning %d: found %+v, want %+v", i, asked, age)
		}
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if text := log.String(); strings.Count(text, "disk full") != 1 || strings.Count(text, "old runs deleted") != 1 {
		t.Errorf("the log is\n%s", text)
	}
}
