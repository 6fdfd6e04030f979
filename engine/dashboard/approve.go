package dashboard

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/tidewire/tidewire/engine/journal"
)

// thanks is the query with which the page is shown to who has just decided.
const thanks = "thanks"

// show answers a GET. It changes nothing.
func (d *Dashboard) show(w http.ResponseWriter, r *http.Request, l link) {
	approval, found := d.approval(w, r, l)
	if !found {
		return
	}
	if approval.Decision != nil {
		d.decided(w, http.StatusOK, approval, r.URL.Query().Has(thanks))
		return
	}
	d.ask(w, r, http.StatusOK, l, approval, answer{}, "")
}

// decide answers a POST: the first that is right decides.
func (d *Dashboard) decide(w http.ResponseWriter, r *http.Request, l link) {
	if err := d.sameOrigin(r); err != nil {
		d.say(w, http.StatusForbidden, "Not from here", "This answer was sent from another site. Open the link itself and choose there.")
		return
	}
	given, status, problem := readAnswer(w, r)
	if status != 0 {
		d.say(w, status, "That answer cannot be taken", problem)
		return
	}
	approval, found := d.approval(w, r, l)
	switch {
	case !found:
		return
	case approval.Decision != nil:
		d.decided(w, http.StatusConflict, approval, false)
		return
	case !d.fromForm(r, l, given):
		d.ask(w, r, http.StatusForbidden, l, approval, given,
			"This form was no longer valid, and nothing was decided. Please choose again; your browser must accept this page's cookie.")
		return
	}
	if problem := given.check(approval.Choices); problem != "" {
		d.ask(w, r, http.StatusUnprocessableEntity, l, approval, given, problem)
		return
	}
	// Who closes the page at once has decided all the same.
	approval, err := d.Store.Decide(context.WithoutCancel(r.Context()), l.id, journal.Decision{
		Choice: given.Choice, By: given.By, Note: given.Note, At: d.Now().UTC(),
	})
	if err != nil {
		d.refused(w, r, l, err)
		return
	}
	d.Log.InfoContext(r.Context(), "approval decided", "approval", l.id, "run", approval.Run, "choice", given.Choice, "by", given.By)
	// Relative to the address that the browser sees, whatever a proxy makes
	// of it; a GET, so that a reload sends nothing again.
	w.Header().Set("Location", "?"+thanks)
	d.headers(w)
	w.WriteHeader(http.StatusSeeOther)
}

// approval finds what a link is about, or answers why it cannot be shown.
func (d *Dashboard) approval(w http.ResponseWriter, r *http.Request, l link) (journal.Approval, bool) {
	approval, err := d.Store.Approval(r.Context(), l.id)
	if err != nil {
		d.failed(w, r, l, err)
		return approval, false
	}
	if approval.Decision == nil && !approval.Expires.IsZero() && !d.Now().Before(approval.Expires) {
		d.expired(w)
		return approval, false
	}
	return approval, true
}

// refused answers who came second, or too late.
func (d *Dashboard) refused(w http.ResponseWriter, r *http.Request, l link, err error) {
	if !errors.Is(err, journal.ErrDecided) {
		d.failed(w, r, l, err)
		return
	}
	approval, found := d.approval(w, r, l)
	switch {
	case !found:
	case approval.Decision == nil:
		d.failed(w, r, l, err)
	default:
		d.decided(w, http.StatusConflict, approval, false)
	}
}

func (d *Dashboard) failed(w http.ResponseWriter, r *http.Request, l link, err error) {
	switch {
	case errors.Is(err, journal.ErrNotFound):
		d.unknown(w)
	case errors.Is(err, journal.ErrExpired):
		d.expired(w)
	case errors.Is(err, journal.ErrState):
		d.say(w, http.StatusGone, "No longer asked", "The run that asked this question has ended. There is nothing left to decide.")
	case r.Context().Err() != nil: // nobody is there to read it
	default:
		d.Log.ErrorContext(r.Context(), "an approval could not be answered", "approval", l.id, "error", err)
		w.Header().Set("Retry-After", "30")
		d.say(w, http.StatusServiceUnavailable, "Not reachable right now", "The question could not be read or answered at this moment. Nothing was decided; try again in a minute.")
	}
}

// check says what is wrong with an answer to a question with these choices.
func (a answer) check(choices []string) string {
	switch {
	case a.By == "":
		return "Please enter your name: it is kept with the decision."
	case !slices.Contains(choices, a.Choice):
		return "Please choose one of the answers."
	}
	return ""
}
