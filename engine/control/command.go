package control

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

// Commands change runs and the store. Each is a request of a person.
type Commands interface {
	Cancel(ctx context.Context, run string) error
	Retry(ctx context.Context, run string) error
	DecideCall(ctx context.Context, run string, d journal.CallDecision) error
	Replay(ctx context.Context, run string, steps int) (string, error)
	Migrate(ctx context.Context, run string) error
	ReleaseFlood(ctx context.Context, trigger string, drop bool) (int, error)
	Unpause(ctx context.Context, run string) error
	Backup(ctx context.Context, o BackupOptions) (Backup, error)
	Doctor(ctx context.Context) ([]Finding, error)
	SyncWebhooks(ctx context.Context, o SyncOptions) ([]Webhook, error)
}

// BackupOptions is a request for a backup.
type BackupOptions struct {
	File       string `json:"file"`                  // must not exist
	WithoutKey bool   `json:"without_key,omitempty"` // leave out the vault's key
}

// Backup is a backup that was made.
type Backup struct {
	Files    int      `json:"files"`
	Bytes    int64    `json:"bytes"` // of the files, before compression
	Key      string   `json:"key"`   // where the vault's key is; see package backup
	Warnings []string `json:"warnings,omitempty"`
}

// Finding is a problem that is not solved without a person.
type Finding struct {
	// Kind is journal, script, connection, held, blocked, flood, restored, wait, version,
	// format, overdue, lane, webhook, poll or circuit; without an engine also
	// engine, folder, configuration or vault.
	Kind string `json:"kind"`
	// Run is one of the Runs that have the same cause.
	Run   string `json:"run,omitempty"`
	Runs  int    `json:"runs,omitempty"`
	Text  string `json:"text"`
	Since string `json:"since,omitempty"`
	Do    string `json:"do"` // what the person does next

	// Of a journal that cannot be written, and of an engine that does not run: why
	// it cannot be written, the runs that wait for a decision, those that wait for a
	// worker, and the age of the oldest of these in seconds.
	Reason    journal.Reason `json:"reason,omitempty"`
	Undecided int            `json:"held,omitempty"`
	Queued    int            `json:"queued,omitempty"`
	Lag       float64        `json:"lag_seconds,omitempty"`
}

// SetPending adds what waits to a finding.
func (f *Finding) SetPending(b journal.Pending, now time.Time) {
	f.Undecided, f.Queued, f.Lag = b.Undecided, b.Queued, b.Lag(now).Seconds()
	if b.Queued > 0 {
		f.Text += fmt.Sprintf("; %s queued, the oldest for %s", runsAre(b.Queued), b.Lag(now).Round(time.Second))
	}
	if b.Undecided > 0 {
		f.Text += fmt.Sprintf("; %s held", runsAre(b.Undecided))
	}
}

func runsAre(n int) string {
	if n == 1 {
		return "1 run is"
	}
	return fmt.Sprintf("%d runs are", n)
}

// commandBody is the body of a request for a command.
type commandBody struct {
	Resolution journal.Resolution `json:"verdict,omitempty"`
	Result     json.RawMessage    `json:"result,omitempty"`
	By         string             `json:"by,omitempty"`   // who decides
	Steps      int                `json:"keep,omitempty"` // of a replay: recorded steps to copy
	Trigger    string             `json:"trigger,omitempty"`
	Drop       bool               `json:"drop,omitempty"`
}

// done is the body of the response.
type done struct {
	Run  string `json:"run,omitempty"`
	Runs int    `json:"runs,omitempty"`
}

