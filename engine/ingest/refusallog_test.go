package ingest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/ingest"
)

// TestRefusalsInTheLog: of refused requests the log has ten of each cause a minute,
// with short texts, and then how many more there were.
func TestRefusalsInTheLog(t *testing.T) {
	var log bytes.Buffer
	clock := clock.NewManual(now)
	r := newReceiver(t, func(c *ingest.Config) { c.Clock, c.Log = clock, slog.New(slog.NewJSONHandler(&log, nil)) })
	handler := r.ingest.Handler()
	send := func(path string) {
		request, err := http.NewRequest(http.MethodPost, "http://x"+path, strings.NewReader(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		request.RemoteAddr = "192.0.2.1:5"
		handler.ServeHTTP(discardAnswer{}, request)
	}
	long := strings.Repeat("é", 5000)
	for i := range 500 {
		send(fmt.Sprintf("/hooks/%d%s", i, long))
		send(fmt.Sprintf("/in/%d%s", i, long))
	}
	records := read(t, &log)
	if len(records) != 20 {
		t.Fatalf("%d lines, want 20", len(records))
	}
	for _, record := range records {
		for key, value := range record {
			if text, isText := value.(string); isText && len(text) > 210 {
				t.Errorf("%s has %d bytes", key, len(text))
			}
		}
	}
	clock.Advance(59 * time.Second)
	send("/hooks/late")
	if records := read(t, &log); len(records) != 0 {
		t.Errorf("within the minute: %v", records)
	}
	clock.Advance(time.Second)
	send("/hooks/next")
	counts := map[string]any{}
	records = read(t, &log)
	for _, record := range records[:len(records)-1] {
		if record["msg"] != "more webhooks were refused" {
			t.Errorf("got %v", record)
		}
		counts[fmt.Sprint(record["app"], " ", record["reason"])] = record["count"]
	}
	if fmt.Sprint(counts) != "map[in path:490 other app:491]" || records[len(records)-1]["msg"] != "webhook refused" {
		t.Errorf("after the minute: %v, %v", counts, records)
	}
}

// TestEventInTheLog: a long id of an event is cut in the log.
func TestEventInTheLog(t *testing.T) {
	var log bytes.Buffer
	r := newReceiver(t, func(c *ingest.Config) { c.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
	body := fmt.Sprintf(`{"id":%q,"type":"v1/clients","data":{}}`, strings.Repeat("x", 100_000))
	if status, answer, _ := r.post(t, "/hooks/bank", body, signed(t, r.apps[1], 0, "bank-secret", now)); status != 200 {
		t.Fatalf("got %d %s", status, answer)
	}
	if log.Len() > 1000 {
		t.Errorf("the log has %d bytes", log.Len())
	}
}

// read returns the lines of a log since the last call.
func read(t *testing.T, log *bytes.Buffer) (records []map[string]any) {
	t.Helper()
	for line := range bytes.Lines(log.Bytes()) {
		var record map[string]any
		if err := json.Unmarshal(line, &record); err != nil {
			t.Fatal(err)
		}
		records = append(records, record)
	}
	log.Reset()
	return records
}

// discardAnswer is a writer of answers that nobody reads.
type discardAnswer struct{}

func (discardAnswer) Header() http.Header         { return http.Header{} }
func (discardAnswer) Write(p []byte) (int, error) { return len(p), nil }
func (discardAnswer) WriteHeader(int)             {}

// TestCountOfRefusalsIsLogged: the number of further refusals is logged when the
// minute is over, without another request, and at the end.
func TestCountOfRefusalsIsLogged(t *testing.T) {
	log := &lockedBuffer{grew: make(chan struct{}, 100)}
	clock := timerClock{clock.NewManual(now), make(chan struct{}, 100)}
	r := newReceiver(t, func(c *ingest.Config) { c.Clock, c.Log = clock, slog.New(slog.NewJSONHandler(log, nil)) })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- r.ingest.Serve(ctx, listener, time.Second) }()
	send := func(times int) {
		for range times {
			r.post(t, "/in/nowhere", `{}`, nil)
		}
	}
	send(15)
	for range 10 {
		<-log.grew
	}
	<-clock.timers
	clock.Advance(time.Minute)
	<-log.grew
	send(13)
	for range 10 {
		<-log.grew
	}
	stop()
	if err := <-served; err != nil {
		t.Fatal(err)
	}
	if text := log.String(); !strings.Contains(text, `"count":5`) || !strings.Contains(text, `"count":3`) {
		t.Errorf("the log is\n%s", text)
	}
}

// timerClock is a clock that reports each timer.
type timerClock struct {
	*clock.Manual
	timers chan struct{}
}

func (c timerClock) Timer(d time.Duration) (<-chan time.Time, func()) {
	defer func() { c.timers <- struct{}{} }()
	return c.Manual.Timer(d)
}

// lockedBuffer is a log that reports each line.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
	grew chan struct{}
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.grew <- struct{}{}
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
