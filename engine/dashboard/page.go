package dashboard

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tidewire/tidewire/engine/journal"
)

//go:embed page.html
var pageText string

//go:embed style.css
var styleText string

var pages = template.Must(template.New("page").Funcs(template.FuncMap{
	"style": func() template.CSS { return template.CSS(styleText) },
	"upper": upper,
}).Parse(pageText))

// policy allows this page its own style and its own form, and nothing else:
// no script, no frame, nothing from elsewhere.
var policy = func() string {
	sum := sha256.Sum256([]byte(styleText))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; img-src data:; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}()

// view is the data of the page's template.
type view struct {
	Title   string // of the document
	Heading string
	Message string

	Approval *journal.Approval // nil: only heading and message
	Asked    pageTime
	Closes   pageTime
	Decided  pageTime
	Thanks   bool

	Problem          string // with the form that was sent
	Answer           answer
	Token            string
	MaxName, MaxNote int
}

// pageTime is a time as a page shows it; the zero value is not shown.
type pageTime struct{ ISO, Text, Distance string }

func (d *Dashboard) pageTime(t time.Time) pageTime {
	if t.IsZero() {
		return pageTime{}
	}
	return pageTime{
		ISO:      t.UTC().Format(time.RFC3339),
		Text:     t.In(d.config.Zone).Format("2 January 2006, 15:04 MST"),
		Distance: distance(t.Sub(d.config.Clock.Now())),
	}
}

// distance describes how far ahead or ago a time is, in the largest unit that
// fits, such as "in 3 days".
func distance(ahead time.Duration) string {
	format := "in %s"
	if ahead < 0 {
		ahead, format = -ahead, "%s ago"
	}
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		n := int(ahead / unit.length)
		switch {
		case n == 1:
			return fmt.Sprintf(format, "1 "+unit.name)
		case n > 1:
			return fmt.Sprintf(format, fmt.Sprint(n, " ", unit.name, "s"))
		}
	}
	if format == "in %s" {
		return "in less than a minute"
	}
	return "just now"
}

// writeQuestion writes the page with the question and its form.
func (d *Dashboard) writeQuestion(w http.ResponseWriter, r *http.Request, status int, l link, a journal.Approval, given answer, problem string) {
	v := d.view(a)
	v.Problem, v.Answer, v.Token = problem, given, d.token(w, r, l)
	v.MaxName, v.MaxNote = maxName, maxNote
	d.writePage(w, status, v)
}

// writeDecision writes the page with what was chosen, by whom and when.
func (d *Dashboard) writeDecision(w http.ResponseWriter, status int, a journal.Approval, thanks bool) {
	v := d.view(a)
	v.Decided, v.Thanks = d.pageTime(a.Decision.At), thanks
	if status == http.StatusConflict {
		v.Problem = "This was decided already, and your answer was not taken."
	}
	d.writePage(w, status, v)
}

func (d *Dashboard) view(a journal.Approval) view {
	return view{Title: a.Title, Heading: a.Title, Approval: &a, Asked: d.pageTime(a.Created), Closes: d.pageTime(a.Expires)}
}

// writeMessage writes a page that has nothing but a message.
func (d *Dashboard) writeMessage(w http.ResponseWriter, status int, heading, message string) {
	d.writePage(w, status, view{Title: heading, Heading: heading, Message: message})
}

func (d *Dashboard) writeUnknown(w http.ResponseWriter) {
	d.writeMessage(w, http.StatusNotFound, "Nothing to see here", "This link is not right, or what it led to is gone. If it was sent to you, open it once more from the message, whole.")
}

func (d *Dashboard) writeExpired(w http.ResponseWriter) {
	d.writeMessage(w, http.StatusGone, "The time is over", "This link has expired, and the question can no longer be answered here. Ask whoever sent it to you how to go on.")
}

// headers sets those that exclude a page from caches, frames, search engines
// and other sites' logs. The referrer policy is not no-referrer: with that,
// older browsers send the form without an origin, and it would be refused.
func (d *Dashboard) headers(w http.ResponseWriter) {
	for name, value := range map[string]string{
		"Cache-Control":                "no-store",
		"Content-Security-Policy":      policy,
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Permissions-Policy":           "camera=(), geolocation=(), microphone=(), payment=()",
		"Referrer-Policy":              "same-origin",
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
		"X-Robots-Tag":                 "noindex, nofollow, noarchive",
	} {
		w.Header().Set(name, value)
	}
}

func (d *Dashboard) writePage(w http.ResponseWriter, status int, v view) {
	var page bytes.Buffer
	if err := pages.Execute(&page, v); err != nil {
		d.config.Log.Error("a page could not be made", "error", err)
		http.Error(w, "this page could not be made", http.StatusInternalServerError)
		return
	}
	d.headers(w)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(page.Bytes())
}

// upper returns a choice as the button shows it: "Approve" for "approve".
func upper(text string) string {
	r, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(r)) + text[size:]
}
