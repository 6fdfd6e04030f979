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

// Request is what a signature can be of.
type Request struct {
	Header http.Header
	Body   []byte
	// URL is the address that the vendor has; empty if it is not known.
	URL string
}

// Verify checks that the request was signed with key: a secret, a public key
// in PEM, or empty for Key. A maxAge of zero accepts any age. The age is checked
// only if the signature matches.
func (s Signature) Verify(h http.Header, body []byte, key string, now time.Time, maxAge time.Duration) (Signed, error) {
	return s.VerifyRequest(Request{Header: h, Body: body}, []string{key}, now, maxAge)
}

// VerifyRequest is Verify for a request that is signed with one of several keys,
// such as the old and the new one while a secret is changed.
func (s Signature) VerifyRequest(r Request, keys []string, now time.Time, maxAge time.Duration) (Signed, error) {
	found, err := s.read(r)
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
	if err := s.checkBody(r); err != nil {
		return Signed{}, err
	}
	message, err := s.message(found.time, found.id, r)
	if err != nil {
		return Signed{}, err
	}
	matches := false
	for _, key := range keys {
		verify, err := s.verifier(key)
		if err != nil {
			return Signed{}, err
		}
		matches = matches || slices.ContainsFunc(found.signatures, func(signature []byte) bool { return verify(message, signature) })
	}
	if !matches {
		return Signed{}, fmt.Errorf("%w: %s", ErrSignature, s.place())
	}
	if s.timed() {
		return signed, CheckAge(signed.Time, now, maxAge)
	}
	return signed, nil
}

// CheckHeaders returns the error of Verify that does not depend on the body or the
// key: the headers have no signature, or one that cannot be read.
func (s Signature) CheckHeaders(h http.Header) error {
	if s.SignatureField != "" {
		return nil
	}
	_, err := s.readHeaders(h)
	return err
}

// place returns where the signature of a request is.
func (s Signature) place() string {
	if s.SignatureField != "" {
		return fmt.Sprintf("field %q", s.SignatureField)
	}
	return "header " + s.Header
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
	return s.SignRequest(Request{Body: body}, key, id, at)
}

// SignRequest is Sign for a signature of more than the body. The headers of r are
// not read.
func (s Signature) SignRequest(r Request, key, id string, at time.Time) (http.Header, error) {
	sign, err := s.signer(key)
	if err != nil {
		return nil, err
	}
	sent := strconv.FormatInt(at.Unix(), 10)
	message, err := s.message(sent, id, r)
	if err != nil {
		return nil, err
	}
	signature, err := sign(message)
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

// SignsURL reports whether the address is signed.
func (s Signature) SignsURL() bool { return strings.Contains(s.Signed, "{url}") }

// timed reports whether the time of sending is signed.
func (s Signature) timed() bool { return strings.Contains(s.Signed, "{time}") }

// message returns the bytes that are signed.
func (s Signature) message(sent, id string, r Request) ([]byte, error) {
	if s.Signed == "{body}" {
		return r.Body, nil
	}
	if r.URL == "" && s.SignsURL() {
		return nil, s.keyError("the address is signed, and public_url is not set")
	}
	var form []byte
	if strings.Contains(s.Signed, "{form}") {
		var err error
		if form, err = signedForm(r); err != nil {
			return nil, err
		}
	}
	return expand(s.Signed, func(word string) []byte {
		switch word {
		case "{time}":
			return []byte(sent)
		case "{id}":
			return []byte(id)
		case "{body}":
			return r.Body
		case "{url}":
			return []byte(r.URL)
		case "{form}":
			return form
		}
		return nil
	}), nil
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
