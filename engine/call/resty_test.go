package call_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
)

// The timings of a sending show whether a slow call waited for a connection or
// for the vendor.
func TestTimings(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { reply(200, `{}`)(w) }))
	defer server.Close()
	var log bytes.Buffer
	s := start(t, nil, func(c *call.Config, _ *connection.Settings, a *bindings.App) {
		a.BaseURL, c.Transport = server.URL, server.Client().Transport
		c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	for range 2 {
		if _, err := s.do(t, safe, args[safe]); err != nil {
			t.Fatal(err)
		}
	}
	first, second := s.sendings[0].Timings, s.sendings[1].Timings
	if first.Reused || first.Connect <= 0 || first.TLS <= 0 || first.FirstByte <= 0 {
		t.Errorf("on a new connection the timings are %+v, want all but DNS", first)
	}
	if !second.Reused || second.Connect+second.TLS+second.DNS != 0 || second.FirstByte <= 0 {
		t.Errorf("on a reused connection the timings are %+v, want the first byte only", second)
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], " timings.reused=false timings.connect=") || !strings.Contains(lines[0], " timings.tls=") ||
		!strings.Contains(lines[1], " timings.reused=true timings.first_byte=") {
		t.Errorf("the log is\n%s", log.String())
	}
}