func (s *Server) commands(mux *http.ServeMux) {
	handle := func(pattern string, do func(context.Context, string, commandBody) (done, error)) {
		mux.HandleFunc(pattern, respond(func(r *http.Request) (any, error) {
			var o commandBody
			if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxMessage)).Decode(&o); err != nil {
				return nil, &bindings.Error{Kind: bindings.Invalid, Message: "the command is not JSON: " + err.Error()}
			}
			return do(r.Context(), r.PathValue("id"), o)
		}))
	}
	c := s.config.Commands
	handle("POST /runs/{id}/cancel", func(ctx context.Context, id string, _ commandBody) (done, error) {
		return done{Run: id}, c.Cancel(ctx, id)
	})
	handle("POST /runs/{id}/retry", func(ctx context.Context, id string, _ commandBody) (done, error) {
		return done{Run: id}, c.Retry(ctx, id)
	})
	handle("POST /runs/{id}/migrate", func(ctx context.Context, id string, _ commandBody) (done, error) {
		return done{Run: id}, c.Migrate(ctx, id)
	})
	handle("POST /runs/{id}/decide", func(ctx context.Context, id string, o commandBody) (done, error) {
		return done{Run: id}, c.DecideCall(ctx, id, journal.CallDecision{Resolution: o.Resolution, Result: o.Result, By: o.By})
	})
	handle("POST /runs/{id}/replay", func(ctx context.Context, id string, o commandBody) (done, error) {
		made, err := c.Replay(ctx, id, o.Steps)
		return done{Run: made}, err
	})
	handle("POST /floods", func(ctx context.Context, _ string, o commandBody) (done, error) {
		n, err := c.ReleaseFlood(ctx, o.Trigger, o.Drop)
		return done{Runs: n}, err
	})
	handle("POST /runs/{id}/release", func(ctx context.Context, id string, _ commandBody) (done, error) {
		return done{Run: id}, c.Unpause(ctx, id)
	})
	mux.HandleFunc("POST /backup", respond(s.backup))
	mux.HandleFunc("POST /webhooks/sync", respond(s.syncWebhooks))
	mux.HandleFunc("GET /doctor", respond(func(r *http.Request) (any, error) { return c.Doctor(r.Context()) }))
}

func (s *Server) backup(r *http.Request) (any, error) {
	var o BackupOptions
	if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxMessage)).Decode(&o); err != nil {
		return nil, &bindings.Error{Kind: bindings.Invalid, Message: "the command is not JSON: " + err.Error()}
	}
	return s.config.Commands.Backup(r.Context(), o)
}

var _ Commands = (*Client)(nil)

// Cancel ends a live run.
func (c *Client) Cancel(ctx context.Context, run string) error {
	_, err := c.command(ctx, runPath(run, "cancel"), commandBody{})
	return err
}

// Retry continues a failed or cancelled run after its last good record.
func (c *Client) Retry(ctx context.Context, run string) error {
	_, err := c.command(ctx, runPath(run, "retry"), commandBody{})
	return err
}

// Migrate moves a parked run to the current version of its script.
func (c *Client) Migrate(ctx context.Context, run string) error {
	_, err := c.command(ctx, runPath(run, "migrate"), commandBody{})
	return err
}

// DecideCall applies a person's decision about a held run.
func (c *Client) DecideCall(ctx context.Context, run string, d journal.CallDecision) error {
	_, err := c.command(ctx, runPath(run, "decide"), commandBody{Resolution: d.Resolution, Result: d.Result, By: d.By})
	return err
}

// Replay makes a new run of the same event, which begins with copies of the
// first recorded steps, and returns its id.
func (c *Client) Replay(ctx context.Context, run string, steps int) (string, error) {
	made, err := c.command(ctx, runPath(run, "replay"), commandBody{Steps: steps})
	return made.Run, err
}

// ReleaseFlood queues the paused runs of a trigger, or drops them. It returns
// how many there were.
func (c *Client) ReleaseFlood(ctx context.Context, trigger string, drop bool) (int, error) {
	made, err := c.command(ctx, "/floods", commandBody{Trigger: trigger, Drop: drop})
	return made.Runs, err
}

// Unpause lets a paused run go on.
func (c *Client) Unpause(ctx context.Context, run string) error {
	_, err := c.command(ctx, runPath(run, "release"), commandBody{})
	return err
}

// Backup writes what is in the engine's data folder to a file.
func (c *Client) Backup(ctx context.Context, o BackupOptions) (made Backup, err error) {
	body, err := json.Marshal(o)
	if err != nil {
		return made, fmt.Errorf("write the command: %w", err)
	}
	return made, c.do(ctx, http.MethodPost, "/backup", bytes.NewReader(body), &made)
}

// Doctor returns the problems that are not solved without a person.
func (c *Client) Doctor(ctx context.Context) (found []Finding, err error) {
	return found, c.get(ctx, "/doctor", nil, &found)
}

func runPath(run, verb string) string { return "/runs/" + url.PathEscape(run) + "/" + verb }

func (c *Client) command(ctx context.Context, path string, o commandBody) (d done, err error) {
	body, err := json.Marshal(o)
	if err != nil {
		return d, fmt.Errorf("write the command: %w", err)
	}
	return d, c.do(ctx, http.MethodPost, path, bytes.NewReader(body), &d)
}
