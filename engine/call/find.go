package call

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

const (
	// maxClockSkew is how far the times of a vendor's records may be behind the time of
	// its answer.
	maxClockSkew = 5 * time.Minute
	// maxClockLag is how far the vendor's clock may be behind ours: a read of what was
	// made since a call would have all records of a longer time.
	maxClockLag = 24 * time.Hour
	// minClockLag is what the time of an answer may be behind by the way that it came.
	minClockLag = time.Minute
	// maxFindPages bounds the pages of a list that are read to find one record.
	maxFindPages = 50
	// maxFound bounds the matches that are returned.
	maxFound = 20
)

// FindRequest is a read that finds out whether a begun request was done. Args of
// Begun are with opened secrets.
type FindRequest struct {
	Begun
	Find       *bindings.Find // as FindFor returned it
	Key        string         // as for FindFor
	Connection string
	// Given are the arguments as the script has them, for the answer that is made.
	Given json.RawMessage
	// Equal leaves out records that do not have all values that the call has in its
	// body.
	Equal   bool
	Secrets []string
	Caller
}

// Found is what a FindRequest found.
type Found struct {
	// Answers are what the call is taken to have answered, one for each match. There
	// are at most 20.
	Answers []json.RawMessage
	// Answer is that of the last read. It is returned with an error too.
	Answer
}

// FindFor returns the way to find out whether the request was done; nil if there
// is none. Key is the idempotency key that was derived for the call; empty if it
// has none, or one of the script's own.
func (b Begun) FindFor(key string) *bindings.Find {
	if b.Operation == nil {
		return nil
	}
	first, err := readSentRecord(b.Sent)
	if err != nil || first == nil {
		return nil
	}
	given, keyed := isSetIn(b.Args), first.keyOf(b.Operation, key) != ""
	for i := range b.Operation.Find {
		if f := &b.Operation.Find[i]; f.Applies(given, keyed) {
			return f
		}
	}
	return nil
}

// keyOf returns the key of ours that the request was sent with, empty if it was
// sent with none. derived is the idempotency key that was derived for it.
func (s *sentRecord) keyOf(op *bindings.Operation, derived string) string {
	switch {
	case s.OwnKey != "":
		return s.OwnKey
	case op.Key && derived != "" && (s.Withheld || s.Key == derived):
		return derived
	}
	return ""
}

// Find reads what the vendor has, and returns the records that may be those of the
// call. What the vendor answered is a *bindings.Error.
func (c *Client) Find(ctx context.Context, r FindRequest) (Found, error) {
	reads, found := r.Find.Reads(r.Operation)
	if !found || !reads.ReadOnly() {
		return Found{}, &bindings.Error{Kind: bindings.Invalid, App: r.App.Name, Operation: r.Operation.Name,
			Message: fmt.Sprintf("the catalogue finds it by %q, which is no operation that only reads", r.Find.Operation)}
	}
	sent, err := readSentRecord(r.Sent)
	if err != nil {
		return Found{}, err
	}
	conn, err := c.connection(r.App, reads.Name, r.Connection)
	if err != nil {
		return Found{}, err
	}
	r.Caller.Lookup = true
	f := &finder{client: c, request: r, sent: sent, reads: reads, conn: conn}
	if err = f.readAll(ctx); err != nil || r.Find.Key && len(f.found.Answers) > 0 {
		return f.found, err
	}
	if f.clockLag, err = f.measure(); err == nil && f.clockLag > 0 {
		err = f.readAll(ctx)
	}
	return f.found, err
}

// readAll makes the read, and finds the matches.
func (f *finder) readAll(ctx context.Context) error {
	args, err := Arguments(f.request.Find.Args, f.vars)
	if err != nil {
		return err
	}
	f.found = Found{}
	return f.read(ctx, args)
}

// measure returns how far the vendor's clock is behind ours, by the time of its last
// answer; zero if that does not matter.
func (f *finder) measure() (time.Duration, error) {
	words := bindings.Placeholders(f.request.Find.Args)
	since := slices.ContainsFunc(words, func(word string) bool { return strings.HasPrefix(word, "since") })
	at, err := http.ParseTime(f.found.Answer.header.Get("Date"))
	if err != nil || !since && f.request.Find.Created == "" {
		return 0, nil
	}
	lag := f.client.config.Clock.Now().Sub(at)
	switch {
	case lag <= minClockLag:
		return 0, nil
	case lag > maxClockLag:
		return 0, &bindings.Error{Kind: bindings.Invalid, App: f.request.App.Name, Operation: f.reads.Name, Connection: f.request.Connection,
			Message: fmt.Sprintf("the vendor's clock is %s behind this machine's, and a look-up needs one that is %s behind at most; check the clock of this machine", rounded(lag), maxClockLag)}
	}
	return lag, nil
}

