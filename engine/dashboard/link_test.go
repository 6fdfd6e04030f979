package dashboard_test

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/dashboard"
)

// TestLinks opens valid, invalid and expired links.
func TestLinks(t *testing.T) {
	other := invoice()
	other.ID = "a2"
	odd := invoice()
	odd.ID, odd.Expires = "odd/id ü?", time.Time{}
	d := serve(t, invoice(), other, odd)
	good := d.link()
	id, signature := good[:strings.LastIndex(good, ".")+1], good[strings.LastIndex(good, ".")+1:]
	foreign := dashboard.New(dashboard.Config{Store: d.store, Key: bytes.Repeat([]byte("x"), 32), BaseURL: func() string { return d.base }})
	tests := []struct {
		name, link string
		status     int
		text       string
	}{
		{"right", good, 200, "Pay invoice"},
		{"without an end", d.dashboard.Link("a1", time.Time{}), 200, "Pay invoice"},
		{"an id that needs escaping", d.dashboard.Link("odd/id ü?", time.Time{}), 200, "Pay invoice"},
		{"of an approval that is not there", d.dashboard.Link("a3", time.Time{}), 404, "Nothing to see"},
		{"expired", d.dashboard.Link("a1", noon), 410, "The time is over"},
		{"expired long ago", d.dashboard.Link("a1", time.Unix(1, 0)), 410, "The time is over"},
		{"another key", foreign.Link("a1", time.Time{}), 404, "Nothing to see"},
		{"another id", strings.Replace(good, "/a1/", "/a2/", 1), 404, "Nothing to see"},
		{"a later end", strings.TrimSuffix(id, ".") + "0." + signature, 404, "Nothing to see"},
		{"no end", strings.Replace(d.dashboard.Link("a1", noon), "/a1/"+"1774699200", "/a1/0", 1), 404, "Nothing to see"},
		{"no signature", id, 404, "Nothing to see"},
		{"half a signature", id + signature[:20], 404, "Nothing to see"},
		{"padded", good + "=", 404, "Nothing to see"},
		{"only the id", d.base + "/approve/a1", 404, "Nothing to see"},
		{"nothing", d.base + "/approve/", 404, "Nothing to see"},
		{"more", good + "/more", 404, "Nothing to see"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := d.person()
			p.get(test.link).wants(t, test.status, test.text)
			if test.status != http.StatusOK {
				got := p.do(p.request(http.MethodPost, test.link, "choice=approve&by=Mallory"))
				got.wants(t, test.status, test.text)
			}
		})
	}
	if made := d.store.decision("a1"); made != nil {
		t.Errorf("a decision was made: %+v", made)
	}
}

func TestMethods(t *testing.T) {
	d := serve(t, invoice())
	p := d.person()
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions} {
		got := p.do(p.request(method, d.link(), ""))
		got.wants(t, http.StatusMethodNotAllowed)
		if got.Header.Get("Allow") != "GET, HEAD, POST" {
			t.Errorf("%s: Allow is %q", method, got.Header.Get("Allow"))
		}
	}
}

// TestHeaders checks the headers of each kind of page.
func TestHeaders(t *testing.T) {
	d := serve(t, invoice())
	p := d.person()
	pages := map[string]page{
		"open": p.get(d.link()), "unknown": p.get(d.base + "/approve/x/y"), "expired": p.get(d.dashboard.Link("a1", noon)),
		"refused": p.choose(d.link(), "approve", "", ""), "accepted": p.choose(d.link(), "approve", "Inès", ""),
		"decided": p.get(d.link()), "late": p.do(p.request(http.MethodPost, d.link(), "choice=reject")),
	}
	for name, got := range pages {
		for header, want := range map[string]string{
			"Cache-Control": "no-store", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff",
			"Referrer-Policy": "same-origin", "X-Robots-Tag": "noindex, nofollow, noarchive", "Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got.Header.Get(header) != want {
				t.Errorf("%s: %s is %q, want %q", name, header, got.Header.Get(header), want)
			}
		}
		csp := got.Header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} {
			if !strings.Contains(csp, part) {
				t.Errorf("%s: the policy has no %q: %s", name, part, csp)
			}
		}
		if strings.Contains(csp, "script") || strings.Contains(csp, "unsafe") || strings.Contains(got.body, "<script") {
			t.Errorf("%s allows scripts: %s", name, csp)
		}
	}
	cookie := pages["open"].Header.Get("Set-Cookie")
	if !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Lax") || strings.Contains(cookie, "Secure") {
		t.Errorf("the cookie is %q", cookie)
	}
	d = serve(t, invoice())
	d.base = "https://" + strings.TrimPrefix(d.base, "http://")
	secure := d.person().get(strings.Replace(d.link(), "https://", "http://", 1))
	if cookie := secure.Header.Get("Set-Cookie"); !strings.Contains(cookie, "Secure") {
		t.Errorf("the cookie under https is %q", cookie)
	}
}

