package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/bindings/sandbox"
)

// Each command of the help does what it is for.
func TestSandboxHelp(t *testing.T) {
	apps, err := sandbox.New(sandbox.Config{Apps: all.Apps(), Rules: all.Rules()})
	if err != nil {
		t.Fatal(err)
	}
	defer apps.Close()
	if err := apps.Start(t.Context(), "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	engine := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer engine.Close()
	for _, app := range []string{"qonto", "slack"} {
		if err := apps.Subscribe(app, engine.URL, sandboxSecret); err != nil {
			t.Fatal(err)
		}
	}
	help := sandboxCommand(terminal{}, &logFlags{}).Long
	commands := regexp.MustCompile(`curl (?:-d '(.*)' )?http://127.0.0.1:4010/sandbox(/\S*)`).FindAllStringSubmatch(help, -1)
	if len(commands) != 5 {
		t.Fatalf("the help has %d commands, expected 5: %q", len(commands), commands)
	}
	for _, command := range commands {
		method := http.MethodPost
		if command[1] == "" {
			method = http.MethodGet
		}
		request, err := http.NewRequestWithContext(t.Context(), method, apps.URL("sandbox")+command[2], strings.NewReader(command[1]))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(answer.Body)
		if answer.Body.Close(); answer.StatusCode != http.StatusOK {
			t.Errorf("%s answered %d %s", command[0], answer.StatusCode, text)
		}
	}
	answer, err := http.Post(apps.URL("slack")+"/chat.postMessage", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if answer.Body.Close(); answer.StatusCode != http.StatusTooManyRequests || answer.Header.Get("Retry-After") != "5" {
		t.Errorf("a call of slack was answered %s, Retry-After %q", answer.Status, answer.Header.Get("Retry-After"))
	}
}
