package sandbox_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/bindings/sandbox"
)

// BenchmarkCreateAndGet creates a contact and reads it, over loopback.
func BenchmarkCreateAndGet(b *testing.B) {
	s, err := sandbox.New(sandbox.Config{Apps: all.Apps(), Rules: all.Rules(), Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Start(b.Context(), "127.0.0.1:0"); err != nil {
		b.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{}}
	b.Cleanup(func() { client.CloseIdleConnections(); _ = s.Close() })
	send := func(method, path, body string) []byte {
		r, _ := http.NewRequestWithContext(b.Context(), method, s.URL("highlevel")+path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+sandbox.Token)
		r.Header.Set("Version", "2021-07-28")
		answer, err := client.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode > 299 {
			b.Fatal(answer.StatusCode, string(text), err)
		}
		return text
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		made := send("POST", "/contacts/", fmt.Sprintf(`{"locationId":"loc1","email":"c%d@example.com","firstName":"Ann"}`, n))
		send("GET", "/contacts/"+gjson.GetBytes(made, "contact.id").String(), "")
	}
}

// BenchmarkNew measures New with all apps.
func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		s, err := sandbox.New(sandbox.Config{Apps: all.Apps(), Rules: all.Rules(), Seed: 1})
		if err != nil {
			b.Fatal(err)
		}
		_ = s.Close()
	}
}