// finder is a FindRequest while it is made.
type finder struct {
	client   *Client
	request  FindRequest
	sent     *sentRecord
	reads    *bindings.Operation
	conn     *connection.Connection
	clockLag time.Duration // of the vendor's clock
	found    Found
}

// since returns a time of the vendor's clock at which the call was not sent yet.
func (f *finder) since() time.Time { return f.sent.At.Add(-f.clockLag - maxClockSkew).UTC() }

// vars returns the values of the words of a bindings.Find.
func (f *finder) vars(name string) (any, bool) {
	since := f.since()
	account, parent := f.conn.Accounts()
	switch name {
	case "key":
		key := f.sent.keyOf(f.request.Operation, f.request.Key)
		return key, key != ""
	case "since":
		return since.Format(time.RFC3339), true
	case "since.s":
		return strconv.FormatInt(since.Unix(), 10), true
	case "since.ms":
		return strconv.FormatInt(since.UnixMilli(), 10), true
	case "account":
		return account, account != ""
	case "parent":
		return parent, parent != ""
	}
	return f.argument(f.request.Args, name)
}

// argument returns the value of a word for an argument of the call.
func (f *finder) argument(args json.RawMessage, name string) (any, bool) {
	path, found := strings.CutPrefix(name, "args.")
	if !found {
		return nil, false
	}
	value, found := jsonpath.Lookup(args, path)
	return value, found && string(value) != "null"
}

// read reads the record, or all records of the list, and adds the matches.
func (f *finder) read(ctx context.Context, args json.RawMessage) error {
	if f.reads.Pages != nil {
		return f.readPages(ctx, args)
	}
	answer, err := f.client.Do(ctx, Request{App: f.request.App, Operation: f.reads, Connection: f.request.Connection, Args: args,
		Secrets: f.request.Secrets, Caller: f.request.Caller})
	f.found.Answer = answer
	var e *bindings.Error
	switch {
	case err != nil && f.request.Find.Items == "" && errors.As(err, &e) && e.Kind == bindings.NotFound:
		return nil
	case err != nil:
		return err
	case f.request.Find.Items == "":
		return f.add(answer.Body)
	}
	list := jsonpath.Get(answer.Body, f.request.Find.Items)
	if list.Exists() && !list.IsArray() && list.Type != gjson.Null {
		return pageError(f.reads, "expected a list at %q in the answer, found %s", f.request.Find.Items, kindOf(list))
	}
	return f.addMatches(list)
}

func (f *finder) readPages(ctx context.Context, args json.RawMessage) error {
	for range maxFindPages {
		answer, err := f.client.Do(ctx, Request{App: f.request.App, Operation: f.reads, Connection: f.request.Connection, Args: args,
			Secrets: f.request.Secrets, Caller: f.request.Caller, Page: true})
		if f.found.Answer = answer; err != nil {
			return err
		}
		items, next, err := Page(f.reads, args, answer.Body)
		if err != nil {
			return err
		}
		err = f.addMatches(gjson.ParseBytes(items))
		if ours := f.request.Find.Key && len(f.found.Answers) > 0; err != nil || next == nil || ours {
			return err
		}
		args = override(args, next)
	}
	return pageError(f.reads, "%s has more than %d pages; no more are read to find one record", f.reads.Name, maxFindPages)
}

// addMatches adds the matches of a list.
func (f *finder) addMatches(list gjson.Result) error {
	for _, record := range list.Array() {
		raw := json.RawMessage(record.Raw)
		if record.IsObject() && len(f.found.Answers) < maxFound && f.matches(raw) {
			if err := f.add(raw); err != nil {
				return err
			}
		}
	}
	return nil
}

// matches reports whether a record may be that of the call. Neither it nor what it is
// compared with has secrets.
func (f *finder) matches(record json.RawMessage) bool {
	if path := f.request.Find.Created; path != "" {
		if at, ok := timeIn(jsonpath.Get(record, path)); ok && at.Before(f.since()) {
			return false
		}
	}
	for path, text := range f.request.Find.Match {
		want := expand(text, f.vars)
		if want == nil {
			continue
		}
		raw, err := json.Marshal(want)
		if err != nil || !sameValue(jsonpath.Get(record, path), gjson.ParseBytes(RedactRecord(raw, f.request.Secrets))) {
			return false
		}
	}
	return f.request.Find.Key || !f.ofOtherCall(record)
}

