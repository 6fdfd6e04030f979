package bindings

// Signature says how a vendor signs its webhooks. In Value and Signed the
// words {signature}, {time} (Unix seconds), {id} and {body} stand for
// themselves: Qonto's Value is "t={time},v1={signature}" and its Signed
// "{time}.{body}".
//
// A Value that holds more than the signature is a list with commas, whose
// order does not matter and whose unknown elements are passed over; any other
// is one element, of which a header may hold several with spaces between
// them. Where the key was just changed a vendor sends two signatures: one that
// fits is enough.
type Signature struct {
	// Name is how configuration refers to it.
	Name      string
	Algorithm Algorithm
	Encoding  SignatureEncoding
	// Header carries the signature, written as Value.
	Header string
	Value  string
	Signed string
	// TimeHeader and IDHeader carry what Value does not.
	TimeHeader string
	IDHeader   string
	// Key is the vendor's public key in PEM; empty where each connection has
	// a secret of its own.
	Key string
	// KeyPrefix is cut from a secret whose rest is base64: "whsec_". Empty:
	// the secret is the key's literal text.
	KeyPrefix string
	// None are values of Header that mean that there is no signature: "N/A".
	None []string
	// OptIn holds for a signature that counts only where a connection asks.
	OptIn bool
}

// Algorithm is a signature algorithm.
type Algorithm string

// The algorithms.
const (
	HMACSHA256 Algorithm = "hmac-sha256"
	Ed25519    Algorithm = "ed25519"
	RSASHA256  Algorithm = "rsa-sha256" // PKCS #1 v1.5
)

// SignatureEncoding is how a signature's bytes are written.
type SignatureEncoding string

// The encodings of a signature. Hex is written in lower case and read in both.
const (
	Hex    SignatureEncoding = "hex"
	Base64 SignatureEncoding = "base64"
)

// StandardWebhooks is the signature of standardwebhooks.com, which many
// vendors share.
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

// PlainHMAC is an HMAC-SHA256 of the body in a header, behind a prefix such as
// "sha256=". It carries no time, so that an old request looks like a new one.
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
