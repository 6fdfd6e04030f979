package dashboard

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// link is what a link says: /approve/<id>/<expiry>.<signature>.
type link struct {
	id     string
	expiry string // Unix seconds; "0": never
}

// Link gives the address of an approval's page. A zero expires makes a link
// that does not expire by itself.
func (d *Dashboard) Link(id string, expires time.Time) string {
	l := link{id: id, expiry: "0"}
	if !expires.IsZero() {
		l.expiry = strconv.FormatInt(expires.Unix(), 10)
	}
	return strings.TrimRight(d.BaseURL(), "/") + Prefix + url.PathEscape(l.id) + "/" + l.expiry + "." + d.sign("link", l)
}

// open reads a link and reports whether it was made with our key.
func (d *Dashboard) open(id, token string) (link, bool) {
	expiry, signature, _ := strings.Cut(token, ".")
	l := link{id: id, expiry: expiry}
	return l, hmac.Equal([]byte(signature), []byte(d.sign("link", l)))
}

// sign says for one purpose that a link, and what is added to it, is ours.
func (d *Dashboard) sign(purpose string, l link, added ...string) string {
	mac := hmac.New(sha256.New, d.Key)
	for _, part := range append([]string{"tidewire", purpose, l.id, l.expiry}, added...) {
		fmt.Fprintf(mac, "%d:%s\n", len(part), part) // no two lists of parts are alike
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// over reports whether a genuine link has expired.
func (l link) over(now time.Time) bool {
	seconds, err := strconv.ParseInt(l.expiry, 10, 64)
	return err != nil || seconds != 0 && now.Unix() >= seconds
}
