package subscription

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func registered(key string, change ...func(*journal.Subscription)) journal.Subscription {
	s := journal.Subscription{Key: key, Connection: "crm", Name: "events", State: journal.SubscriptionLive, ID: "id-" + key,
		Address: "ours " + key, Types: []string{"a", "b"}, Created: noon.Add(-time.Hour)}
	for _, c := range change {
		c(&s)
	}
	return s
}

func pending(s *journal.Subscription)   { s.State = journal.SubscriptionPending }
func replaced(s *journal.Subscription)  { s.State = journal.SubscriptionReplaced }
func young(s *journal.Subscription)     { s.Created = noon.Add(-time.Second) }
func elsewhere(s *journal.Subscription) { s.Address = "old address" }
func ends(in, of time.Duration) func(*journal.Subscription) {
	return func(s *journal.Subscription) { s.Expires, s.Renewed = noon.Add(in), noon.Add(in-of) }
}

func TestPlan(t *testing.T) {
	call := &bindings.Call{Operation: "x"}
	typed := bindings.Call{Operation: "c", Args: map[string]any{"types": "{types}"}}
	whole := bindings.Subscription{Create: typed, Update: call, Renew: call, Lifetime: time.Hour}
	rigid := bindings.Subscription{Create: typed, Lifetime: time.Hour}
	one := func(key string) entry { return entry{key: key, id: "id-" + key} }
	for _, c := range []struct {
		name     string
		sub      *bindings.Subscription
		want     string // types wanted, "-" for not wanted
		rows     []journal.Subscription
		listed   string // keys that the vendor lists, "none"; empty where it cannot
		mode     syncMode
		settled  bool // it has been wanted as it is for long
		unproven string
		expiring string
		lost     string
		acts     string
	}{
		{name: "nothing exists", want: "a b", mode: syncMode{register: true}, acts: "create"},
		{name: "nothing is there, by hand", want: "a b", acts: ""},
		{name: "it is as needed", want: "a b", rows: rows(registered("1")), listed: "1", mode: syncMode{register: true}, acts: "retain 1"},
		{name: "no script needs it", want: "-", rows: rows(registered("1")), mode: syncMode{register: true}, acts: "retain 1"},
		{name: "no script has wanted it for long", want: "-", rows: rows(registered("1")), mode: syncMode{register: true}, settled: true, acts: "remove 1"},
		{name: "no script needs it, and the command runs", want: "-", rows: rows(registered("1")), mode: syncMode{register: true, now: true}, acts: "remove 1"},
		{name: "no script needs it, manual", want: "-", rows: rows(registered("1")), settled: true, acts: "retain 1"},

		{name: "more types", want: "a b c", rows: rows(registered("1")), mode: syncMode{register: true}, acts: "update 1 to a b c"},
		{name: "more types and another less", want: "a c", rows: rows(registered("1")), mode: syncMode{register: true}, acts: "update 1 to a b c"},
		{name: "fewer types", want: "a", rows: rows(registered("1")), mode: syncMode{register: true}, acts: "retain 1"},
		{name: "fewer types for long", want: "a", rows: rows(registered("1")), mode: syncMode{register: true}, settled: true, acts: "update 1 to a"},
		{name: "more types, manual", want: "a b c", rows: rows(registered("1")), acts: "retain 1"},
		{name: "more types, and none can be updated", sub: &rigid, want: "a b c", rows: rows(registered("1")), mode: syncMode{register: true}, acts: "replace 1 to a b c"},

		{name: "a quarter of its lifetime is left", want: "a b", rows: rows(registered("1", ends(15*time.Minute, time.Hour))), acts: "renew 1 to a b"},
		{name: "more than a quarter is left", want: "a b", rows: rows(registered("1", ends(16*time.Minute, time.Hour))), acts: "retain 1"},
		{name: "the vendor answered a shorter lifetime", want: "a b", rows: rows(registered("1", ends(6*time.Minute, 20*time.Minute))), acts: "retain 1"},
		{name: "the vendor asks for it", want: "a b", rows: rows(registered("1", ends(50*time.Minute, time.Hour))), expiring: "1", acts: "renew 1 to a b"},
		{name: "due, and none can be renewed", sub: &rigid, want: "a b", rows: rows(registered("1", ends(time.Minute, time.Hour))), acts: "replace 1 to a b"},
		{name: "due, and no script needs it", want: "-", rows: rows(registered("1", ends(time.Minute, time.Hour))), acts: "retain 1"},
		{name: "it has ended", want: "a b", rows: rows(registered("1", ends(0, time.Hour))), acts: "create, drop 1"},
		{name: "it has ended, and no script needs it", want: "-", rows: rows(registered("1", ends(0, time.Hour))), acts: "drop 1"},

		{name: "the vendor has it no longer", want: "a b", rows: rows(registered("1")), listed: "none", acts: "create, drop 1"},
		{name: "the vendor's list lags behind", want: "a b", rows: rows(registered("1", young)), listed: "none", mode: syncMode{register: true}, acts: "retain 1"},
		{name: "a crash before the answer", want: "a b", rows: rows(registered("1", pending)), listed: "1", mode: syncMode{register: true}, acts: "adopt 1, retain 1"},
		{name: "a crash before it was created", want: "a b", rows: rows(registered("1", pending)), listed: "none", mode: syncMode{register: true}, acts: "create, drop 1"},
		{name: "a crash, and its secret is lost", want: "a b", rows: rows(registered("1", pending)), listed: "1", unproven: "1", mode: syncMode{register: true}, acts: "create"},
		{name: "a crash at a vendor without lists", want: "a b", rows: rows(registered("1", pending)), mode: syncMode{register: true}, acts: "create"},
		{name: "afterwards both are live for a while", want: "a b", rows: rows(registered("1", pending), registered("2", young)), mode: syncMode{register: true}, acts: "retain 2"},
		{name: "then the uncertain one is removed", want: "a b", rows: rows(registered("1", pending), registered("2")), mode: syncMode{register: true}, acts: "retain 2, remove 1"},
		{name: "a secret that is lost", want: "a b", rows: rows(registered("1")), listed: "1", unproven: "1", mode: syncMode{register: true}, acts: "create"},
		{name: "the address has changed", want: "a b", rows: rows(registered("1", elsewhere)), listed: "1", mode: syncMode{register: true}, acts: "create"},
		{name: "the old one with a young new one", want: "a b", rows: rows(registered("1", replaced), registered("2", young)), listed: "1 2", acts: "retain 2"},
		{name: "the old one with an older new one", want: "a b", rows: rows(registered("1", replaced), registered("2")), listed: "1 2", acts: "retain 2, remove 1"},
		{name: "two of them after a crash", want: "a b", rows: rows(registered("1"), registered("2", young)), listed: "1 2", acts: "retain 2, retire 1"},
		{name: "one that is not in the registry", want: "a b", rows: rows(registered("1")), listed: "1 9", mode: syncMode{register: true}, acts: "retain 1, remove unknown 9"},
		{name: "one that is not in the registry, manual", want: "a b", rows: rows(registered("1")), listed: "1 9", acts: "retain 1"},
		{name: "the journal is lost", want: "a b", listed: "9", mode: syncMode{register: true}, acts: "create, remove unknown 9"},
		{name: "the vendor reports its end, and has no list", want: "a b", rows: rows(registered("1")), lost: "1", mode: syncMode{register: true}, acts: "create"},
		{name: "webhooks were lost, and it exists", want: "a b", rows: rows(registered("1")), listed: "1", lost: "1", mode: syncMode{register: true}, acts: "retain 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := placeState{sub: c.sub, rows: c.rows, listed: c.listed != "", expiring: flags(c.expiring), lost: flags(c.lost), since: noon.Add(-time.Second)}
			if s.sub == nil {
				s.sub = &whole
			}
			for _, key := range strings.Fields(strings.TrimPrefix(c.listed, "none")) {
				s.entries = append(s.entries, one(key))
			}
			if c.want != "-" {
				s.target = &target{types: strings.Fields(c.want)}
			}
			if c.settled {
				s.since = noon.Add(-time.Hour)
			}
			s.secret = func(key string) bool { return key != c.unproven }
			s.ours = func(address string) bool { return strings.HasPrefix(address, "ours") }
			p := planner{now: noon, settle: time.Minute, mode: c.mode}
			var got []string
			for _, a := range p.plan(s) {
				text := string(a.kind)
				switch {
				case a.kind == removeUnknown:
					text += " " + a.entry.key
				case a.kind != create:
					text += " " + a.row.Key
				}
				if a.kind == update || a.kind == replace || a.kind == renew {
					text += " to " + strings.Join(a.types, " ")
				}
				got = append(got, text)
			}
			if text := strings.Join(got, ", "); text != c.acts {
				t.Errorf("got  %s\nwant %s", text, c.acts)
			}
		})
	}
}

