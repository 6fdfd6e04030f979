package bindings

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const (
	maxSignatureHeader = 8 << 10
	// maxSignatures bounds the work that one request can cause.
	maxSignatures = 8
)

// headers are the values from the headers of a request.
type headers struct {
	signatures [][]byte
	time, id   string
}

// read finds signatures, time and id in a request.
func (s Signature) read(r Request) (headers, error) {
	if s.SignatureField != "" {
		return s.readFields(r.Body)
	}
	return s.readHeaders(r.Header)
}

func (s Signature) readHeaders(h http.Header) (headers, error) {
	value := strings.TrimSpace(strings.Join(h.Values(s.Header), s.separator()))
	switch {
	case value == "":
		return headers{}, fmt.Errorf("%w: header %s is missing", ErrUnsigned, s.Header)
	case slices.Contains(s.None, value):
		return headers{}, fmt.Errorf("%w: header %s is %q", ErrUnsigned, s.Header, value)
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

// readFields reads a signature that is in the body.
func (s Signature) readFields(body []byte) (headers, error) {
	found := headers{time: bodyText(body, s.TimeField), id: bodyText(body, s.IDField)}
	text := bodyText(body, s.SignatureField)
	if text == "" {
		return headers{}, fmt.Errorf("%w: the body has no field %q", ErrUnsigned, s.SignatureField)
	}
	signature, err := s.decode(text)
	if err != nil {
		return headers{}, fmt.Errorf("%w: expected field %q in %s", ErrSignature, s.SignatureField, s.Encoding)
	}
	found.signatures = [][]byte{signature}
	return found, nil
}

// isList reports whether Value has more than the signature.
func (s Signature) isList() bool {
	return strings.Contains(s.Value, "{time}") || strings.Contains(s.Value, "{id}")
}

// separator returns what is between the values of several headers of one name.
func (s Signature) separator() string {
	if s.isList() {
		return ","
	}
	return " "
}

// readValue reads the header with the signature.
func (s Signature) readValue(value string, found *headers) error {
	templates, elements := []string{s.Value}, strings.Fields(value)
	switch {
	case s.isList():
		templates, elements = strings.Split(s.Value, ","), strings.Split(value, ",")
	case !strings.Contains(s.Value, ","):
		elements = strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })
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
			return nil // perhaps of another version; one that matches is enough
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

// unixSeconds accepts digits only: no sign, no blanks, no year after 9999.
func unixSeconds(text string) (int64, bool) {
	if text == "" || len(text) > 12 || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	return seconds, err == nil && seconds < 253402300800
}