// ofOtherCall reports whether a record has the key of ours of another call.
func (f *finder) ofOtherCall(record json.RawMessage) bool {
	for _, op := range f.request.Find.Makers(f.request.Operation) {
		key := op.OwnKey.In(gjson.ParseBytes(record).Value())
		if key != "" && key != f.sent.OwnKey && key != op.OwnKey.In(gjson.ParseBytes(f.request.Args).Value()) {
			return true
		}
	}
	return false
}

// add adds what the call is taken to have answered, if a record is its own.
func (f *finder) add(record json.RawMessage) error {
	if f.request.Equal && !f.hasArguments(record) {
		return nil
	}
	answer := append(json.RawMessage{}, record...)
	if made := f.request.Find.Answer; made != nil {
		var err error
		answer, err = json.Marshal(expand(made, func(name string) (any, bool) {
			if name == "found" {
				return record, true
			}
			if path, found := strings.CutPrefix(name, "found."); found {
				value, found := jsonpath.Lookup(record, path)
				return value, found && string(value) != "null"
			}
			if strings.HasPrefix(name, "args.") {
				return f.argument(f.request.Given, name)
			}
			return f.vars(name)
		}))
		if err != nil {
			return fmt.Errorf("make the answer of %s: %w", f.request.Operation.Name, err)
		}
	}
	f.found.Answers = append(f.found.Answers, answer)
	return nil
}

// hasArguments reports whether a record has all values that the call has in its body.
func (f *finder) hasArguments(record json.RawMessage) (same bool) {
	s, fields := f.client.shapes.of(f.request.App, f.request.Operation), gjson.ParseBytes(record)
	same = true
	gjson.ParseBytes(RedactRecord(f.request.Args, f.request.Secrets)).ForEach(func(name, want gjson.Result) bool {
		wire := name.String()
		if a := s.index[wire]; a != nil {
			at := slices.IndexFunc(a.params, func(p param) bool { return p.place == inBody })
			if at < 0 {
				return true
			}
			wire = a.params[at].wire
		}
		same = includes(valueOf(fields, wire), want)
		return same
	})
	return same
}

// includes reports whether a value that the vendor stores has all that was sent. It
// may have more fields.
func includes(have, want gjson.Result) bool {
	switch {
	case want.Type == gjson.Null:
		return true
	case want.IsArray():
		items, wanted := have.Array(), want.Array()
		return (have.IsArray() || len(wanted) == 0 && !have.Exists()) && len(items) == len(wanted) &&
			!slices.ContainsFunc(wanted, func(w gjson.Result) bool {
				return !slices.ContainsFunc(items, func(h gjson.Result) bool { return includes(h, w) })
			})
	case want.IsObject():
		same := have.IsObject() || len(want.Map()) == 0
		want.ForEach(func(name, value gjson.Result) bool {
			same = same && includes(valueOf(have, name.String()), value)
			return same
		})
		return same
	}
	return have.Exists() && sameValue(have, want)
}

// sameValue reports whether a value that the vendor stores may be one that was
// sent: case, spaces at the ends, the form of a number or a time, and whether a
// number is text do not count.
func sameValue(have, want gjson.Result) bool {
	if have.IsObject() || have.IsArray() || want.IsObject() || want.IsArray() {
		return journal.Same(json.RawMessage(have.Raw), json.RawMessage(want.Raw))
	}
	a, b := strings.TrimSpace(have.String()), strings.TrimSpace(want.String())
	if strings.EqualFold(a, b) {
		return true
	}
	if x, err := strconv.ParseFloat(a, 64); err == nil {
		y, err := strconv.ParseFloat(b, 64)
		return err == nil && x == y
	}
	x, errA := time.Parse(time.RFC3339, a)
	y, errB := time.Parse(time.RFC3339, b)
	return errA == nil && errB == nil && x.Equal(y)
}

// minMilliseconds is the least number that is a time in milliseconds and not in
// seconds.
const minMilliseconds = 1e11

// timeIn reads a time: RFC 3339, or Unix seconds or milliseconds.
func timeIn(value gjson.Result) (time.Time, bool) {
	text := value.String()
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, true
	}
	n, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || math.IsNaN(n) || n <= 0 || n > math.MaxInt64/1000:
		return time.Time{}, false
	case n >= minMilliseconds:
		return time.UnixMilli(int64(n)), true
	}
	return time.UnixMilli(int64(n * 1000)), true
}
