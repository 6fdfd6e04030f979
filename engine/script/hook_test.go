package script_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/script"
)

var update = flag.Bool("update", false, "write the golden files anew")

// connections reports whether the tests have a connection of a name.
func connections(name string) bool {
	return name == "shop" || name == "shop/paris" || name == "qonto/paris"
}

// TestHooks registers hooks and compares the result with a golden file: the Lua,
// dashes, and the hook or the error.
func TestHooks(t *testing.T) {
	tests := []struct{ name, lua string }{
		{"record lane by default", `on("shop.order.created", f)`},
		{"no record, no lane", `on("shop.client.created", f)`},
		{"a list of triggers", `on({ "shop.order.created", "shop.client.created" }, { name = "both" }, f)`},
		{"default name of a list", `on({ "shop.order.created", "emit:x" }, f)`},
		{"wildcard of a noun", `on("shop.order.*", f)`},
		{"wildcard of a verb", `on("shop.*.created", f)`},
		{"what the vendor sends and the catalogue does not have", `on("shop.event.other", f)`},
		{"emit", `on("emit:deal.won", f)`},
		{"a failed run", `on("run.failed", f)`},
		{"every", `every("15m", f)`},
		{"every with a zone", `every("monday  at 9:00", { tz = "Europe/Paris", name = "report" }, f)`},
		{"where", `on("shop.order.created", { where = { status = "paid", kind = { "a", "b<c" }, ["client.vip"] = true, n = 3 } }, f)`},
		{"where as a function", `on("shop.order.created", { where = f }, f)`},
		{"lane of a path", `on("shop.order.created", { lane = "client.id" }, f)`},
		{"lane of paths", `on("shop.order.created", { lane = { "client.id", "kind" } }, f)`},
		{"no lane", `on("shop.order.created", { lane = false }, f)`},
		{"side by side", `on("shop.order.created", { overlap = "parallel" }, f)`},
		{"one by one", `on("shop.order.created", { overlap = "queue" }, f)`},
		{"a connection by its part", `on("shop.order.created", { connection = "paris" }, f)`},
		{"a connection by its whole name", `on("shop.order.created", { connection = "shop/paris" }, f)`},
		{"the default connection", `on("shop.order.created", { connection = "shop" }, f)`},
		{"an emitted event's connection", `on("emit:x", { connection = "qonto/paris" }, f)`},
		{"limits and timeout", `on("emit:x", { timeout = "2 minutes", limits = { instructions = 5e6, memory = "64MB", time = "5s", steps = 50, output = 1000, depth = 20, string_length = "1 MB" } }, f)`},
		{"standard webhooks", `on("in:/orders", { verify = { scheme = "standard-webhooks", secret = secret "orders" }, id = "order.id" }, f)`},
		{"hmac", `on("in:/orders/new", { verify = { scheme = "hmac", header = "x-signature", prefix = "sha256=", secret = secret "orders" } }, f)`},
		{"bearer", `on("in:/orders", { verify = { scheme = "bearer", secret = secret "orders" } }, f)`},
		{"a token in a header of its own", `on("in:/orders", { verify = { scheme = "bearer", header = "X-Token", secret = secret "orders" } }, f)`},
		{"anybody", `on("in:/orders", { verify = "none" }, f)`},

		{"any hmac", `on("in:/orders", { verify = { scheme = "hmac", header = "X-Sig", value = "t={time},v1={signature}", signed = "{time}.{body}", algorithm = "hmac-sha512", encoding = "base64", tolerance = "10m", secret = { secret "old", secret "new" } } }, f)`},
		{"hmac with a time in a header of its own", `on("in:/orders", { verify = { scheme = "hmac", header = "X-Sig", signed = "{time}{url}{body}", time_header = "x-time", secret = secret "orders" } }, f)`},
		{"hmac in the body", `on("in:/orders", { verify = { scheme = "hmac", signature_field = "sig", time_field = "at", id_field = "nonce", secret = secret "orders" } }, f)`},
		{"hmac in the body without its id", `on("in:/orders", { verify = { scheme = "hmac", signature_field = "sig", time_field = "at", secret = secret "orders" } }, f)`},
		{"a preset that signs an id, and another id", `on("in:/orders", { verify = { scheme = "mailgun", secret = secret "orders" }, id = "event-data.id" }, f)`},
		{"hmac in the body and in a header", `on("in:/orders", { verify = { scheme = "hmac", signature_field = "sig", header = "X-Sig", secret = secret "orders" } }, f)`},
		{"hmac with the hash of a body", `on("in:/orders", { verify = { scheme = "hmac", header = "X-Sig", signed = "{url}{body}", body_hash = "hash", secret = secret "orders" } }, f)`},
		{"a preset", `on("in:/orders", { verify = { scheme = "stripe", secret = secret "orders" } }, f)`},
		{"basic", `on("in:/orders", { verify = { scheme = "basic", user = "shop", secret = secret "orders" } }, f)`},
		{"a token in the address", `on("in:/orders", { verify = { scheme = "query", secret = secret "orders" } }, f)`},
		{"basic without a user", `on("in:/orders", { verify = { scheme = "basic", secret = secret "orders" } }, f)`},
		{"one of two secrets in plain text", `on("in:/orders", { verify = { scheme = "bearer", secret = { secret "old", "new" } } }, f)`},
		{"too many secrets", `on("in:/orders", { verify = { scheme = "bearer", secret = { secret "a", secret "b", secret "c", secret "d", secret "e" } } }, f)`},
		{"unknown algorithm", `on("in:/orders", { verify = { scheme = "hmac", header = "X-Sig", algorithm = "md5", secret = secret "orders" } }, f)`},
		{"unknown word in signed", `on("in:/orders", { verify = { scheme = "hmac", header = "X-Sig", signed = "{date}{body}", secret = secret "orders" } }, f)`},
		{"a body that is not signed", `on("in:/orders", { verify = { scheme = "hmac", header = "X-Sig", signed = "{url}", secret = secret "orders" } }, f)`},
		{"a time that is nowhere", `on("in:/orders", { verify = { scheme = "hmac", header = "X-Sig", signed = "{time}{body}", secret = secret "orders" } }, f)`},
		{"a value without the signature", `on("in:/orders", { verify = { scheme = "hmac", header = "X-Sig", value = "t={time}", secret = secret "orders" } }, f)`},
		{"prefix and value", `on("in:/orders", { verify = { scheme = "hmac", header = "X-Sig", prefix = "a", value = "{signature}", secret = secret "orders" } }, f)`},
		{"tolerance without a time", `on("in:/orders", { verify = { scheme = "github", tolerance = "1m", secret = secret "orders" } }, f)`},
		{"misspelt preset", `on("in:/orders", { verify = { scheme = "strip", secret = secret "orders" } }, f)`},
		{"an answer", `on("in:/orders", { verify = "none", respond = true, within = "5s" }, f)`},
		{"two that answer", `on("in:/a", { verify = "none", respond = true }, f) on("in:/a", { name = "two", verify = "none", respond = true }, f)`},
		{"one of two answers", `on("in:/a", { verify = "none", respond = true }, f) on("in:/a", { name = "two", verify = "none" }, f)`},
		{"bad respond", `on("in:/orders", { verify = "none", respond = "yes" }, f)`},
		{"an answer elsewhere", `on("emit:x", { respond = true }, f)`},
		{"within without respond", `on("in:/orders", { verify = "none", within = "5s" }, f)`},
		{"within too long", `on("in:/orders", { verify = "none", respond = true, within = "5m" }, f)`},
		{"an answer to an app", `on("shop.menu.opened", { respond = true }, f)`},
		{"an answer to an app, sooner", `on("shop.menu.*", { respond = true, within = "1s", lane = "id" }, f)`},
		{"an answer to an app and an address", `on({ "shop.menu.opened", "in:/menu" }, { verify = "none", respond = true }, f)`},
		{"an answer to an app, later", `on("shop.menu.opened", { respond = true, within = "3s" }, f)`},
		{"an answer that an app does not read", `on("shop.order.created", { respond = true }, f)`},
		{"an answer that an app does not always read", `on("shop.*.*", { respond = true }, f)`},
		{"two that answer an app", `on("shop.menu.opened", { respond = true }, f) on("shop.menu.*", { respond = true, where = { id = "a" } }, f)`},
		{"two that answer different events of an app", `on("shop.menu.opened", { respond = true, where = { id = { "a", "b" } } }, f) on("shop.menu.*", { respond = true, where = { id = "c" } }, f)`},
		{"methods", `on("in:/orders", { verify = "none", methods = { "POST", "GET", "GET" }, raw = true }, f)`},
		{"an id in a header", `on("in:/orders", { verify = "none", id = { header = "x-github-delivery" } }, f)`},
		{"an id in the query", `on("in:/orders", { verify = "none", id = { query = "id" } }, f)`},
		{"unknown method", `on("in:/orders", { verify = "none", methods = { "get" } }, f)`},
		{"no methods", `on("in:/orders", { verify = "none", methods = {} }, f)`},
		{"methods elsewhere", `on("emit:x", { methods = { "GET" } }, f)`},
		{"bad raw", `on("in:/orders", { verify = "none", raw = "yes" }, f)`},
		{"an id in two places", `on("in:/orders", { verify = "none", id = { query = "id", header = "X-Id" } }, f)`},
		{"an id nowhere", `on("in:/orders", { verify = "none", id = { cookie = "id" } }, f)`},
		{"bad name of a header with the id", `on("in:/orders", { verify = "none", id = { header = 5 } }, f)`},

		{"misspelt trigger", `on("shop.order.creatd", f)`},
		{"misspelt app", `on("shopp.order.created", f)`},
		{"no such trigger", `on("shop.fax.received", f)`},
		{"no trigger at all", `on("orders", f)`},
		{"wildcard without a match", `on("shop.fax.*", f)`},
		{"wildcard of two parts", `on("shop.*", f)`},
		{"the engine's", `on("run.finished", f)`},
		{"bad path", `on("in:orders", { verify = "none" }, f)`},
		{"bad emit", `on("emit:", f)`},
		{"bad schedule", `every("day at 25:00", f)`},
		{"bad zone", `every("day", { tz = "Europe/Pari" }, f)`},
		{"bad lane", `on("shop.order.created", { lane = 5 }, f)`},
		{"bad where", `on("shop.order.created", { where = "paid" }, f)`},
		{"where with a table", `on("shop.order.created", { where = { client = { vip = true } } }, f)`},
		{"where with an empty list", `on("shop.order.created", { where = { kind = json.array {} } }, f)`},
		{"bad timeout", `on("shop.order.created", { timeout = -1 }, f)`},
		{"seconds", `on("shop.order.created", { timeout = 1.5 }, f)`},
		{"bad unit", `on("shop.order.created", { timeout = "30 parsecs" }, f)`},
		{"bad name", `on("shop.order.created", { name = "" }, f)`},
		{"unknown limit", `on("shop.order.created", { limits = { memroy = "1MB" } }, f)`},
		{"limit above the ceiling", `on("shop.order.created", { limits = { memory = 1e12, time = "10h" } }, f)`},
		{"bad limit", `on("shop.order.created", { limits = { memory = "much", steps = -1 } }, f)`},
		{"unknown connection", `on("shop.order.created", { connection = "pari" }, f)`},
		{"another app's connection", `on("shop.order.created", { connection = "qonto/paris" }, f)`},
		{"unknown overlap", `on("shop.order.created", { overlap = "paralel" }, f)`},
		{"contradiction", `on("shop.order.created", { overlap = "parallel", lane = "client.id" }, f)`},
		{"verify elsewhere", `on("shop.order.created", { verify = "none" }, f)`},
		{"no verify", `on("in:/orders", f)`},
		{"unknown scheme", `on("in:/orders", { verify = { scheme = "hmca", secret = secret "orders" } }, f)`},
		{"plain secret", `on("in:/orders", { verify = { scheme = "bearer", secret = "s3cret" } }, f)`},
		{"hmac without a header", `on("in:/orders", { verify = { scheme = "hmac", secret = secret "orders" } }, f)`},
		{"too much in verify", `on("in:/orders", { verify = { scheme = "bearer", secret = secret "orders", encoding = "hex" } }, f)`},
		{"debounce", `on({ "shop.order.created", "shop.order.updated" }, { debounce = "10s" }, f)`},
		{"debounce in a lane of its own", `on("in:/orders", { verify = "none", debounce = 2, lane = "client.id" }, f)`},
		{"debounce of failures", `on("run.failed", { debounce = "1m" }, f)`},
		{"changed", `on("shop.order.*", { changed = "client.status" }, f)`},
		{"changed of requests", `on("in:/orders", { verify = "none", changed = "order.status", record = "order.id" }, f)`},
		{"changed of requests without a record", `on("in:/orders", { verify = "none", changed = "order.status" }, f)`},
		{"changed of requests and events", `on({ "in:/orders", "shop.order.created" }, { verify = "none", changed = "status", record = "id" }, f)`},
		{"record with overlap", `on("in:/orders", { verify = "none", record = "id", overlap = "skip" }, f)`},
		{"record elsewhere", `on("shop.order.created", { record = "id" }, f)`},
		{"bad record", `on("in:/orders", { verify = "none", record = { "a" } }, f)`},
		{"bad path in record", `on("in:/orders", { verify = "none", record = "order." }, f)`},
		{"retry", `on("shop.order.created", { retry = { attempts = 3, first = 2, max = "1h" } }, f)`},
		{"never again", `on("shop.order.created", { retry = { attempts = 1 } }, f)`},
		{"retry later", `on("shop.order.created", { retry = { first = "1 hour" } }, f)`},
		{"retry sooner", `on("shop.order.created", { retry = { max = "1s" } }, f)`},
		{"retry by default", `on("shop.order.created", { retry = {} }, f)`},
		{"on_uncertain", `on("shop.order.created", { on_uncertain = "retry" }, f)`},
		{"skip", `on("shop.order.created", { overlap = "skip" }, f)`},
		{"replace", `every("15m", { overlap = "replace" }, f)`},
		{"missed", `every("day", { missed = "last" }, f)`},
		{"all missed", `every("day", { missed = "all" }, f)`},

		{"bad debounce", `on("shop.order.created", { debounce = "soon" }, f)`},
		{"debounce without a record", `on("shop.client.created", { debounce = "10s" }, f)`},
		{"debounce without a record in a list", `on({ "shop.order.created", "in:/orders" }, { verify = "none", debounce = "10s" }, f)`},
		{"debounce without a record in a wildcard", `on("shop.*.created", { debounce = "10s" }, f)`},
		{"debounce of what is emitted", `on("emit:x", { debounce = "10s" }, f)`},
		{"debounce without a lane", `on("shop.order.created", { debounce = "10s", lane = false }, f)`},
		{"debounce side by side", `on("shop.order.created", { debounce = "10s", overlap = "parallel" }, f)`},
		{"echo", `on("shop.order.created", { echo = true }, f)`},
		{"bad echo", `on("shop.order.created", { echo = "yes" }, f)`},
		{"debounce with a function", `on("shop.order.created", { debounce = "10s", where = f }, f)`},
		{"skip with a function", `on("shop.order.created", { overlap = "skip", where = f }, f)`},
		{"skip without a lane", `on("in:/orders", { verify = "none", overlap = "skip" }, f)`},
		{"changed with a function", `on("shop.order.created", { changed = "status", where = f }, f)`},
		{"changed without a record", `on({ "shop.order.created", "emit:x" }, { changed = "status" }, f)`},
		{"bad changed", `on("shop.order.created", { changed = { "a", "b" } }, f)`},
		{"bad path in changed", `on("shop.order.created", { changed = "client..status" }, f)`},
		{"bad lane and debounce", `on("shop.order.created", { debounce = "10s", lane = 5 }, f)`},
		{"bad retry", `on("shop.order.created", { retry = 3 }, f)`},
		{"no attempt", `on("shop.order.created", { retry = { attempts = 0 } }, f)`},
		{"too many attempts", `on("shop.order.created", { retry = { attempts = 1e6 } }, f)`},
		{"first after max", `on("shop.order.created", { retry = { first = "1h", max = "1m" } }, f)`},
		{"all wrong in retry", `on("shop.order.created", { retry = { atempts = 3, first = "x", max = -1 } }, f)`},
		{"bad on_uncertain", `on("shop.order.created", { on_uncertain = "rase" }, f)`},
		{"bad overlap", `on("shop.order.created", { overlap = true }, f)`},
		{"bad missed", `every("day", { missed = "first" }, f)`},
		{"missed elsewhere", `on("shop.order.created", { missed = "last" }, f)`},
		{"several at once", `on("shop.order.creatd", { timeout = {}, lane = 5 }, f)`},
		{"two agree on an address", `on("in:/a", { verify = "none" }, f) on("in:/a", { name = "two", verify = "none" }, f)`},
		{"two disagree on an address", `on("in:/a", { verify = "none" }, f) on("in:/a", { name = "two", verify = "none", id = "id" }, f)`},
	}
	var got strings.Builder
	for _, test := range tests {
		f := openWith(t, script.Config{Connections: connections}, "a.lua", "local function f() end\n"+test.lua)
		fmt.Fprintf(&got, "== %s\n%s\n--\n", test.name, test.lua)
		for _, p := range f.set.Problems() {
			fmt.Fprintf(&got, "%s\n", p.Error())
		}
		g := f.set.Generation()
		for i, h := range g.Hooks() {
			got.WriteString(show(t, h))
			s := g.Scripts["a"]
			if limits, err := json.Marshal(s.Limits[i]); err == nil && strings.Contains(test.lua, "limits") {
				fmt.Fprintf(&got, "  limits %s\n", limits)
			}
			for _, trigger := range h.Triggers {
				if by := g.Responder(&journal.Event{Type: trigger}); by != nil {
					fmt.Fprintf(&got, "  answered by %+v\n", *by)
				}
				if in, found := g.Inbound(strings.TrimPrefix(trigger, "in:")); found && strings.HasPrefix(trigger, "in:") {
					fmt.Fprintf(&got, "  inbound %+v\n", *in)
				}
			}
		}
		for _, s := range g.Schedules() {
			fmt.Fprintf(&got, "  schedule %q in %s\n", s.Timetable, s.Timetable.Zone())
		}
		got.WriteString("\n")
	}
	golden(t, "hooks.txt", got.String())
}

