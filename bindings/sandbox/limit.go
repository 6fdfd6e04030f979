package sandbox

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// window counts the requests within one rate limit.
type window struct {
	from time.Time
	used int
}

// countRequest counts a request against every limit that it has. It returns the
// vendor's rate headers, and a refusal if a limit is reached and limits are
// enforced.
func (a *App) countRequest(r *Call) (http.Header, *Failure) {
	header := http.Header{}
	var limited *Failure
	for i, limit := range a.Def.Limits {
		if limit.Name != r.plan.op.Limit || limit.Requests == 0 {
			continue
		}
		w := a.windowFor(fmt.Sprintf("%d %s", i, a.limitKey(limit, r)), limit, r.Now)
		if a.sandbox.config.EnforceLimits && w.used >= limit.Requests {
			wait := limit.Per - r.Now.Sub(w.from)
			seconds := int(wait/time.Second) + 1
			limited = &Failure{Status: http.StatusTooManyRequests, Kind: bindings.RateLimited, Message: "Too Many Requests",
				Header: http.Header{"Retry-After": {strconv.Itoa(seconds)}}}
		} else {
			w.used++
		}
		a.setRateHeaders(header, limit, max(limit.Requests-w.used, 0))
	}
	return header, limited
}

func (a *App) windowFor(key string, limit bindings.Limit, now time.Time) *window {
	w := a.windows[key]
	if w == nil || now.Sub(w.from) >= limit.Per || now.Before(w.from) {
		w = &window{from: now}
		a.windows[key] = w
	}
	return w
}

// limitKey is the key under which requests share a limit. The token identifies
// the connection.
func (a *App) limitKey(limit bindings.Limit, r *Call) string {
	switch limit.Scope {
	case bindings.PerHost:
		return ""
	case bindings.PerOperation:
		return r.HTTP.Header.Get("Authorization") + " " + r.plan.op.Name
	}
	return r.HTTP.Header.Get("Authorization")
}

// setRateHeaders writes the vendor's headers for one limit; a limit of a day or
// more has headers of its own.
func (a *App) setRateHeaders(h http.Header, limit bindings.Limit, left int) {
	names := a.rules.Rate
	if limit.Per >= 24*time.Hour {
		set(h, names.Daily, limit.Requests)
		set(h, names.DailyRemaining, left)
		return
	}
	set(h, names.Max, limit.Requests)
	set(h, names.Remaining, left)
	set(h, names.Interval, int(limit.Per/time.Millisecond))
}

func set(h http.Header, name string, n int) {
	if name != "" {
		h.Set(name, strconv.Itoa(n))
	}
}

func kindOf(status int) bindings.ErrorKind {
	switch status {
	case http.StatusUnauthorized:
		return bindings.Unauthorized
	case http.StatusForbidden:
		return bindings.Forbidden
	case http.StatusNotFound:
		return bindings.NotFound
	case http.StatusConflict:
		return bindings.Conflict
	case http.StatusRequestEntityTooLarge:
		return bindings.TooLarge
	case http.StatusTooManyRequests:
		return bindings.RateLimited
	}
	if status >= 500 {
		return bindings.Unavailable
	}
	return bindings.Invalid
}