func rows(all ...journal.Subscription) []journal.Subscription { return all }

func flags(keys string) map[string]bool {
	set := map[string]bool{}
	for _, key := range strings.Fields(keys) {
		set[key] = true
	}
	return set
}

// The time of the next plan is when something will be due.
func TestPlanHasTheNextTime(t *testing.T) {
	sub := &bindings.Subscription{Create: bindings.Call{Operation: "c"}, Renew: &bindings.Call{}, Lifetime: time.Hour}
	base := placeState{sub: sub, target: &target{}, secret: func(string) bool { return true }, ours: func(string) bool { return true }, since: noon}
	unwanted := base
	unwanted.target = nil
	unwanted.rows = rows(registered("1"))
	lives, beside := base, base
	lives.rows = rows(registered("1", ends(time.Hour, time.Hour)))
	beside.rows = rows(registered("1", replaced), registered("2", young))
	for what, c := range map[string]struct {
		s    placeState
		next time.Time
	}{
		"when it has settled": {unwanted, noon.Add(time.Minute)}, "when a quarter is left": {lives, noon.Add(45 * time.Minute)},
		"when the old one may go": {beside, noon.Add(59 * time.Second)},
	} {
		p := planner{now: noon, settle: time.Minute, mode: syncMode{register: true}}
		p.plan(c.s)
		if !p.next.Equal(c.next) {
			t.Errorf("%s: plans again at %v, want %v", what, p.next, c.next)
		}
	}
}

