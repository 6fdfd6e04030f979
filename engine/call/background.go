package call

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// BackgroundCall is a call that the engine makes for itself, not for a run: it has
// no begun record and no step.
type BackgroundCall struct {
	App        *bindings.App
	Connection string
	Call       bindings.Call
	Vars       Vars
	// Secrets are the secrets in the arguments.
	Secrets []string
}

func (o BackgroundCall) operation() (*bindings.Operation, error) {
	op, found := o.App.Operation(o.Call.Operation)
	if !found {
		return nil, fmt.Errorf("%s has no operation %q", o.App.Name, o.Call.Operation)
	}
	return op, nil
}

// arguments are those of the call. A number becomes text where the operation
// declares text, such as a time in milliseconds.
func (o BackgroundCall) arguments(op *bindings.Operation) (json.RawMessage, error) {
	args, err := Arguments(o.Call.Args, o.Vars)
	if err != nil {
		return nil, err
	}
	texts := map[string]json.RawMessage{}
	gjson.ParseBytes(args).ForEach(func(name, value gjson.Result) bool {
		if value.Type == gjson.Number && isText(o.App.CatalogueOf(op), op, name.String()) {
			texts[name.String()] = json.RawMessage(quote(value.Raw))
		}
		return true
	})
	if len(texts) == 0 {
		return args, nil
	}
	added, err := json.Marshal(texts)
	return override(args, added), err
}

// isText reports whether an argument is declared as text.
func isText(c *bindings.Catalogue, op *bindings.Operation, name string) bool {
	fields := slices.Concat(op.PathParams, op.Query, op.Header)
	if op.Body != nil {
		if _, d := c.Resolve(&op.Body.Type); d != nil {
			fields = append(fields, d.Fields...)
		}
	}
	return slices.ContainsFunc(fields, func(f bindings.Field) bool {
		kind, _ := c.Resolve(&f.Type)
		return f.Name == name && kind.Kind == bindings.String
	})
}

// DoBackgroundCall makes the call.
func (c *Client) DoBackgroundCall(ctx context.Context, o BackgroundCall) (Answer, error) {
	op, err := o.operation()
	if err != nil {
		return Answer{}, err
	}
	args, err := o.arguments(op)
	if err != nil {
		return Answer{}, err
	}
	return c.Do(ctx, Request{App: o.App, Operation: op, Connection: o.Connection, Args: args, Secrets: o.Secrets})
}

// maxWalk bounds the pages that Walk reads.
const maxWalk = 1000

// Walk visits the items of a list, page by page, until visit fails. A list that
// does not end is an error.
func (c *Client) Walk(ctx context.Context, o BackgroundCall, visit func(item json.RawMessage) error) error {
	var next json.RawMessage
	for range maxWalk {
		page, err := c.List(ctx, o, next)
		if err != nil {
			return err
		}
		for _, item := range page.Items {
			if err := visit(item); err != nil {
				return err
			}
		}
		if next = page.Next; next == nil {
			return nil
		}
	}
	return pageError(&bindings.Operation{Name: o.Call.Operation}, "more than %d pages; the list does not end", maxWalk)
}

// ListPage is one page of a list.
type ListPage struct {
	Items []json.RawMessage // without those that are null
	Next  json.RawMessage   // the arguments of the next page; nil: it is the last
	Answer
}

// List asks for one page of a list: the first, or the one that next names. The
// answer is returned with an error too, as far as it is known.
func (c *Client) List(ctx context.Context, o BackgroundCall, next json.RawMessage) (ListPage, error) {
	op, err := o.operation()
	if err != nil {
		return ListPage{}, err
	}
	if !op.ReadOnly() { // it is sent again and again, without a begun record
		return ListPage{}, pageError(op, "%s may change something, so it cannot be read as a list", op.Name)
	}
	args, err := o.arguments(op)
	if err != nil {
		return ListPage{}, err
	}
	if next != nil {
		args = override(args, next)
	}
	answer, err := c.Do(ctx, Request{App: o.App, Operation: op, Connection: o.Connection, Args: args, Secrets: o.Secrets, Page: true})
	if err != nil {
		return ListPage{Answer: answer}, err
	}
	items, next, err := Page(op, args, answer.Body)
	if err != nil {
		return ListPage{Answer: answer}, err
	}
	page := ListPage{Next: next, Answer: answer}
	for _, item := range gjson.ParseBytes(items).Array() {
		if item.Type != gjson.Null {
			page.Items = append(page.Items, json.RawMessage(item.Raw))
		}
	}
	return page, nil
}

// override merges two objects; the members of the second win.
func override(args, added json.RawMessage) json.RawMessage {
	merged := map[string]json.RawMessage{}
	for _, object := range []json.RawMessage{args, added} {
		gjson.ParseBytes(object).ForEach(func(key, value gjson.Result) bool {
			merged[key.String()] = json.RawMessage(value.Raw)
			return true
		})
	}
	text, err := json.Marshal(merged)
	if err != nil {
		return args // it was JSON before
	}
	return text
}

// maxItems bounds the items that one thing is done for.
const maxItems = 10_000

// Items lists what something is done for, by the id of each item. Without of
// there is one entry, whose item is nil.
func (c *Client) Items(ctx context.Context, app *bindings.App, connection string, of *bindings.ForEach, vars Vars) (map[string]*Item, error) {
	if of == nil {
		return map[string]*Item{"": nil}, nil
	}
	outer, err := c.Items(ctx, app, connection, of.ForEach, vars)
	if err != nil {
		return nil, err
	}
	list := of.List
	if conn, known := c.config.Connections.Get(connection); known {
		list = of.ListFor(conn.AuthName())
	}
	found := map[string]*Item{}
	for _, id := range slices.Sorted(maps.Keys(outer)) {
		above := outer[id]
		own := BackgroundCall{App: app, Connection: connection, Call: list, Vars: func(name string) (any, bool) {
			if value, known := above.Var(name); known {
				return value, true
			}
			return vars(name)
		}}
		err := c.Walk(ctx, own, func(value json.RawMessage) error {
			id := jsonpath.Text(value, of.ID)
			if id == "" {
				return fmt.Errorf("%s.%s: an item has no id, nothing at %q", app.Name, list.Operation, of.ID)
			}
			if len(found) == maxItems && found[id] == nil {
				return fmt.Errorf("%s.%s: more than %d items", app.Name, list.Operation, maxItems)
			}
			found[id] = &Item{Value: append(json.RawMessage{}, value...), Of: above}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}
