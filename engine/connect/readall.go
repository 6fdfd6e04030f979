package connect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/control"
)

// Read calls each operation of a connection that lists and only reads, for one
// item, and one that gets this item, and compares the answers with the declared
// types. It uses a tenth of the vendor's rate limits at most, so it can last
// minutes.
func (s Service) Read(ctx context.Context, name string) (control.ReadReport, error) {
	c, found := s.Set.Get(name)
	if !found {
		return control.ReadReport{}, s.unknown(name)
	}
	if problem := c.Problem(); problem != nil {
		return control.ReadReport{}, problem
	}
	c.FetchAccount()
	r := &reader{
		calls: s.Calls, connection: c, app: c.App(), ids: map[string]json.RawMessage{}, done: map[string]bool{},
		pace: pace{clock: s.Clock, limits: c.App().Limits, sent: map[string][]time.Time{}},
	}
	r.report.App = r.app.Name
	return r.report, r.read(ctx)
}

// reader reads what one connection may read.
type reader struct {
	calls      *call.Client
	connection *connection.Connection
	app        *bindings.App
	pace       pace
	report     control.ReadReport

	// ids are ids that lists had: by the path of the record, such as
	// "/contacts/{}", or by the argument that it is passed in, such as "channel".
	ids  map[string]json.RawMessage
	done map[string]bool // operations that were called
}

// read calls lists until no other has what it needs, since one list has ids that
// others need.
func (r *reader) read(ctx context.Context) error {
	for progress := true; progress; {
		progress = false
		for _, name := range r.app.Operations() {
			op, _ := r.app.Operation(name)
			if r.done[name] || !isList(op) {
				continue
			}
			args, complete := r.arguments(op)
			if !complete {
				continue
			}
			progress = true
			if err := r.list(ctx, op, args); err != nil {
				return err
			}
		}
	}
	for _, name := range r.app.Operations() {
		if op, _ := r.app.Operation(name); !r.done[name] && isList(op) {
			r.skip(op, "no record was found for its arguments")
		}
	}
	return nil
}

// isList reports whether an operation is read as a list here. One at an address of
// its own is not the vendor's.
func isList(op *bindings.Operation) bool {
	return op.ReadOnly() && op.Pages != nil && op.Address == "" && !op.Deprecated
}

// list calls a list, and the operation that gets its first item.
func (r *reader) list(ctx context.Context, op *bindings.Operation, args map[string]json.RawMessage) error {
	if size := op.Pages.SizeParam; size != "" {
		args[size] = json.RawMessage(r.sizeOf(op, size))
	}
	called, body, err := r.call(ctx, op, args)
	if err != nil || called == nil {
		return err
	}
	item := firstItem(op, body)
	called.Empty = called.Error == "" && !item.Exists()
	if !item.Exists() {
		return nil
	}
	get, param, place := r.getOf(op)
	if get == nil {
		return nil
	}
	id := idOf(item, param)
	if id == nil {
		return nil
	}
	r.ids[place] = id
	args, complete := r.arguments(get)
	if !complete || r.done[get.Name] {
		return nil
	}
	_, _, err = r.call(ctx, get, args)
	return err
}

// sizeOf returns the size of a page of one item, as JSON.
func (r *reader) sizeOf(op *bindings.Operation, name string) string {
	for _, f := range r.fields(op) {
		if t, _ := r.app.CatalogueOf(op).Resolve(&f.Type); f.Name == name && t.Kind == bindings.String {
			return `"1"`
		}
	}
	return "1"
}

// call makes one call and adds it to the report. The result is nil if nothing was
// sent. An error is the end of ctx.
func (r *reader) call(ctx context.Context, op *bindings.Operation, args map[string]json.RawMessage) (*control.ReadCall, json.RawMessage, error) {
	r.done[op.Name] = true
	if err := r.pace.wait(ctx, op); err != nil {
		return nil, nil, err
	}
	text, err := json.Marshal(args)
	if err != nil {
		return nil, nil, fmt.Errorf("write the arguments of %s: %w", op.Name, err)
	}
	answer, err := r.calls.Do(ctx, call.Request{App: r.app, Operation: op, Connection: r.connection.Name(), Args: text})
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	one := control.ReadCall{Operation: op.Name, Status: answer.Status}
	var e *bindings.Error
	switch {
	case errors.As(err, &e) && e.Status == 0 && e.Kind == bindings.Invalid:
		r.unsent(op, "it needs arguments that only a person has")
		return nil, nil, nil
	case errors.As(err, &e) && e.Status == 0 && e.Kind == bindings.Forbidden:
		r.unsent(op, "the scopes of the connection do not allow it")
		return nil, nil, nil
	case errors.As(err, &e):
		one.Status, one.Error = e.Status, string(e.Kind)
	case err != nil:
		one.Error = "other"
	case op.Answer == nil:
		one.Undeclared = true
	default:
		found := comparison{catalogue: r.app.CatalogueOf(op)}
		found.value("", gjson.ParseBytes(answer.Body), op.Answer, 0)
		one.Unknown, one.Missing, one.Other = found.unknown, found.missing, found.other
	}
	r.report.Calls = append(r.report.Calls, one)
	return &r.report.Calls[len(r.report.Calls)-1], answer.Body, nil
}

// unsent adds an operation of which nothing was sent.
func (r *reader) unsent(op *bindings.Operation, reason string) {
	r.pace.undo()
	r.skip(op, reason)
}

