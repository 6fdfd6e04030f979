package bindings

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var signatureWord = regexp.MustCompile(`\{[^{}]*\}`)

// Check returns an error if no request can be verified by s as a person described
// it, or if a request could be changed without changing its signature.
func (s Signature) Check() error {
	if hashes[s.Algorithm] == nil && s.Algorithm != Ed25519 && s.Algorithm != RSASHA256 {
		return fmt.Errorf("algorithm is %q; expected %q, %q, %q, %q or %q", s.Algorithm, HMACSHA256, HMACSHA1, HMACSHA512, Ed25519, RSASHA256)
	}
	return s.checkForm()
}

// CheckSecret is Check for a signature that is made with a secret.
func (s Signature) CheckSecret() error {
	if hashes[s.Algorithm] == nil {
		return fmt.Errorf("algorithm is %q; expected %q, %q or %q", s.Algorithm, HMACSHA256, HMACSHA1, HMACSHA512)
	}
	return s.checkForm()
}

func (s Signature) checkForm() error {
	if s.Encoding != Hex && s.Encoding != Base64 {
		return fmt.Errorf("encoding is %q; expected %q or %q", s.Encoding, Hex, Base64)
	}
	if err := checkWords("signed", s.Signed, "{body}", "{form}", "{time}", "{id}", "{url}"); err != nil {
		return err
	}
	if s.SignatureField != "" {
		return s.checkFields()
	}
	if s.Header == "" {
		return errors.New(`header is missing; write the header with the signature, such as "X-Signature"`)
	}
	if !strings.Contains(s.Signed, "{body}") && !strings.Contains(s.Signed, "{form}") {
		return fmt.Errorf("signed is %q; expected {body} or {form} in it, because the body could be changed otherwise", s.Signed)
	}
	switch onlyForm := strings.Contains(s.Signed, "{form}") && !strings.Contains(s.Signed, "{body}"); {
	case s.TimeField != "" || s.IDField != "":
		return errors.New("time_field and id_field need signature_field; expected time_header and id_header")
	case s.BodyHash != "" && (!onlyForm || !s.SignsURL()):
		return fmt.Errorf("body_hash is a parameter of the address for bodies that are no form; expected {url} and {form} without {body} in signed, found %q", s.Signed)
	}
	if err := s.checkValue(); err != nil {
		return err
	}
	return s.checkPlaces("in value, or ", map[string]string{"{time}": s.TimeHeader, "{id}": s.IDHeader}, "_header = \"X-Name\"")
}

// checkValue checks the form of the header's value.
func (s Signature) checkValue() error {
	if err := checkWords("value", s.Value, "{signature}", "{time}", "{id}"); err != nil {
		return err
	}
	if strings.Count(s.Value, "{signature}") != 1 {
		return fmt.Errorf("value is %q; expected one {signature} in it", s.Value)
	}
	switch {
	case s.TimeHeader != "" && strings.Contains(s.Value, "{time}"):
		return errors.New("{time} is in value and in time_header; write it in one place")
	case s.IDHeader != "" && strings.Contains(s.Value, "{id}"):
		return errors.New("{id} is in value and in id_header; write it in one place")
	}
	if s.isList() {
		for _, element := range strings.Split(s.Value, ",") {
			if len(signatureWord.FindAllString(element, -1)) != 1 {
				return errors.New(`value has more than the signature; expected a list such as "t={time},v1={signature}", one word between commas`)
			}
		}
	}
	return nil
}

// checkFields checks a signature in the body. It cannot be of the body, so an id
// must be signed, by which the same signature with another body is a repeat.
func (s Signature) checkFields() error {
	switch {
	case s.Header != "" || s.Value != "" || s.TimeHeader != "" || s.IDHeader != "" || s.BodyHash != "":
		return errors.New("signature_field is in the body; expected no header, value, time_header, id_header or body_hash beside it")
	case strings.Contains(s.Signed, "{body}") || strings.Contains(s.Signed, "{form}"):
		return fmt.Errorf("signed is %q; a signature that is in the body cannot be of the body", s.Signed)
	case !strings.Contains(s.Signed, "{id}") || !strings.Contains(s.Signed, "{time}"):
		return fmt.Errorf("signed is %q; expected {time} and {id} in it, because the signature could be used again otherwise", s.Signed)
	}
	return s.checkPlaces("", map[string]string{"{time}": s.TimeField, "{id}": s.IDField}, "_field = \"path\"")
}

// checkPlaces checks that the time and the id are somewhere if they are signed.
func (s Signature) checkPlaces(elsewhere string, places map[string]string, hint string) error {
	for _, word := range []string{"{time}", "{id}"} {
		if strings.Contains(s.Signed, word) && places[word] == "" && !strings.Contains(s.Value, word) {
			return fmt.Errorf("%s is signed; write where it is: %s%s%s", word, elsewhere, strings.Trim(word, "{}"), hint)
		}
	}
	return nil
}

func checkWords(field, template string, words ...string) error {
	for _, word := range signatureWord.FindAllString(template, -1) {
		if !slices.Contains(words, word) {
			return fmt.Errorf("%s has the unknown word %s; words are %s", field, word, strings.Join(words, ", "))
		}
	}
	return nil
}
