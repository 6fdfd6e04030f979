package engine_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/tidwall/gjson"
	"pgregory.net/rapid"

	"github.com/tidewire/tidewire/engine/journal"
)

// TestCrashedAtEveryStep makes random scripts and crashes the process at every
// durable write of each, just before it and just after it; then a new process
// continues. Where a script makes only calls that may be repeated, its run has
// the same records as without a crash. For the others, every side effect happens
// at most once, and the run ends in the same way or is held.
func TestCrashedAtEveryStep(t *testing.T) {
	checks := "20"
	switch {
	case soak:
		checks = "200"
	case testing.Short():
		checks = "3"
	}
	was := flag.Lookup("rapid.checks").Value.String()
	must(t, flag.Set("rapid.checks", checks))
	defer func() { must(t, flag.Set("rapid.checks", was)) }()
	crashes, uncertain, scripts := 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		unsafe := rapid.Bool().Draw(rt, "unsafe")
		source := drawScript(rt, unsafe)
		// For some crashes, the write at which the next process crashes too.
		seconds := rapid.SliceOfN(rapid.IntRange(0, 6), 16, 16).Draw(rt, "seconds")
		rt.Logf("%s", source)
		scripts++
		var wrong string
		t.Run("", func(t *testing.T) { // so that the cleanups of a fixture run after each script
			plain := newRunnerFixture(t, source, &vendor{})
			want, wantSteps, writes := plain.process(crashEvent, 0, false)
			if !want.State.Ended() && !(want.State == journal.Held && unsafe) {
				wrong = fmt.Sprintf("without a crash the run is %s: %+v", want.State, want.Park)
			}
			for at := 1; at <= writes.writes && wrong == ""; at++ {
				for _, after := range []bool{false, true} {
					crashes++
					v := &vendor{}
					r := newRunnerFixture(t, source, v)
					_, _, c := r.process(crashEvent, at, after)
					if second := seconds[crashes%len(seconds)]; second > 0 {
						_, _, again := r.process(crashEvent, second, !after)
						c.names = append(append(c.names, "CRASH"), again.names...)
					}
					got, steps, last := r.process(crashEvent, 0, false)
					if got.State == journal.Held {
						uncertain++
					}
					if text := difference(got, steps, want, wantSteps, v.effects(), unsafe); text != "" && wrong == "" {
						wrong = fmt.Sprintf("%s\ncrashed at write %d, after it: %v; the writes: %s, CRASH, %s", text, at, after,
							strings.Join(c.names, ", "), strings.Join(last.names, ", "))
					}
				}
			}
		})
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
	t.Logf("%d scripts, %d crashes, %d runs held", scripts, crashes, uncertain)
}

var crashEvent = journal.Event{ID: "shop:e1", Type: "shop.order.created", Connection: "shop", Account: "shop-1", Source: journal.Webhook,
	Record: "c1", Data: json.RawMessage(`{"id":"o1","customer":"c1"}`)}

func problem(r journal.Run) string {
	if r.Problem == nil {
		return ""
	}
	return r.Problem.Text()
}

// difference describes how a run that was crashed differs from one that was not,
// or returns "".
func difference(got journal.Run, steps []journal.Step, want journal.Run, wantSteps []journal.Step, done map[string]int, unsafe bool) string {
	for tag, n := range done {
		if n > 1 && !mayRepeat(tag) {
			return fmt.Sprintf("%q was done %d times", tag, n)
		}
	}
	switch {
	case got.State == journal.Held && unsafe:
		last := steps[len(steps)-1]
		if last.State != journal.Begun || last.Name != opUnsafe {
			return fmt.Sprintf("the run is held at step %d %s, which is %s", last.Number, last.Name, last.State)
		}
		if steps = steps[:len(steps)-1]; len(steps) < len(wantSteps) {
			wantSteps = wantSteps[:len(steps)]
		}
	case got.State != want.State || problem(got) != problem(want):
		return fmt.Sprintf("the run is %s: %q, want %s: %q", got.State, problem(got), want.State, problem(want))
	}
	if len(steps) != len(wantSteps) {
		return fmt.Sprintf("the run has %d steps, want %d", len(steps), len(wantSteps))
	}
	for i := range steps {
		if a, b := stepText(steps[i]), stepText(wantSteps[i]); a != b {
			return fmt.Sprintf("step %d is\n%s\nwant\n%s", i+1, a, b)
		}
	}
	return ""
}

