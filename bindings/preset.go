package bindings

import "time"

// Preset is how a known vendor signs its webhooks.
type Preset struct {
	Signature Signature
	// MaxAge is how old a request may be that has a signed time.
	MaxAge time.Duration
}

// Presets are by the name that scripts write. TestPresets has a request of each,
// and who made its signature.
var Presets = map[string]Preset{
	"stripe":   {timedHMAC("stripe", "Stripe-Signature"), 5 * time.Minute},
	"calendly": {timedHMAC("calendly", "Calendly-Webhook-Signature"), 3 * time.Minute},
	"github":   {bodyHMAC("github", "X-Hub-Signature-256", "sha256=", Hex), 0},
	"shopify":  {bodyHMAC("shopify", "X-Shopify-Hmac-Sha256", "", Base64), 0},
	"typeform": {bodyHMAC("typeform", "Typeform-Signature", "sha256=", Base64), 0},
	"twilio": {Signature{Name: "twilio", Algorithm: HMACSHA1, Encoding: Base64, Header: "X-Twilio-Signature",
		Value: "{signature}", Signed: "{url}{form}", BodyHash: "bodySHA256"}, 0},
	// The body is not signed. A repeated token is a repeated event.
	"mailgun": {Signature{Name: "mailgun", Algorithm: HMACSHA256, Encoding: Hex, Signed: "{time}{id}",
		SignatureField: "signature.signature", TimeField: "signature.timestamp", IDField: "signature.token"}, time.Hour},
}

// timedHMAC is a signature of the time and the body in one header.
func timedHMAC(name, header string) Signature {
	return Signature{Name: name, Algorithm: HMACSHA256, Encoding: Hex, Header: header, Value: "t={time},v1={signature}", Signed: "{time}.{body}"}
}

func bodyHMAC(name, header, prefix string, encoding SignatureEncoding) Signature {
	s := PlainHMAC(header, prefix, encoding)
	s.Name = name
	return s
}
