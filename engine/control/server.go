package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

// Config makes a Server. Reader and Send are required.
type Config struct {
	Reader journal.Reader
	// Send stores an event that a person sent.
	Send   func(context.Context, Message) (Sent, error)
	Status func(context.Context) Status
	// Current returns what a running run does, or what a queued one waits for; nil:
	// it is not known.
	Current     func(run string) *journal.Current
	Commands    Commands    // nil: their paths are not served
	Connections Connections // nil: their paths are not served
	Log         *slog.Logger
}

// maxMessage is the largest message that is read, in bytes; as for a webhook.
const maxMessage = 5 << 20

// Message is an event that a person sends.
type Message struct {
	Type       string          `json:"type"`
	Data       json.RawMessage `json:"data"`
	ID         string          `json:"id,omitempty"`
	Connection string          `json:"connection,omitempty"`
}

// Sent is the result of a Message.
type Sent struct {
	Event     string   `json:"event"`
	Duplicate bool     `json:"duplicate,omitempty"`
	Runs      []string `json:"runs"`
	Woken     []string `json:"woken,omitempty"`   // runs that waited for it
	Merged    []string `json:"merged,omitempty"`  // runs that now handle it instead of an older event
	Skipped   []string `json:"skipped,omitempty"` // hooks that make no run while one is live
}

// Status describes a running engine.
type Status struct {
	PID      int            `json:"pid"`
	Listen   string         `json:"listen"`
	Scripts  []ScriptStatus `json:"scripts"`
	Webhooks []Count        `json:"webhooks"`
	Polls    []PollStatus   `json:"polls"`
	// Circuits are the hosts to which no call is sent, because they do not answer.
	Circuits []CircuitStatus `json:"circuits,omitempty"`
	Started  time.Time       `json:"started"`
	Journal  JournalStatus   `json:"journal"`
}

// JournalStatus is whether the journal can be written, and what waits in it.
type JournalStatus struct {
	journal.Health
	journal.Pending
	Lag float64 `json:"lag_seconds"` // age of the oldest queued run
	// Unread is why what waits could not be read, empty if it was.
	Unread string `json:"unread,omitempty"`
}

// CircuitStatus is a host to which no call is sent but one now and then.
type CircuitStatus struct {
	App      string    `json:"app,omitempty"` // empty for the http library
	Host     string    `json:"host"`
	Lookups  bool      `json:"lookups,omitempty"` // it is that of look-ups, not of other calls
	Failures int       `json:"failures"`          // in a row
	Reason   string    `json:"reason"`            // of the last failure
	Since    time.Time `json:"since"`
	Next     time.Time `json:"next"` // when a call is tried
}

// Count is how many webhooks had one result; see ingest.Count.
type Count struct {
	Where  string `json:"where"`
	Result string `json:"outcome"`
	Count  int64  `json:"count"`
}

// PollStatus is one list that is polled.
type PollStatus struct {
	Connection string    `json:"connection"`
	Poll       string    `json:"poll"`
	Purpose    string    `json:"purpose"` // poll or reconcile
	Every      string    `json:"every"`
	Last       time.Time `json:"looked,omitzero"` // end of the last complete poll
	Next       time.Time `json:"next"`
	Found      int       `json:"found"` // events of the last poll
	Problem    string    `json:"problem,omitempty"`
	Failing    time.Time `json:"failing,omitzero"` // since when polls fail
}

// ScriptStatus is one live script.
type ScriptStatus struct {
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Hooks   []string `json:"hooks"`
	Problem string   `json:"problem,omitempty"`
}

// Server answers commands.
type Server struct{ config Config }

// New makes a server; it does not listen.
func New(c Config) *Server {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{c}
}

// Serve answers on listener until ctx is done.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 5 * time.Second,
		ErrorLog: slog.NewLogLogger(s.config.Log.Handler(), slog.LevelDebug)}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := server.Shutdown(bound)
	if err != nil {
		err = errors.Join(err, server.Close())
	}
	<-served
	return err
}

