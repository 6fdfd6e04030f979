package script

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/vm"
)

// Scheme is a way to verify a request to a script's own address.
type Scheme string

// The schemes, beside those of bindings.Presets.
const (
	VerifyStandard Scheme = "standard-webhooks"
	VerifyHMAC     Scheme = "hmac"   // a signature, as the script describes it
	VerifyBearer   Scheme = "bearer" // a token in a header
	VerifyBasic    Scheme = "basic"  // a user and a password
	VerifyQuery    Scheme = "query"  // a token in the address
	VerifyNone     Scheme = "none"   // anybody may send
)

// schemes returns the names of all schemes.
func schemes() []string {
	names := []string{string(VerifyStandard), string(VerifyHMAC), string(VerifyBearer), string(VerifyBasic), string(VerifyQuery), string(VerifyNone)}
	return append(names, slices.Sorted(maps.Keys(bindings.Presets))...)
}

// Verify is how a request is verified.
type Verify struct {
	Scheme Scheme
	// Signatures are set for signed requests. The first one whose header a
	// request has counts.
	Signatures []bindings.Signature
	// Tolerance is how old a signed request may be; zero: no bound.
	Tolerance time.Duration
	// Header has the token of VerifyBearer, after Prefix.
	Header, Prefix string
	User           string // of VerifyBasic
	Query          string // the parameter with the token of VerifyQuery
	// Secrets are the keys or tokens, one of which is enough; nil for VerifyNone.
	Secrets []vm.Secret
}

// Headers returns the names of the headers that are read to verify a request.
func (v Verify) Headers() []string {
	names := []string{v.Header}
	for _, s := range v.Signatures {
		names = append(names, s.Header, s.TimeHeader, s.IDHeader)
	}
	return names
}

// signsNoBody reports whether only an id is signed, so that a request with another
// id would not be recognised as a repeat.
func (v Verify) signsNoBody() bool {
	return slices.ContainsFunc(v.Signatures, func(s bindings.Signature) bool { return s.SignatureField != "" })
}

// signedFor bounds the age of a signed request where the script does not. Senders
// sign each attempt anew, so that it need not cover the days over which they retry.
const signedFor = 5 * time.Minute

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
	v := Verify{Scheme: Scheme(f.text("scheme", "")), Tolerance: signedFor}
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
	if v.Scheme != VerifyNone {
		v.Secrets, err = readSecrets(v.Scheme, table["secret"], secrets)
	}
	return v, err
}

// maxSecrets bounds the secrets of one address.
const maxSecrets = 4