// stepText returns what must be the same in a record of every process.
func stepText(s journal.Step) string {
	text := fmt.Sprintf("%d %s %s %s at %s", s.Number, s.Name, s.State, s.Args, s.Position)
	switch {
	case s.Error != nil:
		text += fmt.Sprintf(" error %s %s", s.Error.Kind, s.Error.Message)
	case strings.HasPrefix(s.Name, "shop.") || strings.HasPrefix(s.Name, "state."):
		text += " result " + string(s.Result)
	}
	return text
}

// vendor has the same answer for the same request at any time, and counts side
// effects. The end of the tag selects a failure: "!422" always, "!flaky" the first
// time, "!down" the first three times, "!busy" the first two times, with a minute
// to wait. With "!lost" and "!lost3" the request is done, and the first answer, or
// the first three, are not sent.
type vendor struct {
	mu       sync.Mutex
	requests map[string]int
	done     map[string]int
	keys     map[string]bool
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	tag := r.URL.Query().Get("tag")
	if tag == "" {
		tag = gjson.GetBytes(body, "tag").String()
	}
	status := v.work(r.URL.Path[1:]+" "+tag, r.Header.Get("X-Shop-Key"))
	if status == noAnswer {
		panic(http.ErrAbortHandler)
	}
	if status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "60")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if status != http.StatusOK {
		fmt.Fprintf(w, `{"error":"no: %s"}`, tag)
		return
	}
	sum := fnv.New32a()
	_, _ = io.WriteString(sum, tag)
	fmt.Fprintf(w, `{"tag":%q,"n":%d,"list":[1,2,3]}`, tag, sum.Sum32()%1000)
}

// noAnswer is the status of a request whose connection is closed instead.
const noAnswer = -1

func (v *vendor) work(what, key string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.requests == nil {
		v.requests, v.done, v.keys = map[string]int{}, map[string]int{}, map[string]bool{}
	}
	v.requests[what]++
	switch {
	case strings.HasSuffix(what, "!422"):
		return 422
	case strings.HasSuffix(what, "!flaky") && v.requests[what] == 1, strings.HasSuffix(what, "!down") && v.requests[what] <= 3:
		return 503
	case strings.HasSuffix(what, "!busy") && v.requests[what] <= 2:
		return 429
	}
	if key == "" || !v.keys[what+key] {
		v.keys[what+key] = true
		v.done[what]++
	}
	if strings.HasSuffix(what, "!lost") && v.requests[what] == 1 || strings.HasSuffix(what, "!lost3") && v.requests[what] <= 3 {
		return noAnswer
	}
	return 200
}

func (v *vendor) effects() map[string]int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return maps.Clone(v.done)
}

// mayRepeat reports whether a request may be done again.
func mayRepeat(what string) bool {
	return strings.HasPrefix(what, "look ") || strings.HasPrefix(what, "items ")
}

// drawScript makes a script. The script collects the results of its calls in a
// trace, which it stores in its state at the end.
func drawScript(t *rapid.T, unsafe bool) string {
	d := &scriptWriter{t: t, unsafe: unsafe}
	d.line(`local shop = require "shop"`)
	d.line(`local trace = {}`)
	d.line(`local function note(v) trace[#trace + 1] = v end`)
	d.line(`on("shop.order.created", { retry = { attempts = 100, first = "10ms", max = "1s" } }, function(event)`)
	d.depth++
	d.line(`trace = {}`)
	for range rapid.IntRange(2, 6).Draw(t, "statements") {
		d.drawStatement(true)
	}
	d.line(`state.put("trace", trace)`)
	switch rapid.IntRange(0, 7).Draw(t, "end") {
	case 0:
		d.line(`error("it ends badly")`)
	case 1:
		d.line(`shop.look.now { tag = %q }`, d.tag("!422"))
	case 2:
		d.line(`local nothing = nil; return nothing.field`)
	}
	d.depth--
	d.line(`end)`)
	return d.text.String()
}