// show writes a hook without its version, which is a hash.
func show(t *testing.T, h *journal.Hook) string {
	t.Helper()
	text := fmt.Sprintf("hook %q on %q, lane %s %q", h.Name, h.Triggers, h.Lane.Kind, h.Lane.Paths)
	if h.Connection != "" {
		text += ", connection " + h.Connection
	}
	if h.Where != nil {
		where, err := json.Marshal(h.Where)
		if err != nil {
			t.Fatal(err)
		}
		text += ", where " + string(where)
	}
	if h.Timeout != 0 {
		text += ", timeout " + h.Timeout.String()
	}
	if h.Changed != "" {
		text += ", changed " + h.Changed
	}
	if h.Echo {
		text += ", echoes too"
	}
	if h.Overlap != journal.OverlapQueue {
		text += ", overlap " + string(h.Overlap)
	}
	if h.Debounce != 0 {
		text += ", debounce " + h.Debounce.String()
	}
	if r := h.Retry; r != (journal.Retry{Attempts: 5, First: 10 * time.Second, Max: 10 * time.Minute}) {
		text += fmt.Sprintf(", retry %d first %s max %s", r.Attempts, r.First, r.Max)
	}
	if h.OnUncertain != "hold" {
		text += ", on_uncertain " + h.OnUncertain
	}
	if h.Missed != "" {
		text += ", missed " + h.Missed
	}
	return text + "\n"
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wants := strings.Split(string(want), "\n\n")
	gots := strings.Split(got, "\n\n")
	for i := range gots {
		if i >= len(wants) || gots[i] != wants[i] {
			t.Errorf("got\n%s\nwant\n%s\n(go test -update writes %s anew)", gots[i], at(wants, i), path)
		}
	}
	if len(wants) > len(gots) {
		t.Errorf("%s has more", path)
	}
}

