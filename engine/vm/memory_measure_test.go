package vm_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/vm"
)

// growing are scripts that retain what an expression returns, more and more of it.
// "i" is a number that grows.
var growing = map[string]string{
	"numbers":                   `i + 0.5`,
	"short texts":               `"a" .. i`,
	"long texts":                `("x"):rep(1000) .. i`,
	"empty tables":              `{}`,
	"tables with an item":       `{ i }`,
	"tables with items":         `{ i, i, i, i, i }`,
	"tables filled by number":   `(function() local t = {}; for k = 1, 20 do t[k] = true end; return t end)()`,
	"tables filled from behind": `(function() local t = {}; for k = 20, 1, -1 do t[k] = true end; return t end)()`,
	"tables with a field":       `{ a = i }`,
	"tables with 5 fields":      `{ a = 1, b = 2, c = 3, d = 4, e = 5 }`,
	"tables with 9 fields":      `{ a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8, k = 9 }`,
	"tables filled by name":     `(function() local t = {}; t.a = i; return t end)()`,
	"tables filled by names":    `(function() local t = {}; for k = 1, 40 do t["k" .. k] = k end; return t end)()`,
	"tables by other keys":      `{ [true] = i }`,
	"tables by fractions":       `{ [i + 0.5] = i }`,
	"closures":                  `(function(n) return function() return n end end)(i)`,
	"JSON lists":                `json.decode("[1,2,3]")`,
	"JSON objects":              `json.decode('{"a":1}')`,
	"JSON objects of 20":        `json.decode('{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,"l":1,"m":1,"n":1,"o":1,"p":1,"q":1,"r":1,"s":1,"t":1}')`,
	"JSON with repeated names":  `json.decode("{" .. ('"a":{},'):rep(4e5) .. '"b":' .. i .. "}")`,
	"csv rows":                  `text.csv("a,b,c\n1,2,3\n")`,
	"csv rows with header":      `text.csv("a,b,c\n1,2,3\n", { header = true })`,
	"csv of empty fields":       `text.csv("a,b\n" .. ("," .. "\n"):rep(100), { header = true })`,
	"csv of a wide header":      `text.csv((function() local t = {}; for k = 1, 2000 do t[k] = "n" .. k end; return table.concat(t, ",") end)() .. ("\n" .. (","):rep(1999)):rep(3), { header = true })`,
	"map of a long path":        `map { a = ("x"):rep(1000) .. i }`,
	"map of a path of parts":    `map { a = "a.b.c.d.e.f.g.h.i.j.k.l.m" .. i }`,
	"map of a nested table":     `map { a = { b = { c = "x" .. i } } }`,
	"map of a list":             `map { a = { "a", "b", "c", "d" .. i } }`,
	"map that was called":       `map { a = "x", b = "y" } { x = i, y = i }`,
	"required of a long path":   `required(("x"):rep(1000) .. i)`,
	"required of a short path":  `required("x" .. i)`,
	"when with a long path":     `when({ [("x"):rep(1000) .. i] = "a" }, "b")`,
	"when with many values":     `when({ a = { "b", "c", "d", "e", "f", "g" } }, "b")`,
	"when with many paths":      `when({ a = "a", b = "b", c = "c", d = "d", e = "e" }, "b")`,
	"const":                     `const("x" .. i)`,
}

