package dashboard

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/time/rate"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/journal"
)

// Prefix is where the Handler is mounted.
const Prefix = "/approve/"

// Store has the approvals; a journal.Store is one.
type Store interface {
	Approval(ctx context.Context, id string) (journal.Approval, error)
	// Decide records the first decision; later ones get journal.ErrDecided, and
	// journal.ErrExpired once the approval has expired.
	Decide(ctx context.Context, id string, decision journal.Decision) (journal.Approval, error)
}

// Config makes a Dashboard. Store, Key and BaseURL are required.
type Config struct {
	Store Store
	// Key signs links; the function Key reads or makes one. With another key,
	// all links made before are invalid.
	Key []byte
	// BaseURL is the address under which people reach the engine:
	// "https://hooks.example.com".
	BaseURL func() string
	// Zone is the one in which pages show times; nil means UTC.
	Zone  *time.Location
	Clock clock.Clock // nil means the machine's
	Log   *slog.Logger
}

// Dashboard makes links to pages and serves these pages.
type Dashboard struct {
	config Config
	rate   *rate.Limiter
}

// People open pages a few times a minute. Faster requests come from a faulty
// client, and reading the journal for them would slow down runs.
const (
	perSecond = 50
	burst     = 200
)

// New makes a dashboard.
func New(c Config) *Dashboard {
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	c.Clock = clock.OrSystem(c.Clock)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Dashboard{config: c, rate: rate.NewLimiter(perSecond, burst)}
}

// Handler answers everything under Prefix.
func (d *Dashboard) Handler() http.Handler {
	mux := http.NewServeMux()
	const link = Prefix + "{id}/{token}"
	mux.HandleFunc("GET "+link, d.withLink(d.show)) // and HEAD
	mux.HandleFunc("POST "+link, d.withLink(d.decide))
	mux.HandleFunc(link, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", "GET, HEAD, POST")
		d.writeMessage(w, http.StatusMethodNotAllowed, "That cannot be done here", "This page is opened in a browser.")
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { d.writeUnknown(w) })
	return mux
}

// withLink calls answer for requests whose link is valid and has not expired.
func (d *Dashboard) withLink(answer func(http.ResponseWriter, *http.Request, link)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		l, valid := d.verify(r.PathValue("id"), r.PathValue("token"))
		switch {
		case !valid:
			d.writeUnknown(w)
		case l.expired(d.config.Clock.Now()):
			d.writeExpired(w)
		case !d.rate.AllowN(d.config.Clock.Now(), 1):
			w.Header().Set("Retry-After", "5")
			d.writeMessage(w, http.StatusTooManyRequests, "One moment, please", "Too many pages are being opened at once. Try again in a few seconds.")
		default:
			answer(w, r, l)
		}
	}
}
