package sandbox

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// app is the stand-in for one app.
type app struct {
	sandbox *Sandbox
	def     *bindings.App
	rules   *rules
	model   *model
	account string
	base    string // the prefix of its paths: "/highlevel"
	// registrars are the operations that register webhooks and end them.
	registrars map[string]*registrar

	mu       sync.Mutex // guards what follows
	store    *store
	random   *rand.Rand
	tokens   *tokens
	windows  map[string]*window
	keys     map[string]kept   // by idempotency key
	files    map[string][]byte // what was uploaded, by id
	consents consents
	// forgotten is the version of the store that tokens for what was seen must
	// have at least.
	forgotten int64
	// feed is what an app tells in a feed of changes, of which fed were dropped.
	feed []feedEntry
	fed  int
}

// kept is an answer that an idempotency key brings back.
type kept struct {
	reply reply
	at    time.Time
}

func newApp(s *Sandbox, def *bindings.App, seed uint64) (*app, error) {
	if def.Name == "" || def.Catalogue == nil {
		return nil, fmt.Errorf("app %q: expected a name and a catalogue", def.Name)
	}
	a := &app{sandbox: s, def: def, rules: rulesOf(def.Name), base: "/" + def.Name}
	a.model = newModel(def, a.rules)
	a.registrars = registrars(def)
	a.account = a.rules.account
	if other := s.config.Accounts[def.Name]; other != "" {
		a.account = other
	}
	a.clear(seed)
	return a, nil
}

// clear brings the app back to how it was at the start.
func (a *app) clear(seed uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sandbox.hooks.drop(a, "")
	a.random = rand.New(rand.NewPCG(seed, uint64(len(a.def.Name))<<32|uint64(a.def.Name[0])))
	a.store = newStore(a.rules)
	a.tokens = newTokens(a)
	a.windows = map[string]*window{}
	a.keys = map[string]kept{}
	a.files = map[string][]byte{}
	a.consents = consents{}
	a.forgotten = 0
	a.feed, a.fed = nil, 0
	for _, name := range sorted(a.rules.seeds) {
		for _, fields := range a.rules.seeds[name] {
			a.seed(name, fields)
		}
	}
}

// seed stores a record that is there from the start or put there by hand. Its
// own id is kept, and the fields named as parents are its links.
func (a *app) seed(name string, fields object) *record {
	res := a.model.resource(name)
	id := a.rules.idOf(fields)
	if field := a.rules.idField[name]; field != "" {
		id = text(fields[field])
	}
	fields, _ = clone(fields).(object)
	if field := a.rules.accountField; field != "" && empty(fields[field]) {
		a.mirror(res, fields, fold(field), a.account)
	}
	if old := a.store.get(name, id); old != nil {
		a.alter(res, old, fields)
		return old
	}
	return a.make(res, id, fields, a.rules.under[name], nil)
}

// ServeHTTP answers one request as the vendor would.
func (a *app) ServeHTTP(w http.ResponseWriter, h *http.Request) {
	now := a.sandbox.now()
	raw, err := io.ReadAll(http.MaxBytesReader(w, h.Body, maxBody))
	path := strings.TrimPrefix(h.URL.EscapedPath(), a.base)
	entry := Request{Time: now, App: a.def.Name, Method: h.Method, Path: h.URL.Path}
	// What goes to the authorisation server and comes from it is secret.
	secret := strings.HasPrefix(path, "/oauth/")
	if !secret {
		entry.Query, entry.Body = h.URL.RawQuery, cutText(raw)
	}
	if err != nil {
		a.finish(w, &entry, a.refuse(a.unreadable("the body cannot be read, or is too large"), a.trace()), "")
		return
	}
	matches, methods := a.model.router.find(h.Method, path)
	m := a.choose(matches, h, raw)
	if m.plan != nil {
		entry.Operation = m.plan.op.Name
		if m.plan.op.Address != "" {
			entry.Query = "" // it holds the secret
		}
	}
	fault := a.sandbox.faults.take(a.def.Name, entry.Operation)
	if fault != nil {
		entry.Fault = true
		if a.sandbox.wait(h.Context(), fault.Latency) != nil {
			panic(http.ErrAbortHandler)
		}
		if answered := a.faulted(w, &entry, fault); answered {
			return
		}
	}
	out := a.serve(&entry, h, raw, path, m, methods, now)
	cut := Cut("")
	if fault != nil {
		cut = fault.Cut
		for name, v := range fault.Header {
			out.header.Set(name, v)
		}
		if fault.Status != 0 {
			out = a.faultReply(fault)
		}
	}
	if !secret {
		entry.Answer = cutText(out.body)
	}
	a.finish(w, &entry, out, cut)
}

func (a *app) serve(entry *Request, h *http.Request, raw []byte, path string, m match, methods []string, now time.Time) reply {
	if out, done := a.oauth(h, raw, path); done {
		return m.plan.spelled(out)
	}
	if m.plan == nil && a.rules.beside != nil {
		if out, done := a.rules.beside(a, h, raw, path); done {
			return out
		}
	}
	if m.plan == nil {
		return a.unrouted(h, path, methods)
	}
	r := a.request(m, h, raw)
	r.now = now
	return r.answered(entry)
}