// readSecrets reads the field secret: one secret or a list. Its secrets are by
// their place in the options.
func readSecrets(scheme Scheme, raw json.RawMessage, secrets map[string]vm.Secret) ([]vm.Secret, error) {
	const place = "/verify/secret"
	if one := secrets[place]; one != nil {
		return []vm.Secret{one}, nil
	}
	if raw == nil {
		return nil, fmt.Errorf(`the scheme %q needs secret = secret "name"`, scheme)
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil && len(list) > 0 {
		if len(list) > maxSecrets {
			return nil, fmt.Errorf("found %d secrets; at most %d can be accepted at a time", len(list), maxSecrets)
		}
		all := make([]vm.Secret, len(list))
		for i := range list {
			all[i] = secrets[place+"/"+strconv.Itoa(i)]
		}
		if !slices.ContainsFunc(all, func(s vm.Secret) bool { return s == nil }) {
			return all, nil
		}
	}
	return nil, errors.New(`the secret is in plain text; write secret = secret "name", or { secret "old", secret "new" }, and give it a value in the configuration`)
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

func (f *verifyFields) header(name, fallback string) string {
	return textproto.CanonicalMIMEHeaderKey(f.text(name, fallback))
}

// read reads the fields of the scheme, and returns the names that it can have.
func (v *Verify) read(f *verifyFields) (fields []string, err error) {
	switch v.Scheme {
	case VerifyStandard:
		v.Signatures = []bindings.Signature{bindings.StandardWebhooks, bindings.Svix}
		return []string{"scheme", "secret", "tolerance"}, v.readTolerance(f)
	case VerifyHMAC:
		return slices.Concat([]string{"scheme", "secret", "tolerance"}, signatureFields), errors.Join(v.readHMAC(f), v.readTolerance(f))
	case VerifyBearer:
		v.Header = f.header("header", "Authorization")
		prefix := ""
		if v.Header == "Authorization" {
			prefix = "Bearer "
		}
		v.Prefix = f.text("prefix", prefix)
		return []string{"scheme", "secret", "header", "prefix"}, nil
	case VerifyBasic:
		v.Header = "Authorization"
		if v.User = f.text("user", ""); v.User == "" && f.err == nil {
			err = errors.New(`the scheme "basic" needs user = "name"; the secret is the password`)
		}
		return []string{"scheme", "secret", "user"}, err
	case VerifyQuery:
		v.Query = f.text("query", "token")
		return []string{"scheme", "secret", "query"}, nil
	case VerifyNone:
		return []string{"scheme"}, nil
	case "":
		return nil, fmt.Errorf("no scheme; %s", verifyHint)
	}
	if preset, found := bindings.Presets[string(v.Scheme)]; found {
		v.Signatures, v.Tolerance = []bindings.Signature{preset.Signature}, preset.MaxAge
		return []string{"scheme", "secret", "tolerance"}, v.readTolerance(f)
	}
	return nil, fmt.Errorf("unknown scheme %q%s", v.Scheme, suggestion(string(v.Scheme), schemes(), "expected one of"))
}

// signatureFields are those of bindings.Signature that a script can set, as an app
// file has them, and prefix.
var signatureFields = []string{"header", "prefix", "value", "signed", "algorithm", "encoding", "time_header", "id_header", "key_prefix",
	"signature_field", "time_field", "id_field", "body_hash"}

func (v *Verify) readTolerance(f *verifyFields) (err error) {
	raw, found := f.table["tolerance"]
	if !found {
		return nil
	}
	if len(v.Signatures) > 0 && !strings.Contains(v.Signatures[0].Signed, "{time}") {
		return errors.New("tolerance: no time is signed")
	}
	if v.Tolerance, err = readDuration(raw); err != nil {
		return fmt.Errorf("tolerance: %w", err)
	}
	return nil
}

// readHMAC reads a signature that the script describes.
func (v *Verify) readHMAC(f *verifyFields) error {
	s := bindings.PlainHMAC(f.header("header", ""), f.text("prefix", ""), bindings.SignatureEncoding(f.text("encoding", string(bindings.Hex))))
	s.Algorithm = bindings.Algorithm(f.text("algorithm", string(bindings.HMACSHA256)))
	s.Value, s.Signed = f.text("value", s.Value), f.text("signed", s.Signed)
	s.TimeHeader, s.IDHeader, s.KeyPrefix = f.header("time_header", ""), f.header("id_header", ""), f.text("key_prefix", "")
	s.SignatureField, s.TimeField, s.IDField, s.BodyHash = f.text("signature_field", ""), f.text("time_field", ""), f.text("id_field", ""), f.text("body_hash", "")
	if s.SignatureField != "" {
		s.Value, s.Signed = f.text("value", ""), f.text("signed", "{time}{id}")
	}
	v.Signatures = []bindings.Signature{s}
	switch {
	case f.err != nil:
		return nil
	case s.Header == "" && s.SignatureField == "":
		return errors.New(`the scheme "hmac" needs the header that carries the signature: header = "X-Signature"`)
	case f.table["prefix"] != nil && f.table["value"] != nil:
		return errors.New(`prefix and value exclude each other; write value = "sha256={signature}"`)
	}
	return s.CheckSecret()
}