func TestAddress(t *testing.T) {
	p := place{"crm/paris", "events", "c1"}
	key := p.newKey()
	if other := p.newKey(); key == other || !strings.HasPrefix(other, p.prefix()+"-") || len(key) < 32 {
		t.Errorf("keys %q and %q", key, other)
	}
	if prefix := (place{"crm/paris", "events", "c2"}).prefix(); prefix == p.prefix() {
		t.Error("two places have one prefix")
	}
	address := addressOf("https://hooks.example.com/", "crm/paris", key)
	if address != "https://hooks.example.com/hooks/crm/paris?subscription="+key {
		t.Errorf("address %q", address)
	}
	for other, want := range map[string]string{
		address: key, strings.Replace(address, "https://hooks", "HTTPS://HOOKS", 1): key, address + "&more=1": key,
		"https://hooks.example.com/hooks/crm/paris":                       "", // given by hand
		"https://hooks.example.com/hooks/crm?subscription=" + key:         "",
		"http://hooks.example.com/hooks/crm/paris?subscription=" + key:    "",
		"https://hooks.example.org/hooks/crm/paris?subscription=" + key:   "",
		"https://hooks.example.com.evil/hooks/crm/paris?subscription=x":   "",
		"https://hooks.example.com/hooks/crm/paris/x?subscription=" + key: "",
		"://": "",
		"":    "",
	} {
		if got := keyAt("https://hooks.example.com", "crm/paris", other); got != want {
			t.Errorf("%s: got the key %q, want %q", other, got, want)
		}
	}
	if a, b := newSecret(), newSecret(); a == b || len(a) != 64 {
		t.Errorf("secrets %q and %q", a, b)
	}
}

// FuzzKeyAt reads addresses of vendors.
func FuzzKeyAt(f *testing.F) {
	for _, address := range []string{"https://h/hooks/crm?subscription=k", "https://h/hooks/crm?subscription=%zz", "https://h:99999/", "\x00", "h/hooks/crm"} {
		f.Add("https://h", address)
	}
	f.Fuzz(func(t *testing.T, public, address string) {
		if key := keyAt(public, "crm", address); key != "" && !strings.Contains(address, "?") {
			t.Errorf("a key %q in %q", key, address)
		}
		key := fmt.Sprint("k", len(address))
		if got := keyAt("https://h", "crm", addressOf("https://h", "crm", key)); got != key {
			t.Errorf("our own address: got %q", got)
		}
	})
}

func FuzzMoment(f *testing.F) {
	for _, text := range []string{"2026-03-01T12:00:00Z", "1767225600000", "-1", "99999999999999999999", "soon"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if at := moment(text); !at.IsZero() && at.Location() != time.UTC {
			t.Errorf("%q is in %v", text, at.Location())
		}
	})
}
