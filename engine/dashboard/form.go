package dashboard

import (
	"crypto/hmac"
	"crypto/rand"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The bounds of what a person writes, in characters, and of the whole form.
const (
	maxName = 100
	maxNote = 2000
	maxForm = 32 << 10
)

// answer is the content of a form.
type answer struct {
	Choice, By, Note string
	token            string
}

// readAnswer reads the form. If it is refused, status is not zero and problem
// is the text for the page.
func readAnswer(w http.ResponseWriter, r *http.Request) (a answer, status int, problem string) {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/x-www-form-urlencoded" {
		return a, http.StatusUnsupportedMediaType, "Answers are sent with the form of this page."
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		var size *http.MaxBytesError
		if errors.As(err, &size) {
			return a, http.StatusRequestEntityTooLarge, "It is too long. Go back and write a shorter note."
		}
		return a, http.StatusBadRequest, "It did not arrive whole. Go back and try again."
	}
	a = answer{
		Choice: r.PostForm.Get("choice"),
		By:     strings.Join(strings.Fields(cleanText(r.PostForm.Get("by"))), " "),
		Note:   strings.TrimSpace(cleanText(r.PostForm.Get("note"))),
		token:  r.PostForm.Get("token"),
	}
	for _, field := range []struct {
		name, text string
		max        int
	}{{"name", a.By, maxName}, {"note", a.Note, maxNote}} {
		if n := utf8.RuneCountInString(field.text); n > field.max {
			return a, http.StatusUnprocessableEntity,
				fmt.Sprintf("The %s has %d characters, and at most %d are stored. Go back and shorten it.", field.name, n, field.max)
		}
	}
	return a, 0, ""
}

// cleanText returns text as valid UTF-8, without control characters other than
// line breaks and tabs.
func cleanText(text string) string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.ToValidUTF8(text, "\uFFFD"))
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, text)
}

// sameOrigin returns an error for a request that a page of another site sent.
func (d *Dashboard) sameOrigin(r *http.Request) error {
	protection := http.NewCrossOriginProtection()
	// Behind a proxy, the request's Host may differ from that of the address
	// that the browser uses.
	if at, err := url.Parse(d.config.BaseURL()); err == nil && at.Host != "" {
		if err := protection.AddTrustedOrigin(at.Scheme + "://" + at.Host); err != nil {
			return err
		}
	}
	return protection.Check(r)
}

// cookie is the name of the cookie that binds a form to the browser that shows
// it. Browsers send it for the page's own address only.
const cookie = "tidewire-approval"

// token returns the token for the form, and sets the cookie if the request has
// none.
func (d *Dashboard) token(w http.ResponseWriter, r *http.Request, l link) string {
	// A new cookie would make the form in another tab invalid.
	if c, err := r.Cookie(cookie); err == nil && len(c.Value) == len(rand.Text()) {
		return d.sign("form", l, c.Value)
	}
	nonce := rand.Text()
	at, err := url.Parse(d.config.BaseURL())
	http.SetCookie(w, &http.Cookie{
		Name: cookie, Value: nonce, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: err == nil && at.Scheme == "https" && at.Host == r.Host,
	})
	return d.sign("form", l, nonce)
}

// fromForm reports whether an answer comes from a form that was served to this
// browser under this link.
func (d *Dashboard) fromForm(r *http.Request, l link, a answer) bool {
	c, err := r.Cookie(cookie)
	return err == nil && hmac.Equal([]byte(a.token), []byte(d.sign("form", l, c.Value)))
}