// Handler serves the API.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", respond(func(r *http.Request) (any, error) { return s.config.Status(r.Context()), nil }))
	mux.HandleFunc("POST /events", respond(s.send))
	mux.HandleFunc("GET /events", respond(func(r *http.Request) (any, error) {
		q, err := eventQuery(r.URL.Query())
		if err != nil {
			return nil, err
		}
		return s.config.Reader.Events(r.Context(), q)
	}))
	mux.HandleFunc("GET /events/{id...}", respond(func(r *http.Request) (any, error) {
		event, runs, err := s.config.Reader.Event(r.Context(), r.PathValue("id"))
		return EventDetails{event, runs}, err
	}))
	if s.config.Commands != nil {
		s.commands(mux)
	}
	if s.config.Connections != nil {
		s.connectionRoutes(mux)
	}
	mux.HandleFunc("GET /runs", respond(func(r *http.Request) (any, error) {
		q, err := runQuery(r.URL.Query())
		if err != nil {
			return nil, err
		}
		return s.config.Reader.Runs(r.Context(), q)
	}))
	mux.HandleFunc("GET /runs/{id}", respond(func(r *http.Request) (any, error) {
		run, steps, err := s.config.Reader.Run(r.Context(), r.PathValue("id"))
		if (run.State == journal.Running || run.State == journal.Queued) && s.config.Current != nil {
			run.Current = s.config.Current(run.ID)
		}
		if journal.ReadingNow(run, steps) {
			last := steps[len(steps)-1]
			run.State, run.Park = journal.Held, &journal.Parked{Since: last.Started, Until: last.Lookup().Sent, Step: last.Number}
		}
		return RunDetails{run, steps}, err
	}))
	mux.HandleFunc("GET /counts", respond(func(r *http.Request) (any, error) { return s.config.Reader.Counts(r.Context()) }))
	mux.HandleFunc("GET /lanes", respond(func(r *http.Request) (any, error) { return s.config.Reader.Lanes(r.Context()) }))
	mux.HandleFunc("GET /floods", respond(func(r *http.Request) (any, error) { return s.config.Reader.Floods(r.Context()) }))
	mux.HandleFunc("GET /pending", respond(func(r *http.Request) (any, error) { return s.config.Reader.Pending(r.Context()) }))
	mux.HandleFunc("GET /approvals", respond(func(r *http.Request) (any, error) { return s.config.Reader.Approvals(r.Context()) }))
	mux.HandleFunc("GET /approvals/{id}", respond(func(r *http.Request) (any, error) {
		return s.config.Reader.Approval(r.Context(), r.PathValue("id"))
	}))
	mux.HandleFunc("GET /subscriptions", respond(func(r *http.Request) (any, error) { return s.config.Reader.Subscriptions(r.Context()) }))
	return mux
}

// EventDetails is an event with the runs it caused.
type EventDetails struct {
	Event journal.Event `json:"event"`
	Runs  []journal.Run `json:"runs"`
}

// RunDetails is a run with its steps.
type RunDetails struct {
	Run   journal.Run    `json:"run"`
	Steps []journal.Step `json:"steps"`
}

func (s *Server) send(r *http.Request) (any, error) {
	var m Message
	if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxMessage)).Decode(&m); err != nil {
		return nil, &bindings.Error{Kind: bindings.Invalid, Message: "the message is not JSON: " + err.Error()}
	}
	return s.config.Send(r.Context(), m)
}

// respond writes the result of a handler as JSON, and an error with a status
// from which the client makes the same error.
func respond(handle func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := handle(r)
		w.Header().Set("Content-Type", "application/json")
		if err != nil {
			status := http.StatusInternalServerError
			var wrong *bindings.Error
			switch {
			case errors.Is(err, journal.ErrNotFound):
				status = http.StatusNotFound
			case errors.Is(err, journal.ErrState):
				status = http.StatusConflict
			case errors.As(err, &wrong):
				status = http.StatusUnprocessableEntity
			}
			w.WriteHeader(status)
			body = map[string]string{"error": errorText(err)}
		}
		json.NewEncoder(w).Encode(body)
	}
}

// errorText returns an error's text without the kind in brackets, which is for
// scripts.
func errorText(err error) string {
	var wrong *bindings.Error
	if errors.As(err, &wrong) {
		return wrong.Message
	}
	return err.Error()
}

func runQuery(v url.Values) (q journal.RunQuery, err error) {
	q.Script, q.Hook, q.State, q.Event = v.Get("script"), v.Get("hook"), journal.State(v.Get("state")), v.Get("event")
	q.Reason = journal.PauseReason(v.Get("reason"))
	q.Since, q.Limit, err = sinceAndLimit(v)
	if before := v.Get("before"); err == nil && before != "" {
		q.Before, err = strconv.ParseInt(before, 10, 64)
	}
	return q, err
}

func eventQuery(v url.Values) (q journal.EventQuery, err error) {
	q.Type = v.Get("type")
	q.Since, q.Limit, err = sinceAndLimit(v)
	return q, err
}

func sinceAndLimit(v url.Values) (since time.Time, limit int, err error) {
	if text := v.Get("since"); text != "" {
		if since, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return since, 0, fmt.Errorf("read since: %w", err)
		}
	}
	if text := v.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil {
			return since, 0, fmt.Errorf("read limit: %w", err)
		}
	}
	return since, limit, nil
}
