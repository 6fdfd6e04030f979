package bindings

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The ways in which a signature fails. They come wrapped, with what was found.
var (
	// ErrUnsigned says that a header is missing, or says that there is no signature.
	ErrUnsigned = errors.New("no signature")
	// ErrSignature says that no signature of the request fits its body.
	ErrSignature = errors.New("the signature does not match")
	// ErrTooOld says that it fits, but was made outside the accepted time.
	ErrTooOld = errors.New("outside the accepted time")
	// ErrKey says that the key cannot be used: a fault of configuration, not
	// of the request.
	ErrKey = errors.New("unusable key")
)

// ClockSkew is how far a vendor's clock may be ahead of ours.
const ClockSkew = 5 * time.Minute

const (
	maxSignatureHeader = 8 << 10
	// maxSignatures bounds the work that one request can ask for.
	maxSignatures = 8
)

// Signed is what a signature vouches for beside the body.
type Signed struct {
	Time time.Time // zero where the signature carries none
	ID   string    // empty where the signature carries none
}

// Verify checks that the request was signed with key: a secret, a public key
// in PEM, or empty for the vendor's own. A maxAge of zero means any age. The
// age is looked at only when the signature fits.
func (s Signature) Verify(h http.Header, body []byte, key string, now time.Time, maxAge time.Duration) (Signed, error) {
	verify, err := s.verifier(key)
	if err != nil {
		return Signed{}, err
	}
	found, err := s.read(h)
	if err != nil {
		return Signed{}, err
	}
	signed := Signed{ID: found.id}
	if s.timed() {
		seconds, ok := unixSeconds(found.time)
		if !ok {
			return Signed{}, fmt.Errorf("%w: expected Unix seconds as its time, found %.20q", ErrSignature, found.time)
		}
		signed.Time = time.Unix(seconds, 0).UTC()
	}
	message := s.message(found.time, found.id, body)
	if !slices.ContainsFunc(found.signatures, func(signature []byte) bool { return verify(message, signature) }) {
		return Signed{}, fmt.Errorf("%w: header %s", ErrSignature, s.Header)
	}
	if s.timed() {
		return signed, CheckAge(signed.Time, now, maxAge)
	}
	return signed, nil
}

// CheckAge refuses what was sent longer than maxAge before now, or more than
// ClockSkew after. A maxAge of zero refuses nothing.
func CheckAge(sent, now time.Time, maxAge time.Duration) error {
	age := now.Sub(sent)
	switch {
	case maxAge == 0:
		return nil
	case age > maxAge:
		return fmt.Errorf("%w: sent %s ago, accepted are %s", ErrTooOld, age.Truncate(time.Second), maxAge)
	case age < -ClockSkew:
		return fmt.Errorf("%w: sent %s in the future, accepted are %s", ErrTooOld, (-age).Truncate(time.Second), ClockSkew)
	}
	return nil
}

// Sign gives the headers of a request that Verify accepts. The key is a
// secret, or a private key in PEM (PKCS #8).
func (s Signature) Sign(key, id string, at time.Time, body []byte) (http.Header, error) {
	sign, err := s.signer(key)
	if err != nil {
		return nil, err
	}
	sent := strconv.FormatInt(at.Unix(), 10)
	signature, err := sign(s.message(sent, id, body))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	h := http.Header{}
	h.Set(s.Header, string(expand(s.Value, func(word string) []byte {
		switch word {
		case "{signature}":
			return []byte(s.encode(signature))
		case "{time}":
			return []byte(sent)
		case "{id}":
			return []byte(id)
		}
		return nil
	})))
	if s.TimeHeader != "" {
		h.Set(s.TimeHeader, sent)
	}
	if s.IDHeader != "" {
		h.Set(s.IDHeader, id)
	}
	return h, nil
}

// timed reports whether the signature vouches for the time of sending.
func (s Signature) timed() bool { return strings.Contains(s.Signed, "{time}") }

// message is what is signed.
func (s Signature) message(sent, id string, body []byte) []byte {
	if s.Signed == "{body}" {
		return body
	}
	return expand(s.Signed, func(word string) []byte {
		switch word {
		case "{time}":
			return []byte(sent)
		case "{id}":
			return []byte(id)
		case "{body}":
			return body
		}
		return nil
	})
}

