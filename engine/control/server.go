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
	// Send keeps an event that was handed in.
	Send   func(context.Context, Message) (Sent, error)
	Status func() Status
	// Commands change runs; nil offers none.
	Commands Commands
	// Connections answers about connections; nil answers nothing.
	Connections Connections
	Log         *slog.Logger
}

// maxMessage is the largest message that is read, in bytes; as for a webhook.
const maxMessage = 5 << 20

// Message is an event handed in by a person.
type Message struct {
	Type       string          `json:"type"`
	Data       json.RawMessage `json:"data"`
	ID         string          `json:"id,omitempty"`
	Connection string          `json:"connection,omitempty"`
}

// Sent says what became of a message.
type Sent struct {
	Event     string   `json:"event"`
	Duplicate bool     `json:"duplicate,omitempty"`
	Runs      []string `json:"runs"`
	Woken     []string `json:"woken,omitempty"`   // runs that waited for it
	Merged    []string `json:"merged,omitempty"`  // runs that take it in place of an older event
	Skipped   []string `json:"skipped,omitempty"` // hooks that make no run while one is live
}

// Status is what an engine says of itself.
type Status struct {
	PID      int            `json:"pid"`
	Listen   string         `json:"listen"`
	Scripts  []ScriptStatus `json:"scripts"`
	Webhooks []Count        `json:"webhooks"`
	Polls    []PollStatus   `json:"polls"`
	Started  time.Time      `json:"started"`
}

// Count is how many webhooks came to one end.
type Count struct {
	Where   string `json:"where"`
	Outcome string `json:"outcome"`
	Count   int64  `json:"count"`
}

// PollStatus is one list that is looked at.
type PollStatus struct {
	Connection string    `json:"connection"`
	Poll       string    `json:"poll"`
	Purpose    string    `json:"purpose"` // poll or reconcile
	Every      string    `json:"every"`
	Looked     time.Time `json:"looked,omitzero"` // end of the last complete look
	Next       time.Time `json:"next"`
	Found      int       `json:"found"` // events of the last look
	Problem    string    `json:"problem,omitempty"`
	Failing    time.Time `json:"failing,omitzero"` // since when looks fail
}

// ScriptStatus is one script as it is live.
type ScriptStatus struct {
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Hooks   []string `json:"hooks"`
	Problem string   `json:"problem,omitempty"`
}

// Server answers commands.
type Server struct{ Config }

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
		ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug)}
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

// Handler is the API.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", answer(func(*http.Request) (any, error) { return s.Status(), nil }))
	mux.HandleFunc("POST /events", answer(s.send))
	mux.HandleFunc("GET /events", answer(func(r *http.Request) (any, error) {
		q, err := eventQuery(r.URL.Query())
		if err != nil {
			return nil, err
		}
		return s.Reader.Events(r.Context(), q)
	}))
	mux.HandleFunc("GET /events/{id...}", answer(func(r *http.Request) (any, error) {
		event, runs, err := s.Reader.Event(r.Context(), r.PathValue("id"))
		return EventStory{event, runs}, err
	}))
	if s.Commands != nil {
		s.commands(mux)
	}
	if s.Connections != nil {
		s.connectionRoutes(mux)
	}
	mux.HandleFunc("GET /runs", answer(func(r *http.Request) (any, error) {
		q, err := runQuery(r.URL.Query())
		if err != nil {
			return nil, err
		}
		return s.Reader.Runs(r.Context(), q)
	}))
	mux.HandleFunc("GET /runs/{id}", answer(func(r *http.Request) (any, error) {
		run, steps, err := s.Reader.Run(r.Context(), r.PathValue("id"))
		return RunStory{run, steps}, err
	}))
	mux.HandleFunc("GET /counts", answer(func(r *http.Request) (any, error) { return s.Reader.Counts(r.Context()) }))
	mux.HandleFunc("GET /lanes", answer(func(r *http.Request) (any, error) { return s.Reader.Lanes(r.Context()) }))
	mux.HandleFunc("GET /floods", answer(func(r *http.Request) (any, error) { return s.Reader.Floods(r.Context()) }))
	mux.HandleFunc("GET /approvals", answer(func(r *http.Request) (any, error) { return s.Reader.Approvals(r.Context()) }))
	mux.HandleFunc("GET /approvals/{id}", answer(func(r *http.Request) (any, error) {
		return s.Reader.Approval(r.Context(), r.PathValue("id"))
	}))
	mux.HandleFunc("GET /subscriptions", answer(func(r *http.Request) (any, error) { return s.Reader.Subscriptions(r.Context()) }))
	return mux
}

// EventStory is an event with the runs it caused.
type EventStory struct {
	Event journal.Event `json:"event"`
	Runs  []journal.Run `json:"runs"`
}

// RunStory is a run with its steps.
type RunStory struct {
	Run   journal.Run    `json:"run"`
	Steps []journal.Step `json:"steps"`
}

func (s *Server) send(r *http.Request) (any, error) {
	var m Message
	if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxMessage)).Decode(&m); err != nil {
		return nil, &bindings.Error{Kind: bindings.Invalid, Message: "the message is not JSON: " + err.Error()}
	}
	return s.Send(r.Context(), m)
}

// answer writes what a handler returns as JSON, and an error with a status
// that the client turns back into the same error.
func answer(handle func(*http.Request) (any, error)) http.HandlerFunc {
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
			body = map[string]string{"error": plain(err)}
		}
		json.NewEncoder(w).Encode(body)
	}
}

// plain is an error's text without the kind in brackets that scripts want.
func plain(err error) string {
	var wrong *bindings.Error
	if errors.As(err, &wrong) {
		return wrong.Message
	}
	return err.Error()
}

func runQuery(v url.Values) (q journal.RunQuery, err error) {
	q.Script, q.Hook, q.State, q.Event = v.Get("script"), v.Get("hook"), journal.State(v.Get("state")), v.Get("event")
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
