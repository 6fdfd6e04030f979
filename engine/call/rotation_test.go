package call_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
)

// soakSettings is the environment variable with which the test binary runs as a
// process of the soak.
const soakSettings = "TIDEWIRE_TEST_CALLER"

// soakConfig is the input of a process of the soak, soakResult its output.
type (
	soakConfig struct {
		Data, URL string
		Callers   int
		Time      time.Duration
	}
	soakResult struct {
		Calls, Failed int
		Errors        []string
	}
)

// strict is a vendor whose access tokens are valid for a second and whose refresh
// tokens are valid once, without any grace.
type strict struct {
	mu        sync.Mutex
	given     int
	refresh   string
	access    map[string]time.Time // when it ends
	spent     map[string]bool
	reused    int
	refreshes int
	refused   int
}

func (s *strict) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.URL.Path != "/token" {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if end, found := s.access[token]; !found || time.Now().After(end) {
			s.refused++
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, `{"pong":true}`)
		return
	}
	_ = r.ParseForm()
	token := r.PostForm.Get("refresh_token")
	if token != s.refresh {
		if s.spent[token] {
			s.reused++
		}
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"invalid_grant"}`)
		return
	}
	s.refreshes++
	s.spent[token] = true
	s.given++
	s.refresh = fmt.Sprintf("refresh-%d", s.given)
	access := fmt.Sprintf("access-%d", s.given)
	s.access[access] = time.Now().Add(time.Second)
	delete(s.access, fmt.Sprintf("access-%d", s.given-5))
	fmt.Fprintf(w, `{"access_token":%q,"refresh_token":%q,"expires_in":1,"token_type":"Bearer"}`, access, s.refresh)
}

func (s *strict) made() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refreshes
}

// TestRotation is a soak: two processes with a hundred callers each share one
// connection whose tokens are valid for a second. No call fails, and no spent
// refresh token is sent again.
func TestRotation(t *testing.T) {
	vendor := &strict{refresh: "refresh-0", access: map[string]time.Time{}, spent: map[string]bool{}}
	server := httptest.NewServer(vendor)
	defer server.Close()
	settings, err := json.Marshal(soakConfig{Data: t.TempDir(), URL: server.URL, Callers: 100, Time: soakTime})
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var both sync.WaitGroup
	for i := range 2 {
		both.Go(func() {
			process := exec.CommandContext(t.Context(), self)
			process.Env = append(os.Environ(), soakSettings+"="+string(settings))
			process.Stderr = os.Stderr
			out, err := process.Output()
			var result soakResult
			if err == nil {
				err = json.Unmarshal(out, &result)
			}
			if err != nil || result.Failed > 0 || result.Calls < 200 {
				t.Errorf("process %d: %+v, %v", i, result, err)
			}
			t.Logf("process %d: %d calls", i, result.Calls)
		})
	}
	both.Wait()
	t.Logf("%d refreshes, %d calls came a moment late and were made again", vendor.refreshes, vendor.refused)
	if vendor.reused > 0 || vendor.refreshes < 3 {
		t.Errorf("%d refreshes, %d of a spent token", vendor.refreshes, vendor.reused)
	}
}

// beCaller runs one process of the soak.
func beCaller(text string) error {
	var config soakConfig
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		return err
	}
	catalogue, err := bindings.ParseCatalogue([]byte(crm))
	if err != nil {
		return err
	}
	vendor := &bindings.App{Name: "crm", BaseURL: config.URL, Catalogue: catalogue, Auth: []bindings.Auth{{
		Name: "oauth", Fields: []string{"client_id", "client_secret"}, Header: "Authorization", Format: "Bearer {access_token}",
		OAuth: &bindings.OAuth{TokenURL: config.URL + "/token", Rotates: true},
	}}}
	set, err := connection.New(connection.Config{
		Apps: []*bindings.App{vendor}, Folder: config.Data, HTTP: call.NewTokenHTTPClient(nil),
		Settings: []connection.Settings{{Name: "crm", Credentials: map[string]string{
			"client_id": "id", "client_secret": "secret", "refresh_token": "refresh-0"}}},
	})
	if err != nil {
		return err
	}
	defer set.Close()
	client := call.New(call.Config{Connections: set})
	defer client.Close()
	ping, _ := catalogue.Operation(safe)
	ctx, cancel := context.WithTimeout(context.Background(), config.Time)
	defer cancel()
	var result soakResult
	var mu sync.Mutex
	var callers sync.WaitGroup
	for range config.Callers {
		callers.Go(func() {
			for pause := time.NewTicker(20 * time.Millisecond); ; {
				select {
				case <-ctx.Done():
					pause.Stop()
					return
				case <-pause.C:
				}
				_, err := client.Do(context.Background(), call.Request{App: vendor, Operation: ping, Connection: "crm"})
				mu.Lock()
				result.Calls++
				if err != nil {
					if result.Failed++; len(result.Errors) < 5 {
						result.Errors = append(result.Errors, err.Error())
					}
				}
				mu.Unlock()
			}
		})
	}
	callers.Wait()
	return json.NewEncoder(os.Stdout).Encode(result)
}

// TestKilledInARefresh kills a process in the middle of a refresh: the vendor has
// spent the refresh token, and its answer never arrives. After the next start the
// refresh is made again within the vendor's grace, and calls work.
func TestKilledInARefresh(t *testing.T) {
	vendor := &strict{refresh: "refresh-0", access: map[string]time.Time{}, spent: map[string]bool{}}
	var first sync.Once
	spent, killed := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lost := false
		if r.URL.Path == "/token" {
			first.Do(func() { lost = true })
		}
		if !lost {
			vendor.ServeHTTP(w, r)
			return
		}
		vendor.ServeHTTP(httptest.NewRecorder(), r) // done, and the answer is lost
		vendor.mu.Lock()
		vendor.refresh = "refresh-0" // the grace
		vendor.mu.Unlock()
		close(spent)
		<-killed
	}))
	defer server.Close()
	settings, err := json.Marshal(soakConfig{Data: t.TempDir(), URL: server.URL, Callers: 3, Time: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	start := func() *exec.Cmd {
		p := exec.CommandContext(t.Context(), self)
		p.Env = append(os.Environ(), soakSettings+"="+string(settings))
		return p
	}
	process := start()
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	<-spent
	if err := process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := process.Wait(); err == nil {
		t.Fatal("the process ended by itself")
	}
	close(killed)
	out, err := start().Output()
	var result soakResult
	if err == nil {
		err = json.Unmarshal(out, &result)
	}
	if err != nil || result.Failed > 0 || result.Calls == 0 || vendor.made() < 2 {
		t.Errorf("after the restart: %+v, %v, %d refreshes", result, err, vendor.made())
	}
}
