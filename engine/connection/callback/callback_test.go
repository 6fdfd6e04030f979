package callback_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/engine/connection/callback"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func startSandbox(t *testing.T) *sandbox.Sandbox {
	t.Helper()
	apps, err := sandbox.New(sandbox.Config{Apps: all.Apps(), Rules: all.Rules(), Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := apps.Start(context.WithoutCancel(t.Context()), "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := apps.Close(); err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return apps
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

// page returns the status and text of what a browser gets.
func page(t *testing.T, method, address string) (int, string) {
	t.Helper()
	request, err := http.NewRequest(method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(answer.Header.Get("Content-Security-Policy"), "script-src") || answer.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("the page has the headers %v", answer.Header)
	}
	return answer.StatusCode, string(text)
}

// A request with another state, to another path or with another method is refused,
// and the server still waits for the right one.
func TestServer(t *testing.T) {
	at := "http://localhost:" + freePort(t)
	server, err := callback.Listen(at + "/callback")
	if err != nil {
		t.Fatal(err)
	}
	handled := 0
	waited := make(chan error, 1)
	go func() {
		waited <- server.Wait(t.Context(), func(q url.Values) bool { return q.Get("state") == "right" },
			func(context.Context, url.Values) (callback.Page, error) {
				handled++
				return callback.Page{Title: "Connected", Text: "<b>Done</b>"}, nil
			})
	}()
	for _, wrong := range []string{"/callback?state=wrong&code=c", "/other?state=right", "/", "/callback/?state=right"} {
		if status, text := page(t, "GET", at+wrong); status != 404 || !strings.Contains(text, "Nothing was changed") {
			t.Errorf("%s: %d %s", wrong, status, text)
		}
	}
	if status, _ := page(t, "POST", at+"/callback?state=right"); status != 404 {
		t.Errorf("a POST got %d", status)
	}
	status, text := page(t, "GET", at+"/callback?state=right&code=c")
	if err := <-waited; err != nil || status != 200 || handled != 1 {
		t.Fatalf("got %d, %v, handled %d times", status, err, handled)
	}
	if !strings.Contains(text, "&lt;b&gt;Done") {
		t.Errorf("the page is %s", text)
	}
}

// An error is shown in the browser and returned by Wait.
func TestServerReportsErrors(t *testing.T) {
	at := "http://127.0.0.1:" + freePort(t) + "/back"
	server, err := callback.Listen(at)
	if err != nil {
		t.Fatal(err)
	}
	waited := make(chan error, 1)
	wrong := errors.New("the code is old")
	go func() {
		waited <- server.Wait(t.Context(), func(url.Values) bool { return true }, func(context.Context, url.Values) (callback.Page, error) { return callback.Page{}, wrong })
	}()
	if _, text := page(t, "GET", at); !strings.Contains(text, "Not connected") || !strings.Contains(text, "the code is old") {
		t.Errorf("the page is %s", text)
	}
	if err := <-waited; !errors.Is(err, wrong) {
		t.Errorf("got %v", err)
	}
}

func TestServerIsCanceled(t *testing.T) {
	server, err := callback.Listen("http://127.0.0.1:" + freePort(t) + "/")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := server.Wait(ctx, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestServerIsOnThisMachine(t *testing.T) {
	for _, address := range []string{"https://localhost:1/x", "http://192.0.2.1:80/x", "http://example.com/x", "nonsense"} {
		if server, err := callback.Listen(address); err == nil {
			server.Close()
			t.Errorf("%s was opened", address)
		}
	}
}
