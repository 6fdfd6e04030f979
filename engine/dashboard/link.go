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

// link is the content of the path /approve/<id>/<expiry>.<signature>.
type link struct {
	id     string
	expiry string // Unix seconds; "0": never
}

// Link returns the address of an approval's page. If expires is zero, the link
// itself does not expire.
func (d *Dashboard) Link(id string, expires time.Time) string {
	l := link{id: id, expiry: "0"}
	if !expires.IsZero() {
		l.expiry = strconv.FormatInt(expires.Unix(), 10)
	}
	return strings.TrimRight(d.config.BaseURL(), "/") + Prefix + url.PathEscape(l.id) + "/" + l.expiry + "." + d.sign("link", l)
}

// verify parses a link and reports whether it was signed with our key.
func (d *Dashboard) verify(id, token string) (link, bool) {
	expiry, signature, _ := strings.Cut(token, ".")
	l := link{id: id, expiry: expiry}
	return l, hmac.Equal([]byte(signature), []byte(d.sign("link", l)))
}

// sign returns the signature of a link and of the added parts, for one purpose.
func (d *Dashboard) sign(purpose string, l link, added ...string) string {
	mac := hmac.New(sha256.New, d.config.Key)
	for _, part := range append([]string{"tidewire", purpose, l.id, l.expiry}, added...) {
		fmt.Fprintf(mac, "%d:%s\n", len(part), part) // with its length, so that no two lists of parts give the same bytes
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// expired reports whether a link has expired.
func (l link) expired(now time.Time) bool {
	seconds, err := strconv.ParseInt(l.expiry, 10, 64)
	return err != nil || seconds != 0 && now.Unix() >= seconds
}