func (r *reader) skip(op *bindings.Operation, reason string) {
	r.report.Skipped = append(r.report.Skipped, control.NotRead{Operation: op.Name, Reason: reason})
}

// arguments returns the arguments that an operation requires beside those of the
// connection, and whether all are there.
func (r *reader) arguments(op *bindings.Operation) (map[string]json.RawMessage, bool) {
	args, complete := map[string]json.RawMessage{}, true
	add := func(param string, places ...string) {
		if _, given := op.AccountWith[param]; given || param == op.Account || param == op.Parent {
			return
		}
		for _, place := range places {
			if id := r.ids[place]; id != nil {
				args[param] = id
				return
			}
		}
		complete = false
	}
	for _, f := range op.PathParams {
		before, _, _ := strings.Cut(op.Path, "{"+f.Name+"}")
		add(f.Name, record(before))
	}
	for _, f := range r.fields(op) {
		if f.Required {
			add(f.Name, argument(op, f.Name))
		}
	}
	return args, complete
}

// fields returns the fields of the query and the body of an operation.
func (r *reader) fields(op *bindings.Operation) []bindings.Field {
	fields := slices.Clone(op.Query)
	if op.Body != nil {
		if _, d := r.app.CatalogueOf(op).Resolve(&op.Body.Type); d != nil {
			fields = append(fields, d.Fields...)
		}
	}
	return fields
}

// argument returns where ids for an argument are. One named "id" is of a record of
// the group.
func argument(op *bindings.Operation, name string) string {
	if name == "id" {
		return group(op) + " id"
	}
	return name
}

// record returns the path of a record below the path of a list.
func record(list string) string {
	return inBraces.ReplaceAllString(strings.TrimSuffix(list, "/"), "{}") + "/{}"
}

var inBraces = regexp.MustCompile(`\{[^}]*\}`)

// group returns the group of an operation, with its edition.
func group(op *bindings.Operation) string {
	return op.Name[:strings.LastIndexByte(op.Name, '.')]
}

// getOf finds the operation that gets an item of a list: the one whose path is the
// list's and an id, or else the "get" or "info" of the group that requires one
// argument. Param is the argument, place where ids for it are.
func (r *reader) getOf(list *bindings.Operation) (get *bindings.Operation, param, place string) {
	for _, name := range r.app.CatalogueOf(list).Operations() {
		op, _ := r.app.Operation(name)
		if op.ReadOnly() && op.Pages == nil && len(op.PathParams) > 0 && inBraces.ReplaceAllString(op.Path, "{}") == record(list.Path) {
			return op, op.PathParams[len(op.PathParams)-1].Name, record(list.Path)
		}
	}
	for _, verb := range []string{".get", ".info"} {
		op, found := r.app.Operation(group(list) + verb)
		if !found || !op.ReadOnly() || len(op.PathParams) > 0 {
			continue
		}
		var required []string
		for _, f := range r.fields(op) {
			if f.Required && f.Name != op.Account {
				required = append(required, f.Name)
			}
		}
		if len(required) == 1 {
			return op, required[0], argument(op, required[0])
		}
	}
	return nil, "", ""
}

// firstItem returns the first item of a list.
func firstItem(op *bindings.Operation, body json.RawMessage) gjson.Result {
	items, _, err := call.Page(op, nil, body)
	if err != nil {
		return gjson.Result{}
	}
	return gjson.GetBytes(items, "0")
}

// idOf returns the id of a record as JSON, nil if it has none.
func idOf(item gjson.Result, param string) json.RawMessage {
	for _, name := range []string{param, "id", "gid", "_id", "uuid"} {
		if id := item.Get(gjson.Escape(name)); id.Type == gjson.String && id.Str != "" || id.Type == gjson.Number {
			return json.RawMessage(id.Raw)
		}
	}
	return nil
}

// pace lets a tenth of each of an app's rate limits through.
type pace struct {
	clock  clock.Clock
	limits []bindings.Limit
	sent   map[string][]time.Time // by limit, when requests were sent
	last   []string               // the limits of the last request
}

// wait returns when a request may be sent, and counts it.
func (p *pace) wait(ctx context.Context, op *bindings.Operation) error {
	p.last = nil
	at := p.clock.Now()
	for _, limit := range p.limits {
		if limit.Name != "" && limit.Name != op.Limit {
			continue
		}
		n, per := limit.Requests/10, limit.Per
		if n == 0 {
			n, per = 1, limit.Per*10/time.Duration(max(1, limit.Requests))
		}
		key := limit.String()
		if limit.Scope == bindings.PerOperation {
			key += " " + op.Name
		}
		p.last = append(p.last, key)
		if sent := p.sent[key]; len(sent) >= n {
			if next := sent[len(sent)-n].Add(per); next.After(at) {
				at = next
			}
		}
	}
	if wait := at.Sub(p.clock.Now()); wait > 0 {
		passed, stop := p.clock.Timer(wait)
		defer stop()
		select {
		case <-passed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	for _, key := range p.last {
		p.sent[key] = append(p.sent[key], p.clock.Now())
	}
	return nil
}

// undo is called if the last request was not sent after all.
func (p *pace) undo() {
	for _, key := range p.last {
		p.sent[key] = p.sent[key][:len(p.sent[key])-1]
	}
}