// request makes what a plan has to do with a request.
func (a *app) request(m match, h *http.Request, raw []byte) *request {
	r := &request{app: a, plan: m.plan, http: h, raw: raw, params: map[string]string{}}
	i := 0
	for _, s := range m.plan.path {
		if s.param {
			value, err := url.PathUnescape(m.values[i])
			if err != nil {
				value = m.values[i]
			}
			if stands := a.rules.stands; stands != nil {
				value = stands(a, s.text, value)
			}
			r.params[s.text] = value
			i++
		}
	}
	return r
}

func (a *app) unrouted(h *http.Request, path string, methods []string) reply {
	if len(methods) == 0 {
		return a.refuse(&failure{status: http.StatusNotFound, kind: bindings.NotFound, code: "unknown_method",
			message: fmt.Sprintf("Cannot %s %s", h.Method, path)}, a.trace())
	}
	return a.refuse(&failure{status: http.StatusMethodNotAllowed, kind: bindings.Invalid, code: "method_not_allowed",
		message: fmt.Sprintf("Cannot %s %s; expected %s", h.Method, path, strings.Join(methods, ", ")),
		header:  http.Header{"Allow": {strings.Join(methods, ", ")}}}, a.trace())
}

// answered takes a routed request through token, limits, key, checks and the
// act itself, then sends the webhooks of what it changed.
func (r *request) answered(entry *Request) reply {
	a := r.app
	a.mu.Lock()
	defer a.mu.Unlock()
	rates, limited := a.charge(r)
	out, done := r.gate(limited)
	entry.Account = r.bound()
	if !done {
		out = r.run(entry)
	}
	for name, values := range rates {
		out.header[name] = values
	}
	if t := a.def.Test; t != nil && t.Scopes != "" && r.token != nil && r.token.scopes != nil {
		out.header.Set(t.Scopes, strings.Join(r.token.scopes, ","))
	}
	return out
}

// gate refuses before the operation is looked at.
func (r *request) gate(limited *failure) (reply, bool) {
	a := r.app
	var failed *failure
	if r.plan.op.Address != "" {
		failed = a.addressed(r.http)
	} else {
		r.token, failed = a.authorize(r.http)
	}
	if failed == nil {
		failed = limited
	}
	if failed == nil {
		failed = r.scoped()
	}
	if failed == nil {
		failed = r.fixed()
	}
	if body := r.plan.op.Body; failed == nil && body != nil && body.Max > 0 && len(r.raw) > body.Max {
		failed = &failure{status: http.StatusRequestEntityTooLarge, kind: bindings.TooLarge,
			message: fmt.Sprintf("the body has %d bytes, the most is %d", len(r.raw), body.Max)}
	}
	if failed != nil {
		return a.refuse(failed, a.traceLocked()), true
	}
	return reply{}, false
}

// fixed refuses a request without the headers that every call carries.
func (r *request) fixed() *failure {
	for _, name := range sorted(r.plan.op.Fixed) {
		want := r.plan.op.Fixed[name]
		switch got := r.http.Header.Get(name); {
		case got == "":
			return &failure{status: r.app.rules.unversioned, kind: bindings.Invalid,
				message: fmt.Sprintf("header %s was not found; expected %s", name, want)}
		case got != want:
			return &failure{status: r.app.rules.unversioned, kind: bindings.Invalid,
				message: fmt.Sprintf("header %s is invalid: expected %s, found %s", name, want, got)}
		}
	}
	return nil
}

func (r *request) run(entry *Request) reply {
	a := r.app
	key := ""
	if a.def.KeyHeader != "" && r.plan.op.Key {
		key = r.http.Header.Get(a.def.KeyHeader)
		entry.Key = key
	}
	if old, found := a.keys[r.plan.op.Name+"\x00"+key]; key != "" && found && r.now.Sub(old.at) < a.def.KeyTTL {
		entry.Replayed = true
		return old.reply.copy()
	}
	a.lapse(r.now)
	failed := r.decode(a.sandbox.config.Strict)
	var res result
	if failed == nil {
		res, failed = r.perform()
	}
	if failed == nil && r.plan.rule != nil && r.plan.rule.after != nil {
		failed = r.plan.rule.after(r, res)
	}
	if failed == nil {
		failed = r.registered(&res)
	}
	if failed != nil {
		return a.refuse(failed, a.traceLocked())
	}
	out := r.answer(res)
	for _, name := range a.def.Errors.RequestID {
		out.header.Set(name, a.traceLocked())
	}
	if key != "" {
		a.keys[r.plan.op.Name+"\x00"+key] = kept{out.copy(), r.now}
	}
	if r.plan.rule != nil && r.plan.rule.trigger != "" && len(res.changes) > 0 {
		res.changes[0].trigger = r.plan.rule.trigger
	}
	for _, c := range res.changes {
		a.announce(c)
	}
	return out
}

func (o reply) copy() reply {
	o.header = o.header.Clone()
	return o
}

func (a *app) trace() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.traceLocked()
}

func (a *app) traceLocked() string { return letters(a.random, 32, "0123456789abcdef") }

// finish sends the answer, whole or cut, and notes the request.
func (a *app) finish(w http.ResponseWriter, entry *Request, out reply, cut Cut) {
	entry.Status, entry.Cut = out.status, cut
	a.sandbox.log.add(*entry)
	if cut == CutAnswer {
		panic(http.ErrAbortHandler)
	}
	for name, values := range out.header {
		w.Header()[name] = values
	}
	if cut == CutBody {
		w.Header().Set("Content-Length", fmt.Sprint(len(out.body)+1))
		w.WriteHeader(out.status)
		_, _ = w.Write(out.body[:len(out.body)/2])
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(out.status)
	_, _ = w.Write(out.body)
}
