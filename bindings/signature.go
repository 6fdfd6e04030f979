package bindings

// Signature is how a vendor signs its webhooks. In Value and Signed the words
// {signature}, {time} (Unix seconds), {id}, {body}, {url} and {form} are replaced
// by what they name: Qonto's Value is "t={time},v1={signature}" and its Signed
// "{time}.{body}". {url} is the address as the vendor has it. {form} is the names
// and values of a form in the order of the names, empty for another body.
//
// A Value with more than the signature is a list with commas. The order of its
// elements does not matter, and unknown elements are ignored. Any other Value
// is one element, and a header may have several, with spaces between them, or
// commas if Value has none. After a change of its key a vendor may send two
// signatures; one that matches is enough.
type Signature struct {
	// Name is its name in the configuration.
	Name      string
	Algorithm Algorithm
	Encoding  SignatureEncoding
	// Header is the header with the signature, Value the form of its value, and
	// Signed the form of the text that is signed.
	Header string
	Value  string
	Signed string
	// TimeHeader and IDHeader are the headers with the time and the id, if
	// Value does not have them.
	TimeHeader string
	IDHeader   string
	// SignatureField, TimeField and IDField are paths of members in a body of
	// JSON, for vendors that sign there. Header and Value are then empty.
	SignatureField string
	TimeField      string
	IDField        string
	// BodyHash is the parameter of the address with the SHA-256 of the body in
	// hex, for a Signed without {body}: a body that is no form must have it.
	BodyHash string
	// Key is the vendor's public key in PEM; empty if each connection has its
	// own secret.
	Key string
	// KeyPrefix is the prefix of a secret whose rest is base64: "whsec_". Empty:
	// the bytes of the secret's text are the key.
	KeyPrefix string
	// None are values of Header that mean that there is no signature: "N/A".
	None []string
	// OptIn is set if the signature is accepted only for connections that are
	// configured to use it.
	OptIn bool
}

// Algorithm is a signature algorithm.
type Algorithm string

// The algorithms.
const (
	HMACSHA256 Algorithm = "hmac-sha256"
	HMACSHA1   Algorithm = "hmac-sha1"
	HMACSHA512 Algorithm = "hmac-sha512"
	Ed25519    Algorithm = "ed25519"
	RSASHA256  Algorithm = "rsa-sha256" // PKCS #1 v1.5
)

// SignatureEncoding is how a signature's bytes are written.
type SignatureEncoding string

// The encodings of a signature. Hex is written in lower case, and accepted in
// upper and lower case.
const (
	Hex    SignatureEncoding = "hex"
	Base64 SignatureEncoding = "base64"
)

// StandardWebhooks is the signature of standardwebhooks.com, which many
// vendors use.
var StandardWebhooks = Signature{
	Name:       "standard-webhooks",
	Algorithm:  HMACSHA256,
	Encoding:   Base64,
	Header:     "Webhook-Signature",
	Value:      "v1,{signature}",
	Signed:     "{id}.{time}.{body}",
	TimeHeader: "Webhook-Timestamp",
	IDHeader:   "Webhook-Id",
	KeyPrefix:  "whsec_",
}

// Svix is StandardWebhooks with the names of headers that came before it.
var Svix = Signature{
	Name:       "svix",
	Algorithm:  HMACSHA256,
	Encoding:   Base64,
	Header:     "Svix-Signature",
	Value:      "v1,{signature}",
	Signed:     "{id}.{time}.{body}",
	TimeHeader: "Svix-Timestamp",
	IDHeader:   "Svix-Id",
	KeyPrefix:  "whsec_",
}

// PlainHMAC is an HMAC-SHA256 of the body in a header, after a prefix such as
// "sha256=". No time is signed, so a repeated old request is accepted.
func PlainHMAC(header, prefix string, encoding SignatureEncoding) Signature {
	return Signature{
		Name:      "hmac",
		Algorithm: HMACSHA256,
		Encoding:  encoding,
		Header:    header,
		Value:     prefix + "{signature}",
		Signed:    "{body}",
	}
}
