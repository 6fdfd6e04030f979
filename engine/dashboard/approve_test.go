package dashboard_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// TestOpeningChangesNothing opens the page as a link preview, a mail scanner and
// a person do.
func TestOpeningChangesNothing(t *testing.T) {
	d := serve(t, invoice())
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodGet} {
		p := d.person()
		got := p.do(p.request(method, d.link(), ""))
		if got.StatusCode != http.StatusOK || (got.body == "") != (method == http.MethodHead) {
			t.Errorf("%s answers %d with %d bytes", method, got.StatusCode, len(got.body))
		}
	}
	d.person().get(d.link()+"?thanks").wants(t, http.StatusOK, "Pay invoice 412?", "Approve Reject")
	if made := d.store.decision("a1"); made != nil {
		t.Errorf("a decision was made: %+v", made)
	}
	got := d.person().get(d.link())
	got.wants(t, http.StatusOK, "Pay invoice 412?", "Asked 28 March 2026, 10:00 UTC", "Closes 31 March 2026, 12:00 UTC, in 3 days",
		"Your name", "Note optional", "Approve Reject", "Asked by the run run-7")
	if !strings.Contains(got.body, ">Supplier: Atelier Durand\nAmount:   4,820.00 EUR\n\nDue on 4 April 2026.<") {
		t.Errorf("the text is not as it was written:\n%s", got.body)
	}
}