type scriptWriter struct {
	t      *rapid.T
	unsafe bool
	text   strings.Builder
	depth  int
	tags   int
}

func (d *scriptWriter) line(format string, args ...any) {
	d.text.WriteString(strings.Repeat("  ", d.depth) + fmt.Sprintf(format, args...) + "\n")
}

func (d *scriptWriter) tag(suffix string) string {
	d.tags++
	return fmt.Sprintf("t%d%s", d.tags, suffix)
}

// drawOperation draws an operation to call. If bare is set, the call is in no
// pcall, and its error would end the script.
func (d *scriptWriter) drawOperation(bare bool) (name, tag string) {
	names := []string{opRead, opIdempotent, opKeyed}
	if d.unsafe {
		names = append(names, opUnsafe, opUnsafe)
	}
	name = rapid.SampledFrom(names).Draw(d.t, "operation")
	suffixes := []string{"", "", "", "", "!busy", "!lost"}
	if name != opUnsafe {
		suffixes = append(suffixes, "!flaky")
	}
	if bare && (name == opRead || name == opIdempotent) {
		suffixes = append(suffixes, "!down", "!lost3")
	}
	if name == opKeyed {
		suffixes = append(suffixes, "!down", "!lost3")
	}
	if !bare {
		suffixes = append(suffixes, "!422", "!422")
	}
	return name, d.tag(rapid.SampledFrom(suffixes).Draw(d.t, "fate"))
}

// drawStatement draws one line or block. If top is set, it is in no pcall.
func (d *scriptWriter) drawStatement(top bool) {
	last := 12
	if d.depth > 3 {
		last = 8
	}
	switch rapid.IntRange(0, last).Draw(d.t, "statement") {
	case 0, 1:
		name, tag := d.drawOperation(top)
		d.line(`note(%s { tag = %q }.n)`, name, tag)
	case 2:
		name, tag := d.drawOperation(false)
		d.line(`do local r, err = try(%s, { tag = %q }) note(r and r.n or err.kind) end`, name, tag)
	case 3:
		name, tag := d.drawOperation(false)
		d.line(`do local ok, r = pcall(%s, { tag = %q }) note(ok and r.n or r.status) end`, name, tag)
	case 4:
		d.line(`note(state.add("n", %d))`, rapid.IntRange(1, 9).Draw(d.t, "add"))
	case 5:
		d.line(`wait %q`, rapid.SampledFrom([]string{"50ms", "3 seconds", "1 minute"}).Draw(d.t, "wait"))
	case 6:
		d.line(`do local e, err = wait_for("shop.order.confirmed", { where = { id = "nobody" }, timeout = "2s" }) note(err.kind) end`)
	case 7:
		d.line(`do local now, id, n = time.now(), uuid(), random(1, 6) note(#id) end`)
	case 8:
		d.line(`state.put("k", { list = { 1, 2, %d } }) note(state.get("k").list[3])`, d.tags)
	case 9:
		d.line(`do local ok, err = pcall(function()`)
		d.depth++
		for range rapid.IntRange(1, 3).Draw(d.t, "inner") {
			d.drawStatement(false)
		}
		if rapid.Bool().Draw(d.t, "raise") {
			d.line(`error({ code = %d })`, d.tags)
		}
		d.depth--
		d.line(`end) note(ok) if not ok and type(err) == "table" then note(err.code or err.kind) end end`)
	case 10:
		d.line(`for i = 1, %d do`, rapid.IntRange(1, 3).Draw(d.t, "times"))
		d.depth++
		name, tag := d.drawOperation(false)
		d.line(`do local r, err = try(%s, { tag = "i" .. i .. %q }) note(r and r.n or err.kind) end`, name, tag)
		d.depth--
		d.line(`end`)
	case 11:
		d.line(`emit("made", { tag = %q })`, d.tag(""))
	case 12:
		d.line(`if #trace %% 2 == %d then`, rapid.IntRange(0, 1).Draw(d.t, "branch"))
		d.depth++
		d.drawStatement(top)
		d.depth--
		d.line(`end`)
	}
}
