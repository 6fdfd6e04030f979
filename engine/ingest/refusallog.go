package ingest

import (
	"context"
	"log/slog"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	// maxLogged bounds each text of a sender in a log, in bytes.
	maxLogged = 200
	// maxRefusals is how many refusals of one cause are logged in a logWindow. Of
	// more, the log has the number.
	maxRefusals = 10
	logWindow   = time.Minute
)

// cause is why a request is refused, and at what it was sent. Both are words of
// ours, so that the number of causes is bounded.
type cause struct{ where, reason string }

// refusalLog decides which refusals are logged.
type refusalLog struct {
	mu    sync.Mutex
	began map[cause]time.Time
	count map[cause]int // since began
}

// omission is how many refusals of a cause are not in the log.
type omission struct {
	cause
	count int
	since time.Time
}

// add counts a refusal. It reports whether that is logged, and returns what was
// not logged in the windows that are over.
func (l *refusalLog) add(c cause, now time.Time) (logged bool, omitted []omission) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count == nil {
		l.began, l.count = map[cause]time.Time{}, map[cause]int{}
	}
	omitted = l.end(now)
	if l.count[c] == 0 {
		l.began[c] = now
	}
	l.count[c]++
	return l.count[c] <= maxRefusals, omitted
}

// end ends the windows that are over at a time. The caller holds the lock.
func (l *refusalLog) end(now time.Time) (omitted []omission) {
	for c, began := range l.began {
		if now.Sub(began) < logWindow {
			continue
		}
		if more := l.count[c] - maxRefusals; more > 0 {
			omitted = append(omitted, omission{c, more, began})
		}
		delete(l.began, c)
		delete(l.count, c)
	}
	return omitted
}

// endWindows is end, for a caller without the lock.
func (l *refusalLog) endWindows(now time.Time) []omission {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.end(now)
}

// logCounts logs what is omitted of refusals, until ctx is done.
func (s *Server) logCounts(ctx context.Context) {
	for ctx.Err() == nil {
		window, release := s.config.Clock.Timer(logWindow)
		select {
		case <-window:
			s.logOmissions(s.refusals.endWindows(s.config.Clock.Now()))
		case <-ctx.Done():
			s.logOmissions(s.refusals.endWindows(s.config.Clock.Now().Add(logWindow)))
		}
		release()
	}
}

// logRefusal logs a refusal, or counts it if there were many of its cause.
func (s *Server) logRefusal(c cause, args ...any) {
	logged, omitted := s.refusals.add(c, s.config.Clock.Now())
	s.logOmissions(omitted)
	if logged {
		s.config.Log.Warn("webhook refused", args...)
	}
}

func (s *Server) logOmissions(omitted []omission) {
	for _, o := range omitted {
		s.config.Log.Warn("more webhooks were refused", "app", o.where, "reason", o.reason, "count", o.count, "since", o.since)
	}
}

// forLog returns a text of a sender as it is logged.
func forLog(text string) string {
	if len(text) <= maxLogged {
		return text
	}
	n := maxLogged
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + "…"
}

// errorText is an error as it is logged.
func errorText(err error) slog.Attr { return slog.String("error", forLog(err.Error())) }
