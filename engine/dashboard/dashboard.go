package dashboard

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/time/rate"

	"github.com/tidewire/tidewire/engine/journal"
)

// Prefix is where the Handler is mounted.
const Prefix = "/approve/"

// Store keeps approvals; a journal.Store is one.
type Store interface {
	Approval(ctx context.Context, id string) (journal.Approval, error)
	// Decide decides once; later ones get journal.ErrDecided, and
	// journal.ErrExpired when the time is over.
	Decide(ctx context.Context, id string, decision journal.Decision) (journal.Approval, error)
}

// Config makes a Dashboard. Store, Key and BaseURL are required.
type Config struct {
	Store Store
	// Key signs links; Key reads or makes one. Another key makes all links invalid.
	Key []byte
	// BaseURL is the address under which people reach the engine:
	// "https://hooks.example.com".
	BaseURL func() string
	// Zone is the one in which pages show times; nil means UTC.
	Zone *time.Location
	Now  func() time.Time
	Log  *slog.Logger
}

// Dashboard makes links and answers them.
type Dashboard struct {
	Config
	rate *rate.Limiter
}

// People open pages a few times a minute; what comes faster is a machine gone
// wrong, and must not keep the journal from its work.
const (
	perSecond = 50
	burst     = 200
)

// New makes a dashboard.
func New(c Config) *Dashboard {
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Dashboard{Config: c, rate: rate.NewLimiter(perSecond, burst)}
}

// Handler answers everything under Prefix.
func (d *Dashboard) Handler() http.Handler {
	mux := http.NewServeMux()
	const link = Prefix + "{id}/{token}"
	mux.HandleFunc("GET "+link, d.linked(d.show)) // and HEAD
	mux.HandleFunc("POST "+link, d.linked(d.decide))
	mux.HandleFunc(link, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", "GET, HEAD, POST")
		d.say(w, http.StatusMethodNotAllowed, "That cannot be done here", "This page is opened in a browser.")
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { d.unknown(w) })
	return mux
}

// linked lets requests through whose link is right.
func (d *Dashboard) linked(answer func(http.ResponseWriter, *http.Request, link)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		l, genuine := d.open(r.PathValue("id"), r.PathValue("token"))
		switch {
		case !genuine:
			d.unknown(w)
		case l.over(d.Now()):
			d.expired(w)
		case !d.rate.AllowN(d.Now(), 1):
			w.Header().Set("Retry-After", "5")
			d.say(w, http.StatusTooManyRequests, "One moment, please", "Too many pages are being opened at once. Try again in a few seconds.")
		default:
			answer(w, r, l)
		}
	}
}