func at(texts []string, i int) string {
	if i < len(texts) {
		return texts[i]
	}
	return "nothing"
}

// TestMatch finds the hooks that an event reaches, in order.
func TestMatch(t *testing.T) {
	f := openWith(t, script.Config{Connections: connections},
		"b.lua", `
			on("shop.order.created", { name = "any" }, print)
			on("shop.order.*", { name = "noun" }, print)
			on("shop.*.created", { name = "verb", connection = "paris" }, print)
			on({ "shop.order.created", "shop.order.*" }, { name = "once" }, print)
			on("emit:deal.won", { name = "won" }, print)
			on("emit:deal.*", { name = "deal" }, print)
			on("in:/orders", { name = "in", verify = "none" }, print)
			on("run.failed", { name = "failed" }, print)
			every("15m", { name = "tick" }, print)`,
		"a.lua", `on("shop.order.created", { name = "first" }, print)`,
	)
	tests := []struct{ event, connection, want string }{
		{"shop.order.created", "shop", "first any noun once"},
		{"shop.order.created", "shop/paris", "first any noun verb once"},
		{"shop.order.updated", "shop/paris", "noun once"},
		{"shop.client.created", "shop/paris", "verb"},
		{"shop.client.created", "shop", ""},
		{"shop.fax.received", "shop", ""},
		{"emit:deal.won", "", "won deal"},
		{"emit:deal.lost", "", "deal"},
		{"emit:deal", "", ""},
		{"in:/orders", "", "in"},
		{"in:/other", "", ""},
		{"run.failed", "shop", "failed"},
		{"every", "", ""},
	}
	g := f.set.Generation()
	for _, test := range tests {
		var names []string
		for _, h := range g.Match(test.event, test.connection) {
			names = append(names, h.Name)
			if e := (&journal.Event{Type: test.event, Connection: test.connection}); !h.MatchesType(e.Type) || !h.Matches(e) {
				t.Errorf("%s: in the journal %q does not match", test.event, h.Name)
			}
		}
		if got := strings.Join(names, " "); got != test.want {
			t.Errorf("%s of %q reaches %q, want %q", test.event, test.connection, got, test.want)
		}
	}
	if s := g.Schedules(); len(s) != 1 || s[0].Hook.Name != "tick" {
		t.Errorf("schedules are %v", s)
	}
}