// calls are calls of each function and verb, with values that make them allocate. "x" is
// a text of 1,000 bytes, "list" a list of 1,000 numbers, "object" a table with 40 fields.
var calls = map[string]string{
	"approval":       `approval { title = "x" .. i, text = x, choices = { "a", "b" .. i } }`,
	"assert":         `assert(x .. i)`,
	"base64.decode":  `base64.decode(base64.encode(x .. i))`,
	"base64.encode":  `base64.encode(x .. i)`,
	"const":          `const(list)`,
	"each":           `each(acme.contacts.list, { limit = i })`,
	"emit":           `emit("done", { x = x, list = list })`,
	"error":          `{ pcall(error, { x = x .. i }) }`,
	"every":          `pcall(every, "1h", function() end)`,
	"file":           `file { name = "x" .. i, type = "text/plain", text = x .. i }`,
	"getmetatable":   `getmetatable(setmetatable({}, { __index = { x .. i } }))`,
	"hmac.sha1":      `hmac.sha1(x, x .. i)`,
	"hmac.sha256":    `hmac.sha256(x, x .. i)`,
	"hmac.sha512":    `hmac.sha512(x, x .. i)`,
	"http.delete":    `http.delete("https://a.test/" .. x)`,
	"http.get":       `http.get("https://a.test/" .. i, { query = object, headers = object })`,
	"http.patch":     `http.patch("https://a.test/", { json = { list, object, x .. i } })`,
	"http.post":      `http.post("https://a.test/", { body = x .. i })`,
	"http.put":       `http.put("https://a.test/", { json = { list, object, x .. i } })`,
	"ipairs":         `select("#", ipairs(list))`,
	"json.array":     `json.array { i }`,
	"json.decode":    `json.decode(json.encode { list, object })`,
	"json.encode":    `json.encode { list, object, x .. i }`,
	"json.null":      `json.null`,
	"json.number":    `json.number(("1"):rep(100) .. i)`,
	"links.get":      `links.get("acme.contact", "x" .. i, "acme.deal")`,
	"links.put":      `links.put("acme.contact", "x" .. i, "acme.deal", "x" .. i)`,
	"links.remove":   `links.remove("acme.contact", "x" .. i, "acme.deal", "x" .. i)`,
	"log.debug":      `log.debug(x .. i, { list, object })`,
	"log.error":      `log.error(x .. i, { list, object })`,
	"log.info":       `log.info(x .. i, { list, object })`,
	"log.warn":       `log.warn(x .. i, { list, object })`,
	"map":            `map { a = "a" .. i, b = { c = "c", d = { "e", "f" } } }`,
	"money.add":      `money.add(("9"):rep(100), i)`,
	"money.compare":  `money.compare(("9"):rep(100), i)`,
	"money.format":   `money.format(("9"):rep(100))`,
	"money.mul":      `money.mul(("9"):rep(100), i)`,
	"money.round":    `money.round(("9"):rep(100) .. ".555", 2)`,
	"money.sub":      `money.sub(("9"):rep(100), i)`,
	"next":           `next(object)`,
	"on":             `pcall(on, "acme.contact.created", function() end)`,
	"pairs":          `select("#", pairs(object))`,
	"pcall":          `{ pcall(error, x .. i) }`,
	"print":          `print(x .. i)`,
	"random":         `random()`,
	"rawequal":       `rawequal(list, object)`,
	"rawget":         `rawget(object, "a" .. i)`,
	"rawset":         `rawset({}, "a" .. i, x .. i)`,
	"require":        `require "acme"`,
	"required":       `required(x .. i)`,
	"respond":        `pcall(respond, { body = x .. i })`,
	"secret":         `secret("a") .. x .. i`,
	"select":         `{ select(2, unpack(list, 1, 200)) }`,
	"setmetatable":   `setmetatable({}, { __index = { i } })`,
	"state.add":      `state.add("k" .. i, i)`,
	"state.cas":      `state.cas("k" .. i, nil, { list, object })`,
	"state.delete":   `state.delete("k" .. i)`,
	"state.get":      `state.get("k" .. i)`,
	"state.put":      `state.put("k" .. i, { list, object })`,
	"string.byte":    `{ x:byte(1, 200) }`,
	"string.char":    `string.char(x:byte(1, 200))`,
	"string.find":    `{ x:find("(x*)(x)") }`,
	"string.format":  `("%s %q %5d %.3f"):format(x, x, i, i)`,
	"string.gmatch":  `x:gmatch("x")`,
	"string.gsub":    `(x:gsub("x", "yz"))`,
	"string.len":     `(x .. i):len()`,
	"string.lower":   `(x .. i):lower()`,
	"string.match":   `{ x:match("(x*)(x)") }`,
	"string.rep":     `x:rep(10)`,
	"string.reverse": `(x .. i):reverse()`,
	"string.sub":     `(x .. i):sub(2, 500)`,
	"string.upper":   `(x .. i):upper()`,
	"table.concat":   `table.concat(list, x .. i, 1, 5)`,
	"table.getn":     `table.getn(list)`,
	"table.insert":   `(function() local t = {}; for k = 1, 20 do table.insert(t, 1, k) end; return t end)()`,
	"table.maxn":     `table.maxn(list)`,
	"table.remove":   `(function() local t = { i, i, i }; table.remove(t); return t end)()`,
	"table.sort":     `(function() local t = { unpack(list, 1, 200) }; table.sort(t); return t end)()`,
	"table.unpack":   `{ table.unpack(list, 1, 200) }`,
	"text.csv":       `text.csv({ list, list })`,
	"text.decode":    `text.decode(("\128"):rep(1000), "windows-1252")`,
	"text.encode":    `text.encode(("é"):rep(1000) .. i, "utf-16le")`,
	"text.same_id":   `text.same_id(x .. i, x)`,
	"text.slug":      `text.slug(("é"):rep(100) .. i)`,
	"text.split":     `text.split(("ab,"):rep(100) .. i, ",")`,
	"text.template":  `text.template(("{{a}}"):rep(100), { a = x .. i })`,
	"text.trim":      `text.trim("  " .. x .. i .. "  ")`,
	"text.urldecode": `text.urldecode(("%C3%A9"):rep(200) .. i)`,
	"text.urlencode": `text.urlencode(("é"):rep(200) .. i)`,
	"time.after":     `time.after(i .. "s", "2026-12-01T09:00:00Z")`,
	"time.at":        `time.at(i)`,
	"time.before":    `time.before(i .. "s", "2026-12-01T09:00:00Z")`,
	"time.diff":      `time.diff("2026-12-01T09:00:00Z", "2026-12-02T09:00:00Z")`,
	"time.format":    `time.format("2026-12-01T09:00:00Z", ("%A %B "):rep(20))`,
	"time.now":       `time.now()`,
	"time.parse":     `time.parse("2026-12-01", "%Y-%m-%d", "Europe/Paris")`,
	"tonumber":       `tonumber(("1"):rep(20)) + i`,
	"tostring":       `tostring(i + 0.123456789)`,
	"try":            `{ try(acme.contacts.get, { id = "c" .. i }) }`,
	"type":           `type(x .. i)`,
	"unpack":         `{ unpack(list, 1, 200) }`,
	"uuid":           `uuid()`,
	"wait":           `wait("1s")`,
	"wait_for":       `wait_for("acme.contact.created", { where = { id = x .. i } })`,
	"when":           `when({ [x .. i] = "a" }, "b", "c")`,
	"xpcall":         `{ xpcall(function() error(x .. i) end, function(e) return { e, x .. i } end) }`,
}

