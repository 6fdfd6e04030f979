package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// admin serves the interface for people with curl: what was requested, and
// which faults are to be injected.
func (s *Sandbox) admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sandbox/{$}", s.showIndex)
	mux.HandleFunc("GET /sandbox/calls", func(w http.ResponseWriter, h *http.Request) {
		all := s.log.allCounts()
		if app := h.URL.Query().Get("app"); app != "" {
			writeJSON(w, http.StatusOK, all[app])
			return
		}
		writeJSON(w, http.StatusOK, all)
	})
	mux.HandleFunc("GET /sandbox/requests", func(w http.ResponseWriter, h *http.Request) {
		writeJSON(w, http.StatusOK, s.Requests(h.URL.Query().Get("app")))
	})
	mux.HandleFunc("GET /sandbox/deliveries", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, s.Deliveries())
	})
	mux.HandleFunc("GET /sandbox/records/{app}/{resource...}", s.showRecords)
	mux.HandleFunc("POST /sandbox/records/{app}/{resource...}", s.putRecord)
	mux.HandleFunc("GET /sandbox/faults", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, s.faults.list())
	})
	mux.HandleFunc("POST /sandbox/faults", s.postFault)
	mux.HandleFunc("DELETE /sandbox/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.faults.clear()
		writeJSON(w, http.StatusOK, Object{"faults": []any{}})
	})
	mux.HandleFunc("POST /sandbox/emit", s.postEmit)
	mux.HandleFunc("POST /sandbox/do/{app}/{what}", s.postUserAction)
	mux.HandleFunc("POST /sandbox/subscriptions", s.postSubscription)
	mux.HandleFunc("POST /sandbox/expire", s.postExpire)
	mux.HandleFunc("POST /sandbox/revoke", s.postRevoke)
	mux.HandleFunc("POST /sandbox/consent", s.postConsent)
	mux.HandleFunc("POST /sandbox/forget", s.postInvalidateSyncTokens)
	mux.HandleFunc("POST /sandbox/reset", func(w http.ResponseWriter, _ *http.Request) {
		s.Reset()
		writeJSON(w, http.StatusOK, Object{"reset": true})
	})
	return mux
}

func (s *Sandbox) showIndex(w http.ResponseWriter, _ *http.Request) {
	apps := Object{}
	for name, a := range s.apps {
		apps[name] = Object{
			"base_url": s.URL(name), "token_url": s.TokenURL(name), "authorize_url": s.AuthorizeURL(name), "revoke_url": s.RevokeURL(name), "account": a.Account,
			"operations": len(a.model.plans), "webhook_key": s.PublicKey(name),
		}
	}
	paths := []string{
		"GET /sandbox/calls", "GET /sandbox/requests", "GET /sandbox/deliveries",
		"GET /sandbox/records/<app>/<resource>", "POST /sandbox/records/<app>/<resource> {fields}",
		`POST /sandbox/faults {"app","operation","status","latency","cut","late","lag","times","after","done","header"}`,
		`POST /sandbox/emit {"trigger","data","unstored","id","account"}`,
		`POST /sandbox/subscriptions {"app","url","secret"}`, `POST /sandbox/expire {"app"}`, `POST /sandbox/revoke {"app"}`,
		`POST /sandbox/consent {"app","ask","session","agree"}`, `POST /sandbox/forget {"app"}`, "POST /sandbox/reset",
	}
	for _, name := range slices.Sorted(maps.Keys(s.apps)) {
		actions := s.apps[name].rules.UserActions
		for _, what := range slices.Sorted(maps.Keys(actions)) {
			paths = append(paths, fmt.Sprintf(`POST /sandbox/do/%s/%s {"%s"}`, name, what, strings.Join(actions[what].Args, `","`)))
		}
	}
	writeJSON(w, http.StatusOK, Object{"apps": apps, "paths": paths})
}

func (s *Sandbox) showRecords(w http.ResponseWriter, h *http.Request) {
	app, name := h.PathValue("app"), h.PathValue("resource")
	a := s.apps[app]
	if a == nil {
		writeError(w, http.StatusNotFound, s.unknownApp(app))
		return
	}
	if name != "" && a.model.byShortName(name) == nil {
		writeError(w, http.StatusNotFound, fmt.Errorf("app %q has no resource %q; it has %s", app, name, strings.Join(s.Resources(app), ", ")))
		return
	}
	if name == "" {
		writeJSON(w, http.StatusOK, s.Resources(app))
		return
	}
	writeJSON(w, http.StatusOK, s.Records(app, name))
}