// TestSharedAnswer: of two scripts only one answers the senders of an address, or of
// the same events of an app.
func TestSharedAnswer(t *testing.T) {
	hook := func(name string) string {
		return `on("in:/orders", { name = "` + name + `", verify = "none", respond = true }, print)`
	}
	f := openWith(t, script.Config{}, "a.lua", hook("a"), "b.lua", hook("b"))
	f.want("a:a")
	if p := f.set.Problems(); len(p) != 1 || p[0].Error() != `b.lua:1: a second hook answers the senders of "in:/orders"; the first is at a.lua:1: give only one of them respond = true` {
		t.Errorf("problems are %q", p)
	}
	f = openWith(t, script.Config{}, "a.lua", `on("shop.menu.opened", { name = "a", respond = true, where = { id = "a" } }, print)`,
		"b.lua", `on("shop.menu.opened", { name = "b", respond = true, where = { id = "b" } }, print)`,
		"c.lua", `on("shop.menu.*", { name = "c", respond = true, where = { id = { "b", "c" } } }, print)`)
	f.want("a:a b:b")
	if p := f.set.Problems(); len(p) != 1 || !strings.Contains(p[0].Error(), `c.lua:1: a second hook answers the senders of "shop.menu.opened"; the first is at b.lua:1`) {
		t.Errorf("problems are %q", p)
	}
}