// TestMarkup has markup in all texts of scripts and people; it is shown as text.
func TestMarkup(t *testing.T) {
	const evil = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>{{.}}</textarea></style>`
	a := invoice()
	a.Title, a.Text, a.Run, a.Choices = evil, evil+"\njavascript:alert(3)", evil, []string{evil, "ok"}
	d := serve(t, a)
	p := d.person()
	refused := p.choose(d.link(), "", evil, evil)
	refused.wants(t, http.StatusUnprocessableEntity)
	open := p.get(d.link())
	if got := p.choose(d.link(), evil, evil, evil); got.StatusCode != http.StatusSeeOther {
		t.Fatalf("status is %d, want 303", got.StatusCode)
	}
	for name, got := range map[string]page{"open": open, "refused": refused, "decided": p.get(d.link())} {
		if !strings.Contains(got.body, "&lt;script&gt;alert(1)&lt;/script&gt;") {
			t.Errorf("%s does not show the text", name)
		}
		_, body, _ := strings.Cut(got.body, "</style>")
		for _, raw := range []string{"<script", "<img", "</style>", `"'>`} {
			if strings.Contains(body, raw) {
				t.Errorf("%s has %q as markup:\n%s", name, raw, got.body)
			}
		}
	}
}

func TestKey(t *testing.T) {
	dir := t.TempDir()
	keys := make([][]byte, 8)
	var group sync.WaitGroup
	for i := range keys { // engines that start at the same time get the same key
		group.Go(func() {
			var err error
			if keys[i], err = dashboard.Key(dir); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, key := range keys {
		if len(key) != 32 || !bytes.Equal(key, keys[0]) || bytes.Equal(key, make([]byte, 32)) {
			t.Fatalf("keys are %x", keys)
		}
	}
	path := filepath.Join(dir, "approval.key")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode is %v, %v; want 0600", info.Mode(), err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("%d files are left, want 1", len(files))
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := dashboard.Key(dir); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key that others can read: %v", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := dashboard.Key(dir); err == nil || !strings.Contains(err.Error(), "has 5 bytes, expected 32") {
		t.Errorf("a short key: %v", err)
	}
	if _, err := dashboard.Key(filepath.Join(dir, "gone")); err == nil {
		t.Error("a folder that does not exist has a key")
	}
}

// TestForeignKey refuses a key that somebody else may have put there.
func TestForeignKey(t *testing.T) {
	for name, c := range map[string]struct {
		change func(path string) error
		want   string
	}{
		"a link": {func(path string) error {
			return errors.Join(os.Rename(path, path+".other"), os.Symlink(path+".other", path))
		}, "is a link, expected a file"},
		"of another user": {func(path string) error { return os.Chown(path, 12345, 12345) }, "belongs to user 12345"},
	} {
		t.Run(name, func(t *testing.T) {
			if os.Geteuid() != 0 && name == "of another user" {
				t.Skip("only root can give a file to another user")
			}
			dir := t.TempDir()
			if _, err := dashboard.Key(dir); err != nil {
				t.Fatal(err)
			}
			if err := c.change(filepath.Join(dir, dashboard.KeyFile)); err != nil {
				t.Fatal(err)
			}
			if _, err := dashboard.Key(dir); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "run: ") {
				t.Errorf("got %v, expected %q and what to run", err, c.want)
			}
		})
	}
}