// expand replaces the words of a template in one pass, so that what is put in
// is never read as a template.
func expand(template string, value func(word string) []byte) []byte {
	var out []byte
	for template != "" {
		before, rest, _ := strings.Cut(template, "{")
		out = append(out, before...)
		if len(before) == len(template) {
			break
		}
		word, after, found := strings.Cut(rest, "}")
		if !found {
			return append(out, "{"+rest...)
		}
		out = append(out, value("{"+word+"}")...)
		template = after
	}
	return out
}

// headers is what the headers of a request say.
type headers struct {
	signatures [][]byte
	time, id   string
}

// read finds signatures, time and id in the headers of a request.
func (s Signature) read(h http.Header) (headers, error) {
	value := strings.TrimSpace(h.Get(s.Header))
	switch {
	case value == "":
		return headers{}, fmt.Errorf("%w: header %s is missing", ErrUnsigned, s.Header)
	case slices.Contains(s.None, value):
		return headers{}, fmt.Errorf("%w: header %s says %q", ErrUnsigned, s.Header, value)
	case len(value) > maxSignatureHeader:
		return headers{}, fmt.Errorf("%w: header %s has %d bytes, accepted are %d", ErrSignature, s.Header, len(value), maxSignatureHeader)
	}
	var found headers
	if err := s.readValue(value, &found); err != nil {
		return headers{}, err
	}
	if s.TimeHeader != "" {
		found.time = h.Get(s.TimeHeader)
		if found.time == "" {
			return headers{}, fmt.Errorf("%w: header %s is missing", ErrUnsigned, s.TimeHeader)
		}
	}
	if s.IDHeader != "" {
		found.id = h.Get(s.IDHeader)
		if found.id == "" && strings.Contains(s.Signed, "{id}") {
			return headers{}, fmt.Errorf("%w: header %s is missing", ErrUnsigned, s.IDHeader)
		}
	}
	return found, nil
}

// readValue reads the header that carries the signature.
func (s Signature) readValue(value string, found *headers) error {
	templates, elements := []string{s.Value}, strings.Fields(value)
	if strings.Contains(s.Value, "{time}") || strings.Contains(s.Value, "{id}") {
		templates, elements = strings.Split(s.Value, ","), strings.Split(value, ",")
	}
	for _, element := range elements {
		element = strings.TrimSpace(element)
		for _, template := range templates {
			before, rest, _ := strings.Cut(template, "{")
			word, after, _ := strings.Cut(rest, "}")
			text, begins := strings.CutPrefix(element, before)
			text, ends := strings.CutSuffix(text, after)
			if !begins || !ends || text == "" {
				continue
			}
			if err := s.readWord(word, text, found); err != nil {
				return err
			}
			break
		}
	}
	if len(found.signatures) == 0 {
		return fmt.Errorf("%w: expected header %s in the form %q, in %s", ErrSignature, s.Header, s.Value, s.Encoding)
	}
	return nil
}

func (s Signature) readWord(word, text string, found *headers) error {
	switch word {
	case "time":
		if found.time != "" {
			return fmt.Errorf("%w: header %s has two times", ErrSignature, s.Header)
		}
		found.time = text
	case "id":
		if found.id != "" {
			return fmt.Errorf("%w: header %s has two ids", ErrSignature, s.Header)
		}
		found.id = text
	case "signature":
		signature, err := s.decode(text)
		if err != nil {
			return nil // of another version, maybe; one that fits is enough
		}
		if len(found.signatures) == maxSignatures {
			return fmt.Errorf("%w: header %s has more than %d signatures", ErrSignature, s.Header, maxSignatures)
		}
		found.signatures = append(found.signatures, signature)
	}
	return nil
}

func (s Signature) decode(text string) ([]byte, error) {
	if s.Encoding == Hex {
		return hex.DecodeString(text)
	}
	return base64.StdEncoding.Strict().DecodeString(text)
}

func (s Signature) encode(signature []byte) string {
	if s.Encoding == Hex {
		return hex.EncodeToString(signature)
	}
	return base64.StdEncoding.EncodeToString(signature)
}

// unixSeconds reads digits only: no sign, no blanks, nothing beyond the year 9999.
func unixSeconds(text string) (int64, bool) {
	if text == "" || len(text) > 12 || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	return seconds, err == nil && seconds < 253402300800
}
