package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// Client sends requests to the engine of a data folder. It is a journal.Reader.
type Client struct{ http *http.Client }

var _ journal.Reader = (*Client)(nil)

// Dial makes a client for the engine of a data folder. It does not connect:
// where no engine runs, the first call returns an error for which NotRunning is
// true.
func Dial(data string) (*Client, error) {
	path, folder, err := socketPath(data)
	if err != nil {
		return nil, err
	}
	return &Client{&http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			if err := checkSocketFolder(folder); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
			return (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, "unix", path)
		},
	}}}, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Status returns the status of the engine.
func (c *Client) Status(ctx context.Context) (s Status, err error) {
	return s, c.get(ctx, "/status", nil, &s)
}

// Send sends an event to the engine, which stores it.
func (c *Client) Send(ctx context.Context, m Message) (sent Sent, err error) {
	body, err := json.Marshal(m)
	if err != nil {
		return sent, fmt.Errorf("write the message: %w", err)
	}
	return sent, c.do(ctx, http.MethodPost, "/events", bytes.NewReader(body), &sent)
}

// Run returns a run with its steps.
func (c *Client) Run(ctx context.Context, id string) (journal.Run, []journal.Step, error) {
	var found RunDetails
	err := c.get(ctx, "/runs/"+url.PathEscape(id), nil, &found)
	return found.Run, found.Steps, err
}

// Event returns an event with its runs.
func (c *Client) Event(ctx context.Context, id string) (journal.Event, []journal.Run, error) {
	var found EventDetails
	err := c.get(ctx, "/events/"+url.PathEscape(id), nil, &found)
	return found.Event, found.Runs, err
}

// Runs lists runs, newest first.
func (c *Client) Runs(ctx context.Context, q journal.RunQuery) (runs []journal.Run, err error) {
	v := values(q.Since, q.Limit)
	set(v, "script", q.Script)
	set(v, "hook", q.Hook)
	set(v, "state", string(q.State))
	set(v, "reason", string(q.Reason))
	set(v, "event", q.Event)
	if q.Before > 0 {
		v.Set("before", strconv.FormatInt(q.Before, 10))
	}
	return runs, c.get(ctx, "/runs", v, &runs)
}

// Events lists events, newest first.
func (c *Client) Events(ctx context.Context, q journal.EventQuery) (events []journal.Event, err error) {
	v := values(q.Since, q.Limit)
	set(v, "type", q.Type)
	return events, c.get(ctx, "/events", v, &events)
}

// Counts returns how many runs are in each state.
func (c *Client) Counts(ctx context.Context) (counts map[journal.State]int, err error) {
	return counts, c.get(ctx, "/counts", nil, &counts)
}

// Lanes lists the lanes whose owner is neither queued nor running.
func (c *Client) Lanes(ctx context.Context) (lanes []journal.LaneStatus, err error) {
	return lanes, c.get(ctx, "/lanes", nil, &lanes)
}

// Floods lists the triggers whose runs a flood paused.
func (c *Client) Floods(ctx context.Context) (all []journal.Flood, err error) {
	return all, c.get(ctx, "/floods", nil, &all)
}

// Pending returns what waits in the journal.
func (c *Client) Pending(ctx context.Context) (p journal.Pending, err error) {
	return p, c.get(ctx, "/pending", nil, &p)
}

// Approval returns an approval with its decision.
func (c *Client) Approval(ctx context.Context, id string) (a journal.Approval, err error) {
	return a, c.get(ctx, "/approvals/"+url.PathEscape(id), nil, &a)
}

// Approvals lists the approvals that can be decided.
func (c *Client) Approvals(ctx context.Context) (all []journal.Approval, err error) {
	return all, c.get(ctx, "/approvals", nil, &all)
}

// Subscriptions lists the webhooks that are registered at vendors.
func (c *Client) Subscriptions(ctx context.Context) (all []journal.Subscription, err error) {
	return all, c.get(ctx, "/subscriptions", nil, &all)
}

func values(since time.Time, limit int) url.Values {
	v := url.Values{}
	if !since.IsZero() {
		v.Set("since", since.Format(time.RFC3339Nano))
	}
	if limit > 0 {
		v.Set("limit", strconv.Itoa(limit))
	}
	return v
}

func set(v url.Values, name, value string) {
	if value != "" {
		v.Set(name, value)
	}
}

func (c *Client) get(ctx context.Context, path string, q url.Values, into any) error {
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return c.do(ctx, http.MethodGet, path, nil, into)
}

func (c *Client) do(ctx context.Context, method, path string, body io.Reader, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, "http://engine"+path, body)
	if err != nil {
		return fmt.Errorf("ask the engine: %w", err)
	}
	response, err := c.http.Do(request)
	if err != nil && method == http.MethodGet && ctx.Err() == nil {
		// The engine may have ended during the request. A second one then fails
		// with an error of dialling, which NotRunning recognises.
		response, err = c.http.Do(request)
	}
	if err != nil {
		return fmt.Errorf("ask the engine: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusOK {
		if err := json.NewDecoder(response.Body).Decode(into); err != nil {
			return fmt.Errorf("read the engine's answer: %w", err)
		}
		return nil
	}
	var problem struct{ Error string }
	if err := json.NewDecoder(response.Body).Decode(&problem); err != nil {
		return fmt.Errorf("the engine answered %s", response.Status)
	}
	if response.StatusCode == http.StatusNotFound {
		return journal.ErrNotFound
	}
	return errors.New(problem.Error)
}
