package dashboard

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/tidewire/tidewire/engine/journal"
)

// thanks is the query of the page that a person gets right after deciding.
const thanks = "thanks"

// show answers a GET. It changes nothing.
func (d *Dashboard) show(w http.ResponseWriter, r *http.Request, l link) {
	approval, found := d.approval(w, r, l)
	if !found {
		return
	}
	if approval.Decision != nil {
		d.writeDecision(w, http.StatusOK, approval, r.URL.Query().Has(thanks))
		return
	}
	d.writeQuestion(w, r, http.StatusOK, l, approval, answer{}, "")
}

// decide answers a POST: the first valid answer decides.
func (d *Dashboard) decide(w http.ResponseWriter, r *http.Request, l link) {
	if err := d.sameOrigin(r); err != nil {
		d.logRefused(r, l, answer{}, err.Error())
		d.writeMessage(w, http.StatusForbidden, "Not from here", "This answer was sent from another site. Open the link itself and choose there.")
		return
	}
	given, status, problem := readAnswer(w, r)
	if status != 0 {
		d.writeMessage(w, status, "That answer cannot be taken", problem)
		return
	}
	approval, found := d.approval(w, r, l)
	switch {
	case !found:
		return
	case approval.Decision != nil:
		d.logRefused(r, l, given, journal.ErrDecided.Error())
		d.writeDecision(w, http.StatusConflict, approval, false)
		return
	case !d.fromForm(r, l, given):
		d.logRefused(r, l, given, "the form is not valid any more, or the browser has not the cookie of the page")
		d.writeQuestion(w, r, http.StatusForbidden, l, approval, given,
			"This form was no longer valid, and nothing was decided. Please choose again; your browser must accept this page's cookie.")
		return
	}
	if problem := given.check(approval.Choices); problem != "" {
		d.writeQuestion(w, r, http.StatusUnprocessableEntity, l, approval, given, problem)
		return
	}
	// A browser that closes the connection now has decided all the same.
	approval, err := d.config.Store.Decide(context.WithoutCancel(r.Context()), l.id, journal.Decision{
		Choice: given.Choice, By: given.By, Note: given.Note, At: d.config.Clock.Now().UTC(),
	})
	if err != nil {
		d.logRefused(r, l, given, err.Error())
		d.writeRefusal(w, r, l, err)
		return
	}
	d.config.Log.InfoContext(r.Context(), "approval decided", "approval", l.id, "run", approval.Run, "choice", given.Choice, "by", given.By)
	// The address is relative, since a proxy may serve the page under another
	// path. It is fetched with GET, so that a reload sends no second answer.
	w.Header().Set("Location", "?"+thanks)
	d.headers(w)
	w.WriteHeader(http.StatusSeeOther)
}

// logRefused logs an answer that decides nothing, with whose it is.
func (d *Dashboard) logRefused(r *http.Request, l link, given answer, why string) {
	d.config.Log.WarnContext(r.Context(), "an answer to an approval has no effect", "approval", l.id, "choice", given.Choice, "by", given.By, "from", r.RemoteAddr, "error", why)
}

// approval reads the approval of a link. Where it cannot be shown, it writes a
// page with the reason and returns false.
func (d *Dashboard) approval(w http.ResponseWriter, r *http.Request, l link) (journal.Approval, bool) {
	approval, err := d.config.Store.Approval(r.Context(), l.id)
	if err != nil {
		d.writeError(w, r, l, err)
		return approval, false
	}
	if approval.Decision == nil && !approval.Expires.IsZero() && !d.config.Clock.Now().Before(approval.Expires) {
		d.writeExpired(w)
		return approval, false
	}
	return approval, true
}

// writeRefusal answers a decision that came second, or too late.
func (d *Dashboard) writeRefusal(w http.ResponseWriter, r *http.Request, l link, err error) {
	if !errors.Is(err, journal.ErrDecided) {
		d.writeError(w, r, l, err)
		return
	}
	approval, found := d.approval(w, r, l)
	switch {
	case !found:
	case approval.Decision == nil:
		d.writeError(w, r, l, err)
	default:
		d.writeDecision(w, http.StatusConflict, approval, false)
	}
}

// writeError answers a request whose approval cannot be read or decided.
func (d *Dashboard) writeError(w http.ResponseWriter, r *http.Request, l link, err error) {
	switch {
	case errors.Is(err, journal.ErrNotFound):
		d.writeUnknown(w)
	case errors.Is(err, journal.ErrExpired):
		d.writeExpired(w)
	case errors.Is(err, journal.ErrState):
		d.writeMessage(w, http.StatusGone, "No longer asked", "The run that asked this question has ended. There is nothing left to decide.")
	case r.Context().Err() != nil: // the browser has closed the connection
	default:
		d.config.Log.ErrorContext(r.Context(), "an approval could not be answered", "approval", l.id, "error", err)
		w.Header().Set("Retry-After", "30")
		d.writeMessage(w, http.StatusServiceUnavailable, "Not reachable right now", "The question could not be read or answered at this moment. Nothing was decided; try again in a minute.")
	}
}

// check returns what is wrong with an answer to a question with these choices,
// or "".
func (a answer) check(choices []string) string {
	switch {
	case a.By == "":
		return "Please enter your name: it is stored with the decision."
	case !slices.Contains(choices, a.Choice):
		return "Please choose one of the answers."
	}
	return ""
}