// memoryHost answers with null and stores nothing.
type memoryHost struct{ recorder }

func (h *memoryHost) Step(ctx context.Context, s vm.Step) (json.RawMessage, error) {
	defer func() { h.steps = h.steps[:0] }()
	return h.recorder.Step(ctx, s)
}

func (*memoryHost) Log(slog.Level, string, json.RawMessage) {}

// liveBytes returns how many bytes a function had in use at most, beyond those in use
// before it.
func liveBytes(f func()) int64 {
	defer debug.SetGCPercent(debug.SetGCPercent(5))
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	live := func() int64 {
		metrics.Read(sample)
		return int64(sample[0].Value.Uint64())
	}
	runtime.GC()
	before := live()
	stop, peaks := make(chan struct{}), make(chan int64)
	go func() {
		peak := before
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				peaks <- max(peak, live())
				return
			case <-tick.C:
				peak = max(peak, live())
			}
		}
	}()
	f()
	close(stop)
	return <-peaks - before
}

// measure runs a script that retains what an expression returns, until a limit ends it,
// and returns the bytes that were in use for each byte of the limit.
func measure(t *testing.T, m *vm.Machine, expression string, limits vm.Limits) (float64, error) {
	t.Helper()
	p := compileCRM(t, m, "local acme = require \"acme\"\non(\"acme.contact.created\", function(event)\n"+
		"local all, i, x, list, object = {}, 0, (\"x\"):rep(1000), {}, {}\n"+
		"for k = 1, 1000 do list[k] = k end; for k = 1, 40 do object[\"field\" .. k] = \"v\" .. k end\n"+
		"while true do i = i + 1; all[i] = "+expression+" end\nend)")
	var end error
	used := liveBytes(func() {
		end = m.Run(t.Context(), p, vm.Activation{Event: smallEvent, Host: &memoryHost{}, Limits: limits}).Err
	})
	return float64(used) / float64(limits.Memory), end
}

