package script

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/textproto"
	"reflect"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/vm"
)

// Scheme is a way to verify a request to a script's own address.
type Scheme string

// The schemes.
const (
	VerifyStandard Scheme = "standard-webhooks"
	VerifyHMAC     Scheme = "hmac"   // HMAC-SHA256 of the body in a header
	VerifyBearer   Scheme = "bearer" // a token in a header
	VerifyNone     Scheme = "none"   // anybody may post
)

var schemes = []string{string(VerifyStandard), string(VerifyHMAC), string(VerifyBearer), string(VerifyNone)}

// Verify is how a request is verified.
type Verify struct {
	Scheme Scheme
	// Signature is set if Signed returns true.
	Signature bindings.Signature
	// Header carries the token of VerifyBearer, behind Prefix.
	Header, Prefix string
	// Secret is the key or token; nil for VerifyNone.
	Secret vm.Secret
}

// Signed reports whether a request is verified by a signature of its body.
func (v Verify) Signed() bool { return v.Scheme == VerifyStandard || v.Scheme == VerifyHMAC }

// Headers returns the names of the headers that are read to verify a request.
func (v Verify) Headers() []string {
	return []string{v.Header, v.Signature.Header, v.Signature.TimeHeader, v.Signature.IDHeader}
}

const verifyHint = `write verify = { scheme = "standard-webhooks", secret = secret "name" }, the scheme "hmac" with a header, "bearer", or verify = "none" if anybody may post here`

// readVerify reads the option verify.
func readVerify(raw json.RawMessage, secrets map[string]vm.Secret) (Verify, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if text == string(VerifyNone) {
			return Verify{Scheme: VerifyNone}, nil
		}
		return Verify{}, fmt.Errorf("found %q; %s", text, verifyHint)
	}
	table, err := readTable(raw)
	if err != nil {
		return Verify{}, fmt.Errorf("%w; %s", err, verifyHint)
	}
	f := verifyFields{table: table}
	v := Verify{Scheme: Scheme(f.text("scheme", "")), Secret: secrets["/verify/secret"]}
	fields, err := v.read(&f)
	switch {
	case err != nil:
		return v, err
	case f.err != nil:
		return v, f.err
	}
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if !contains(fields, name) {
			return v, fmt.Errorf("the scheme %q has no field %q%s", v.Scheme, name, suggestion(name, fields, "it has"))
		}
	}
	if v.Scheme != VerifyNone && v.Secret == nil {
		if _, plain := table["secret"]; plain {
			return v, fmt.Errorf(`the secret is in plain text; write secret = secret "name" and give it a value in the configuration`)
		}
		return v, fmt.Errorf(`the scheme %q needs secret = secret "name"`, v.Scheme)
	}
	return v, nil
}

// verifyFields are the fields of the option verify, and the first error in one.
type verifyFields struct {
	table map[string]json.RawMessage
	err   error
}

func (f *verifyFields) text(name, fallback string) string {
	value, found := f.table[name]
	if !found {
		return fallback
	}
	text, err := readText(value)
	if err != nil && f.err == nil {
		f.err = fmt.Errorf("%s: %w", name, err)
	}
	return text
}

// read reads the fields of the scheme, and returns the names that it can have.
func (v *Verify) read(f *verifyFields) (fields []string, err error) {
	switch v.Scheme {
	case VerifyStandard:
		v.Signature = bindings.StandardWebhooks
		return []string{"scheme", "secret"}, nil
	case VerifyHMAC:
		return []string{"scheme", "secret", "header", "prefix", "encoding"}, v.readHMAC(f)
	case VerifyBearer:
		v.Header = textproto.CanonicalMIMEHeaderKey(f.text("header", "Authorization"))
		prefix := ""
		if v.Header == "Authorization" {
			prefix = "Bearer "
		}
		v.Prefix = f.text("prefix", prefix)
		return []string{"scheme", "secret", "header", "prefix"}, nil
	case VerifyNone:
		v.Secret = nil
		return []string{"scheme"}, nil
	case "":
		return nil, fmt.Errorf("no scheme; %s", verifyHint)
	}
	return nil, fmt.Errorf("unknown scheme %q%s", v.Scheme, suggestion(string(v.Scheme), schemes, "expected one of"))
}

func (v *Verify) readHMAC(f *verifyFields) error {
	header, encoding := f.text("header", ""), f.text("encoding", string(bindings.Hex))
	if header == "" {
		return fmt.Errorf(`the scheme "hmac" needs the header that carries the signature: header = "X-Signature"`)
	}
	if encoding != string(bindings.Hex) && encoding != string(bindings.Base64) {
		return fmt.Errorf("encoding is %q; expected %q or %q", encoding, bindings.Hex, bindings.Base64)
	}
	v.Signature = bindings.PlainHMAC(textproto.CanonicalMIMEHeaderKey(header), f.text("prefix", ""), bindings.SignatureEncoding(encoding))
	return nil
}

// inboundPath returns the path of the trigger "in:/path", "" for another one.
func inboundPath(trigger string) string {
	path, found := strings.CutPrefix(trigger, "in:")
	if !found {
		return ""
	}
	return path
}

// equal reports whether two hooks on one address verify requests and make events
// of them in the same way.
func (i *Inbound) equal(other *Inbound) bool { return reflect.DeepEqual(i, other) }
