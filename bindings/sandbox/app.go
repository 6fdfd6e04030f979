package sandbox

import (
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// App simulates one app.
type App struct {
	sandbox *Sandbox
	Def     *bindings.App
	rules   *Rules
	model   *model
	Account string
	base    string // the prefix of its paths: "/highlevel"
	// by operation
	effects map[string]*subscriptionEffect

	mu       sync.Mutex // guards the fields below
	store    *store
	Random   *rand.Rand
	tokens   *tokens
	windows  map[string]*window
	keys     map[string]savedReply // by idempotency key
	late     []lateCall
	consents consents
	// minSyncVersion is the lowest version of the store for which sync tokens are
	// accepted.
	minSyncVersion int64
}

// savedReply is an answer that is sent again for an idempotency key.
type savedReply struct {
	reply Reply
	at    time.Time
}

func newApp(s *Sandbox, def *bindings.App, seed uint64) (*App, error) {
	if def.Name == "" || def.Catalogue == nil {
		return nil, fmt.Errorf("app %q: expected a name and a catalogue", def.Name)
	}
	a := &App{sandbox: s, Def: def, rules: s.config.Rules[def.Name].complete(), base: "/" + def.Name}
	a.model = newModel(def, a.rules)
	a.effects = subscriptionEffects(def)
	a.Account = a.rules.Account
	if other := s.config.Accounts[def.Name]; other != "" {
		a.Account = other
	}
	a.clear(seed)
	return a, nil
}

// clear resets the app to its state at the start.
func (a *App) clear(seed uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sandbox.webhooks.endSubscriptions(a, "")
	a.Random = rand.New(rand.NewPCG(seed, uint64(len(a.Def.Name))<<32|uint64(a.Def.Name[0])))
	a.store = newStore(a.rules)
	a.tokens = newTokens(a)
	a.windows = map[string]*window{}
	a.keys = map[string]savedReply{}
	a.late = nil
	a.consents = consents{}
	a.minSyncVersion = 0
	for _, name := range slices.Sorted(maps.Keys(a.rules.Seeds)) {
		for _, fields := range a.rules.Seeds[name] {
			a.seed(name, fields)
		}
	}
}

// seed stores a record that exists from the start or was put by hand, with its
// own id. The fields named as parents are its links.
func (a *App) seed(name string, fields Object) *Record {
	res := a.model.resource(name)
	id := a.rules.idOf(fields)
	if field := a.rules.IDField[name]; field != "" {
		id = Text(fields[field])
	}
	fields, _ = Clone(fields).(Object)
	if field := a.rules.AccountField; field != "" && Empty(fields[field]) {
		a.setLinkField(res, fields, Fold(field), a.Account)
	}
	if old := a.store.get(name, id); old != nil {
		a.update(res, old, fields)
		return old
	}
	return a.newRecord(res, id, fields, a.rules.Under[name], nil)
}

// ServeHTTP answers one request as the vendor would.
func (a *App) ServeHTTP(w http.ResponseWriter, h *http.Request) {
	a.performLate()
	raw, err := io.ReadAll(http.MaxBytesReader(w, h.Body, maxBody))
	path := strings.TrimPrefix(h.URL.EscapedPath(), a.base)
	switch {
	case err != nil:
	case a.rules.BatchPath != "" && path == a.rules.BatchPath:
		a.batch(w, h, raw)
		return
	case a.rules.Lenient && !a.authorizes(path):
		h, raw = a.lenient(h, raw, path)
	}
	a.serveOne(w, h, raw, err)
}

// serveOne answers a request with its body, or the error of reading that.
func (a *App) serveOne(w http.ResponseWriter, h *http.Request, raw []byte, err error) {
	now, path := a.sandbox.now(), strings.TrimPrefix(h.URL.EscapedPath(), a.base)
	entry := Request{Time: now, App: a.Def.Name, Method: h.Method, Path: h.URL.Path}
	// Requests to the authorisation server and its answers are secret.
	secret := a.authorizes(path)
	if !secret {
		entry.Query, entry.Body = h.URL.RawQuery, truncate(raw)
	}
	if err != nil {
		a.finish(w, &entry, a.refuse(a.unreadable("the body cannot be read, or is too large"), a.trace()), "")
		return
	}
	matches, methods := a.model.router.find(h.Method, path)
	m := a.chooseEdition(matches, h, raw)
	if m.plan != nil {
		entry.Operation = m.plan.op.Name
		if m.plan.op.Address != "" {
			entry.Query = "" // it contains the secret
		}
	}
	fault := a.sandbox.faults.next(a.Def.Name, entry.Operation)
	if fault != nil {
		entry.Fault = true
		if a.sandbox.wait(h.Context(), fault.Latency) != nil {
			panic(http.ErrAbortHandler)
		}
		if answered := a.applyFault(w, &entry, fault); answered {
			return
		}
	}
	in := incoming{entry: &entry, http: h, raw: raw, path: path, match: m, methods: methods, now: now}
	if fault != nil && fault.Late > 0 {
		late := entry
		in.entry, in.now = &late, now.Add(fault.Late)
		a.postpone(&entry, in.now, func() { a.serve(in) })
	}
	if fault != nil {
		in.lag = fault.Lag
	}
	out := a.serve(in)
	cut := Cut("")
	if fault != nil {
		cut = fault.Cut
		for name, v := range fault.Header {
			out.Header.Set(name, v)
		}
		if fault.Status != 0 {
			out = a.faultReply(fault)
		}
	}
	if !secret {
		entry.Answer = truncate(out.Body)
	}
	a.finish(w, &entry, out, cut)
}

// incoming is a request before it is performed.
type incoming struct {
	entry   *Request
	http    *http.Request
	raw     []byte // the body
	path    string
	match   match
	methods []string // that the path has
	now     time.Time
	lag     time.Duration // as in a Fault
}

func (a *App) serve(in incoming) Reply {
	plan := in.match.plan
	if out, done := a.oauth(in.http, in.raw, in.path); done {
		return plan.respell(out)
	}
	if plan == nil && a.rules.ServeOther != nil {
		if out, done := a.serveOther(in.http, in.raw, in.path); done {
			return out
		}
	}
	if plan == nil {
		return a.unrouted(in.http, in.path, in.methods)
	}
	r := a.request(in.match, in.http, in.raw)
	r.Now, r.lag = in.now, in.lag
	return r.handle(in.entry)
}

// request returns the call of a plan's operation that a request makes.
func (a *App) request(m match, h *http.Request, raw []byte) *Call {
	a.mu.Lock()
	defer a.mu.Unlock()
	r := &Call{App: a, Op: m.plan.op, Verb: m.plan.verb, Resource: m.plan.resource.name, HTTP: h, Params: map[string]string{}, plan: m.plan, raw: raw}
	i := 0
	for _, s := range m.plan.path {
		if s.param {
			value, err := url.PathUnescape(m.values[i])
			if err != nil {
				value = m.values[i]
			}
			if alias := a.rules.Param; alias != nil {
				value = alias(a, s.text, value)
			}
			r.Params[s.text] = value
			i++
		}
	}
	return r
}

func (a *App) serveOther(h *http.Request, raw []byte, path string) (Reply, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.rules.ServeOther(a, h, raw, path)
}

func (a *App) unrouted(h *http.Request, path string, methods []string) Reply {
	if len(methods) == 0 {
		return a.refuse(&Failure{Status: http.StatusNotFound, Kind: bindings.NotFound, Code: "unknown_method",
			Message: fmt.Sprintf("Cannot %s %s", h.Method, path)}, a.trace())
	}
	return a.refuse(&Failure{Status: http.StatusMethodNotAllowed, Kind: bindings.Invalid, Code: "method_not_allowed",
		Message: fmt.Sprintf("Cannot %s %s; expected %s", h.Method, path, strings.Join(methods, ", ")),
		Header:  http.Header{"Allow": {strings.Join(methods, ", ")}}}, a.trace())
}

// handle checks the token, limits, idempotency key and arguments of a call,
// performs it, and sends the webhooks of what it changed.
func (r *Call) handle(entry *Request) Reply {
	a := r.App
	a.mu.Lock()
	defer a.mu.Unlock()
	rates, limited := a.countRequest(r)
	out, done := r.checkAccess(limited)
	entry.Account = r.tokenAccount()
	if !done {
		out = r.execute(entry)
	}
	for name, values := range rates {
		out.Header[name] = values
	}
	if t := a.Def.Test; t != nil && t.Scopes != "" && r.token != nil && r.token.scopes != nil {
		out.Header.Set(t.Scopes, strings.Join(r.token.scopes, ","))
	}
	return out
}

// checkAccess refuses a request before its arguments are read.
func (r *Call) checkAccess(limited *Failure) (Reply, bool) {
	a := r.App
	var failed *Failure
	if r.plan.op.Address != "" {
		failed = a.checkAddressSecret(r.HTTP)
	} else {
		r.token, failed = a.authenticate(r.HTTP)
	}
	if failed == nil {
		failed = limited
	}
	if failed == nil {
		failed = r.checkScopes()
	}
	if failed == nil {
		failed = r.checkFixed()
	}
	if body := r.plan.op.Body; failed == nil && body != nil && body.Max > 0 && len(r.raw) > body.Max {
		failed = &Failure{Status: http.StatusRequestEntityTooLarge, Kind: bindings.TooLarge,
			Message: fmt.Sprintf("the body has %d bytes, the most is %d", len(r.raw), body.Max)}
	}
	if failed != nil {
		return a.refuse(failed, a.traceLocked()), true
	}
	return Reply{}, false
}

// checkFixed refuses a request without the headers that every call has.
func (r *Call) checkFixed() *Failure {
	for _, name := range slices.Sorted(maps.Keys(r.plan.op.Fixed)) {
		want := r.plan.op.Fixed[name]
		switch got := r.HTTP.Header.Get(name); {
		case got == "":
			return &Failure{Status: r.App.rules.UnversionedStatus, Kind: bindings.Invalid,
				Message: fmt.Sprintf("header %s was not found; expected %s", name, want)}
		case got != want && !r.acceptsHeader(name, got):
			return &Failure{Status: r.App.rules.UnversionedStatus, Kind: bindings.Invalid,
				Message: fmt.Sprintf("header %s is invalid: expected %s, found %s", name, want, got)}
		}
	}
	return nil
}

// acceptsHeader reports whether the vendor accepts another value of a fixed header
// than the documented one.
func (r *Call) acceptsHeader(name, value string) bool {
	return r.plan.types.Catalogue == r.App.Def.Catalogue && slices.Contains(r.App.rules.OtherHeaders[name], value)
}

func (r *Call) execute(entry *Request) Reply {
	a := r.App
	key := ""
	if a.Def.KeyHeader != "" && r.plan.op.Key {
		key = r.HTTP.Header.Get(a.Def.KeyHeader)
		entry.Key = key
	}
	if old, found := a.keys[r.plan.op.Name+"\x00"+key]; key != "" && found && r.Now.Sub(old.at) < a.Def.KeyTTL {
		entry.Replayed = true
		return old.reply.copy()
	}
	a.endExpired(r.Now)
	failed := r.decode(a.sandbox.config.Strict)
	var res Result
	if failed == nil {
		res, failed = r.perform()
	}
	if failed == nil && r.plan.rule != nil && r.plan.rule.After != nil {
		failed = r.plan.rule.After(r, res)
	}
	if failed == nil {
		failed = r.hideNew(&res)
	}
	if failed == nil {
		failed = r.applyToSubscriptions(&res)
	}
	if failed != nil {
		return a.refuse(failed, a.traceLocked())
	}
	out := r.answer(res)
	for _, name := range a.Def.Errors.RequestID {
		out.Header.Set(name, a.traceLocked())
	}
	if key != "" {
		a.keys[r.plan.op.Name+"\x00"+key] = savedReply{out.copy(), r.Now}
	}
	if r.plan.rule != nil && r.plan.rule.Trigger != "" && len(res.Changes) > 0 {
		res.Changes[0].Trigger = r.plan.rule.Trigger
	}
	for _, c := range res.Changes {
		a.sendChange(c)
	}
	return out
}

func (o Reply) copy() Reply {
	o.Header = o.Header.Clone()
	return o
}

func (a *App) trace() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.traceLocked()
}

func (a *App) traceLocked() string { return Letters(a.Random, 32, "0123456789abcdef") }

// finish sends the answer, whole or cut, and logs the request.
func (a *App) finish(w http.ResponseWriter, entry *Request, out Reply, cut Cut) {
	entry.Status, entry.Cut = out.Status, cut
	a.sandbox.log.add(*entry)
	if cut == CutAnswer {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Date", a.sandbox.now().UTC().Format(http.TimeFormat))
	for name, values := range out.Header {
		w.Header()[name] = values
	}
	if cut == CutBody {
		w.Header().Set("Content-Length", fmt.Sprint(len(out.Body)+1))
		w.WriteHeader(out.Status)
		_, _ = w.Write(out.Body[:len(out.Body)/2])
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(out.Status)
	_, _ = w.Write(out.Body)
}