// TestSharedAddress: two scripts may receive requests at one address if both
// verify them in the same way; a later script that does not is not loaded.
func TestSharedAddress(t *testing.T) {
	post := func(name, verify string) string {
		return `on("in:/orders", { name = "` + name + `", verify = ` + verify + ` }, print)`
	}
	const token = `{ scheme = "bearer", secret = secret "orders" }`
	f := open(t, "a.lua", post("a", token), "b.lua", post("b", token))
	f.want("a:a b:b")
	reload := func() {
		t.Helper()
		if _, err := f.set.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	f.write("a.lua", post("aa", `"none"`))
	reload()
	f.want("a:a b:b")
	if p := f.set.Problems(); len(p) != 1 || p[0].Error() != `a.lua:1: "in:/orders" takes requests differently in the script "b" at b.lua:1; give both the same verify, id, methods and raw` || !p[0].LastVersionLive {
		t.Errorf("problems are %q", p)
	}
	f.write("b.lua", post("bb", `"none"`))
	reload()
	f.want("a:aa b:bb")
	f.write("c.lua", post("c", token))
	reload()
	f.want("a:aa b:bb")
	f.must(os.Remove(f.path("a.lua")))
	f.must(os.Remove(f.path("b.lua")))
	reload()
	f.want("c:c")
	if p := f.set.Problems(); len(p) != 0 {
		t.Errorf("problems are %q", p)
	}
	if in, found := f.set.Generation().Inbound("orders"); !found || in.Verify.Scheme != script.VerifyBearer {
		t.Errorf("inbound is %+v", in)
	}
}
