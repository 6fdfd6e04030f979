package bindings

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The errors of Verify, Sign and CheckAge. They are wrapped in an error with
// what was found.
var (
	// ErrUnsigned is the error for a missing header, or a header whose value is
	// one of Signature.None.
	ErrUnsigned = errors.New("no signature")
	// ErrSignature is the error if no signature of the request matches its body.
	ErrSignature = errors.New("the signature does not match")
	// ErrTooOld is the error for a signature that matches and was made outside
	// the accepted time.
	ErrTooOld = errors.New("outside the accepted time")
	// ErrKey is the error for a key that cannot be used: the configuration is
	// wrong, not the request.
	ErrKey = errors.New("unusable key")
)

// ClockSkew is how far a vendor's clock is accepted to be ahead of ours.
const ClockSkew = 5 * time.Minute

// Signed is what is signed in addition to the body.
type Signed struct {
	Time time.Time // zero if the signature has none
	ID   string    // empty if the signature has none
}

// Verify checks that the request was signed with key: a secret, a public key
// in PEM, or empty for Key. A maxAge of zero accepts any age. The age is checked
// only if the signature matches.
func (s Signature) Verify(h http.Header, body []byte, key string, now time.Time, maxAge time.Duration) (Signed, error) {
	found, err := s.read(h)
	if err != nil {
		return Signed{}, err
	}
	verify, err := s.verifier(key)
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

// CheckHeaders returns the error of Verify that does not depend on the body or the
// key: the headers have no signature, or one that cannot be read.
func (s Signature) CheckHeaders(h http.Header) error {
	_, err := s.read(h)
	return err
}

// CheckAge returns ErrTooOld if the time of sending is more than maxAge before
// now, or more than ClockSkew after it. A maxAge of zero accepts any time.
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

// Sign returns the headers of a request that Verify accepts. The key is a
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

// timed reports whether the time of sending is signed.
func (s Signature) timed() bool { return strings.Contains(s.Signed, "{time}") }

// message returns the bytes that are signed.
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

// expand replaces the words of a template in one pass, so that words in an
// inserted value are not replaced.
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