// tries is how often a script may be measured. On a busy machine a cycle of the collector
// lasts, and counts what was allocated meanwhile; or none ends near the limit.
const tries = 3

// factor is how much more, or less, than the limit of memory Go may have in use.
const factor = 1.5

var growingLimits = vm.Limits{Time: 10 * time.Minute, Instructions: 1e12, Memory: 16 << 20, Steps: 1e9, Output: 1e15}

// TestMemoryIsCounted runs scripts until the limit of memory ends them, and compares
// what Go had allocated for them with the limit.
func TestMemoryIsCounted(t *testing.T) {
	if testing.Short() {
		t.Skip("measures the heap, which the race detector makes larger")
	}
	m := vm.New(vm.Config{Apps: []*bindings.App{testApp(t)}})
	for name, expression := range growing {
		t.Run(name, func(t *testing.T) {
			var ratio float64
			var err error
			for range tries {
				if ratio, err = measure(t, m, expression, growingLimits); ratio <= factor && ratio >= 1/factor {
					break
				}
			}
			var over *vm.LimitError
			if !errors.As(err, &over) || !strings.Contains(over.Limit, "memory") {
				t.Fatal(err)
			}
			t.Logf("%s: %.2f", name, ratio)
			if ratio > factor || ratio < 1/factor {
				t.Errorf("%s: %.2f of what was counted is used", name, ratio)
			}
		})
	}
}

var callLimits = vm.Limits{Time: 10 * time.Minute, Instructions: 1e6, Memory: 8 << 20, Steps: 1e9, Output: 1e15}

// TestEachFunctionIsCounted calls each function and verb again and again. Those whose
// results can be retained end by the limit of memory, the others by that of instructions.
func TestEachFunctionIsCounted(t *testing.T) {
	if testing.Short() {
		t.Skip("measures the heap, which the race detector makes larger")
	}
	m := vm.New(vm.Config{Apps: []*bindings.App{testApp(t)}})
	var names []string
	for name, members := range m.Globals() {
		for _, member := range members {
			names = append(names, name+"."+member)
		}
		if len(members) == 0 && name != "_G" && name != "_VERSION" && name != "params" {
			names = append(names, name)
		}
	}
	for _, name := range names {
		if strings.HasPrefix(name, "math.") {
			continue // they return numbers
		}
		expression, found := calls[name]
		if !found {
			t.Errorf("%s has no call here", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			var ratio float64
			var err error
			for range tries {
				if ratio, err = measure(t, m, expression, callLimits); ratio <= factor {
					break
				}
			}
			var over *vm.LimitError
			if !errors.As(err, &over) || over.Limit != "memory" && over.Limit != "instructions" {
				t.Fatal(err)
			}
			t.Logf("%s: %.2f by %s", name, ratio, over.Limit)
			if ratio > factor {
				t.Errorf("%s: %.2f of what may be used is used", name, ratio)
			}
		})
	}
}