func (s *Sandbox) putRecord(w http.ResponseWriter, h *http.Request) {
	var fields Object
	if !readJSON(w, h, &fields) {
		return
	}
	stored, err := s.Put(h.PathValue("app"), h.PathValue("resource"), fields)
	if err != nil {
		writeError(w, http.StatusBadRequest, err)
		return
	}
	writeJSON(w, http.StatusOK, stored)
}

func (s *Sandbox) postFault(w http.ResponseWriter, h *http.Request) {
	var given struct {
		Fault
		// A text such as "250ms".
		Latency string `json:"latency"`
	}
	if !readJSON(w, h, &given) {
		return
	}
	if given.Latency != "" {
		d, err := time.ParseDuration(given.Latency)
		if err != nil {
			writeError(w, http.StatusBadRequest, fmt.Errorf("latency %q: expected a length such as \"250ms\"", given.Latency))
			return
		}
		given.Fault.Latency = d
	}
	if err := s.Fault(given.Fault); err != nil {
		writeError(w, http.StatusBadRequest, err)
		return
	}
	writeJSON(w, http.StatusOK, s.faults.list())
}

func (s *Sandbox) postEmit(w http.ResponseWriter, h *http.Request) {
	var given struct {
		Trigger  string `json:"trigger"`
		Data     Object `json:"data"`
		Unstored bool   `json:"unstored"`
		ID       string `json:"id"`
		Account  string `json:"account"`
	}
	if !readJSON(w, h, &given) {
		return
	}
	err := s.Emit(h.Context(), given.Trigger, given.Data, EmitOptions{Unstored: given.Unstored, ID: given.ID, Account: given.Account})
	if err != nil {
		writeError(w, http.StatusBadRequest, err)
		return
	}
	writeJSON(w, http.StatusOK, Object{"sent": given.Trigger})
}

func (s *Sandbox) postSubscription(w http.ResponseWriter, h *http.Request) {
	var given struct {
		App    string `json:"app"`
		URL    string `json:"url"`
		Secret string `json:"secret"`
	}
	if !readJSON(w, h, &given) {
		return
	}
	if err := s.Subscribe(given.App, given.URL, given.Secret); err != nil {
		writeError(w, http.StatusBadRequest, err)
		return
	}
	writeJSON(w, http.StatusOK, Object{"subscribed": given.App})
}

func (s *Sandbox) postExpire(w http.ResponseWriter, h *http.Request) {
	var given struct {
		App string `json:"app"`
	}
	if !readJSON(w, h, &given) {
		return
	}
	if s.apps[given.App] == nil {
		writeError(w, http.StatusBadRequest, s.unknownApp(given.App))
		return
	}
	s.Expire(given.App)
	writeJSON(w, http.StatusOK, Object{"expired": given.App})
}

func (s *Sandbox) postRevoke(w http.ResponseWriter, h *http.Request) {
	s.toApp(w, h, "revoked", s.Revoke)
}

func (s *Sandbox) postInvalidateSyncTokens(w http.ResponseWriter, h *http.Request) {
	s.toApp(w, h, "forgotten", s.InvalidateSyncTokens)
}

// toApp calls a function with the app that a request names.
func (s *Sandbox) toApp(w http.ResponseWriter, h *http.Request, what string, do func(app string) error) {
	var given struct {
		App string `json:"app"`
	}
	if !readJSON(w, h, &given) {
		return
	}
	if err := do(given.App); err != nil {
		writeError(w, http.StatusBadRequest, err)
		return
	}
	writeJSON(w, http.StatusOK, Object{what: given.App})
}

func readJSON(w http.ResponseWriter, h *http.Request, into any) bool {
	body, err := io.ReadAll(http.MaxBytesReader(w, h.Body, maxBody))
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong) && wrong.Field != "":
		field := wrong.Field[strings.LastIndexByte(wrong.Field, '.')+1:]
		err = fmt.Errorf("%s: found a %s, expected a %s", field, wrong.Value, wrong.Type.Kind())
	case err != nil:
		err = fmt.Errorf("expected a JSON object: %w", err)
	}
	if err != nil {
		writeError(w, http.StatusBadRequest, err)
	}
	return err == nil
}

func writeError(w http.ResponseWriter, status int, err error) {
	writeJSON(w, status, Object{"error": err.Error()})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(Encode(v), '\n'))
}