func TestDeciding(t *testing.T) {
	d := serve(t, invoice())
	p := d.person()
	got := p.choose(d.link(), "reject", "  Inès \u0000 Moreau ", " Too much:\r\nask again.\r\n")
	if got.StatusCode != http.StatusSeeOther {
		t.Fatalf("status is %d, want 303:\n%s", got.StatusCode, got.text())
	}
	want := journal.Decision{Choice: "reject", By: "Inès Moreau", Note: "Too much:\nask again.", At: noon}
	if made := d.store.decision("a1"); made == nil || *made != want {
		t.Fatalf("the decision is %+v, want %+v", made, want)
	}
	next, err := got.Request.URL.Parse(got.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	all := []string{"Reject", "by Inès Moreau, 28 March 2026, 12:00 UTC", "Too much: ask again.", "Pay invoice 412?"}
	p.get(next.String()).wants(t, http.StatusOK, append(all, "Thank you. Your answer was taken")...)
	d.clock.Advance(time.Hour)
	again := d.person().get(d.link())
	again.wants(t, http.StatusOK, append(all, "This is decided")...)
	if strings.Contains(again.body, "<form") {
		t.Error("a decided page still has a form")
	}
	if log := d.log.String(); !strings.Contains(log, "approval decided") || strings.Contains(log, d.link()) {
		t.Errorf("the log is\n%s", log)
	}
}

// TestSecondDecider sends an answer from a page that was opened before another
// person decided.
func TestSecondDecider(t *testing.T) {
	d := serve(t, invoice())
	late := d.person()
	form := late.fill(d.link(), "reject", "Late", "")
	d.person().choose(d.link(), "approve", "Early", "")
	for range 2 {
		late.do(late.request(http.MethodPost, d.link(), form.Encode())).wants(t, http.StatusConflict,
			"decided already, and your answer was not taken", "Approve", "by Early")
	}
	if log := d.log.String(); !strings.Contains(log, `msg="an answer to an approval has no effect" approval=a1 choice=reject by=Late from=127.0.0.1:`) {
		t.Errorf("the log is\n%s", log)
	}
	if made := d.store.decision("a1"); made.By != "Early" {
		t.Errorf("the decision is %+v", made)
	}
}

// TestTwoAtOnce sends several answers, each of which is read while the question
// is still open; one of them decides.
func TestTwoAtOnce(t *testing.T) {
	d := serve(t, invoice())
	const deciders = 8
	forms := make([]url.Values, deciders)
	people := make([]*person, deciders)
	for i := range deciders {
		people[i] = d.person()
		forms[i] = people[i].fill(d.link(), invoice().Choices[i%2], string(rune('A'+i)), "")
	}
	var open sync.WaitGroup
	open.Add(deciders)
	var readers sync.Map
	first := make(chan struct{}, deciders)
	for range deciders {
		first <- struct{}{}
	}
	d.store.read = func() {
		select {
		case <-first: // a decider's first reading returns only after all have read
			open.Done()
			open.Wait()
		default:
		}
	}
	var group sync.WaitGroup
	for i, p := range people {
		group.Go(func() {
			readers.Store(i, p.do(p.request(http.MethodPost, d.link(), forms[i].Encode())))
		})
	}
	group.Wait()
	made := d.store.decision("a1")
	accepted := 0
	readers.Range(func(_, value any) bool {
		got := value.(page)
		if got.StatusCode == http.StatusSeeOther {
			accepted++
		} else {
			got.wants(t, http.StatusConflict, "by "+made.By)
		}
		return true
	})
	if accepted != 1 {
		t.Errorf("%d answers were accepted, want 1", accepted)
	}
}

// TestRefusals sends answers that are refused, and decide nothing.
func TestRefusals(t *testing.T) {
	tests := []struct {
		name   string
		change func(d *server, form url.Values, r *http.Request) // before it is sent
		status int
		text   string
		form   bool // whether the page has the form again
	}{
		{"no name", func(_ *server, f url.Values, _ *http.Request) { f.Set("by", " \n ") }, 422, "Please enter your name", true},
		{"no choice", func(_ *server, f url.Values, _ *http.Request) { f.Del("choice") }, 422, "Please choose", true},
		{"another choice", func(_ *server, f url.Values, _ *http.Request) { f.Set("choice", "Approve") }, 422, "Please choose", true},
		{"no token", func(_ *server, f url.Values, _ *http.Request) { f.Del("token") }, 403, "no longer valid", true},
		{"another token", func(_ *server, f url.Values, _ *http.Request) { f.Set("token", "x"+f.Get("token")) }, 403, "no longer valid", true},
		{"another approval's token", func(d *server, f url.Values, r *http.Request) {
			cookie, _ := r.Cookie("tidewire-approval")
			p := d.person()
			get := p.request(http.MethodGet, d.dashboard.Link("a2", time.Time{}), "")
			get.AddCookie(cookie)
			f.Set("token", tokenField.FindStringSubmatch(p.do(get).body)[1])
		}, 403, "no longer valid", true},
		{"no cookie", func(_ *server, _ url.Values, r *http.Request) { r.Header.Del("Cookie") }, 403, "cookie", true},
		{"from another site", func(_ *server, _ url.Values, r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403, "another site", false},
		{"from another origin", func(_ *server, _ url.Values, r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403, "another site", false},
		{"a long name", func(_ *server, f url.Values, _ *http.Request) { f.Set("by", strings.Repeat("é", 101)) }, 422, "The name has 101 characters", false},
		{"a long note", func(_ *server, f url.Values, _ *http.Request) { f.Set("note", strings.Repeat("é", 2001)) }, 422, "The note has 2001 characters", false},
		{"a huge form", func(_ *server, f url.Values, _ *http.Request) { f.Set("note", strings.Repeat("x", 40_000)) }, 413, "too long", false},
		{"not a form", func(_ *server, _ url.Values, r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 415, "with the form", false},
		{"a broken form", func(_ *server, f url.Values, _ *http.Request) { f.Set("note", "%zz") }, 400, "did not arrive whole", false},
		{"too late", func(d *server, _ url.Values, _ *http.Request) { d.clock.Advance(72 * time.Hour) }, 410, "The time is over", false},
		{"gone", func(d *server, _ url.Values, _ *http.Request) { delete(d.store.all, "a1") }, 404, "Nothing to see", false},
		{"the run ended", func(d *server, _ url.Values, _ *http.Request) {
			d.store.read = func() { d.store.fail = journal.ErrState }
		}, 410, "No longer asked", false},
		{"a broken store", func(d *server, _ url.Values, _ *http.Request) { d.store.fail = errDisk }, 503, "Nothing was decided", false},
		{"a store that breaks", func(d *server, _ url.Values, _ *http.Request) {
			d.store.read = func() { d.store.fail = errDisk }
		}, 503, "Nothing was decided", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			other := invoice()
			other.ID = "a2"
			d := serve(t, invoice(), other)
			p := d.person()
			form := p.fill(d.link(), "approve", "Inès", "Fine by me.")
			r := p.request(http.MethodPost, d.link(), "")
			for _, c := range p.client.Jar.Cookies(r.URL) {
				r.AddCookie(c)
			}
			p.client.Jar = nil
			test.change(d, form, r)
			body := form.Encode()
			if test.name == "a broken form" {
				body = "note=%zz"
			}
			full := p.request(http.MethodPost, d.link(), body)
			full.Header = r.Header
			got := p.do(full)
			got.wants(t, test.status, test.text)
			if made := d.store.decision("a1"); made != nil {
				t.Errorf("a decision was made: %+v", made)
			}
			if strings.Contains(got.body, "<form") != test.form {
				t.Errorf("form is %v, want %v:\n%s", !test.form, test.form, got.text())
			}
			if test.form && !strings.Contains(got.body, ">Fine by me.</textarea>") {
				t.Error("what was written is lost")
			}
			if strings.Contains(got.body, errDisk.Error()) {
				t.Error("the page shows an error of the engine")
			}
		})
	}
}

// TestFormIsSentAgain sends a form without its cookie, then the form of the page
// that refuses it.
func TestFormIsSentAgain(t *testing.T) {
	d := serve(t, invoice())
	p := d.person()
	form := p.fill(d.link(), "approve", "Inès", "")
	other := d.person()
	got := other.do(other.request(http.MethodPost, d.link(), form.Encode()))
	got.wants(t, http.StatusForbidden)
	form.Set("token", tokenField.FindStringSubmatch(got.body)[1])
	if got = other.do(other.request(http.MethodPost, d.link(), form.Encode())); got.StatusCode != http.StatusSeeOther {
		t.Errorf("status is %d, want 303", got.StatusCode)
	}
}

// TestTwoTabs opens a page twice in one browser and sends the first form.
func TestTwoTabs(t *testing.T) {
	d := serve(t, invoice())
	p := d.person()
	form := p.fill(d.link(), "approve", "Inès", "")
	p.get(d.link())
	if got := p.do(p.request(http.MethodPost, d.link(), form.Encode())); got.StatusCode != http.StatusSeeOther {
		t.Errorf("status is %d, want 303", got.StatusCode)
	}
}

// TestProxy opens pages through a proxy, under another host than the engine's.
func TestProxy(t *testing.T) {
	d := serve(t, invoice())
	address := d.link()
	p := d.person()
	form := p.fill(address, "approve", "Inès", "")
	d.base = "https://hooks.example.com/tide/"
	if link := d.link(); !strings.HasPrefix(link, "https://hooks.example.com/tide/approve/a1/") {
		t.Errorf("the link is %s", link)
	}
	r := p.request(http.MethodPost, address, form.Encode())
	r.Header.Set("Origin", "https://hooks.example.com")
	got := p.do(r)
	if got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "?thanks" {
		t.Errorf("status is %d to %q, want 303 to ?thanks", got.StatusCode, got.Header.Get("Location"))
	}
}

func TestTooMany(t *testing.T) {
	d := serve(t, invoice())
	p := d.person()
	busy := 0
	for range 300 {
		if p.get(d.link()).StatusCode == http.StatusTooManyRequests {
			busy++
		}
	}
	if busy != 100 {
		t.Errorf("%d of 300 requests were refused, want 100", busy)
	}
	d.clock.Advance(time.Second)
	p.get(d.link()).wants(t, http.StatusOK, "Pay invoice")
}
