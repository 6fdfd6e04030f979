package bindings

// Signature says how a vendor signs its webhooks. In Value and Signed the
// words {signature}, {time} (Unix seconds), {id} and {body} stand for
// themselves: Qonto's Value is "t={time},v1={signature}" and its Signed
// "{time}.{body}".
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

// The encodings of a signature.
const (
	Hex    SignatureEncoding = "hex"
	Base64 SignatureEncoding = "base64"
)
