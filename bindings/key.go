package bindings

import (
	"crypto"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"hash"
	"strings"
)

// hashes are those of the algorithms that have a secret.
var hashes = map[Algorithm]func() hash.Hash{HMACSHA1: sha1.New, HMACSHA256: sha256.New, HMACSHA512: sha512.New}

// verifier returns a function that reports whether a signature matches a
// message.
func (s Signature) verifier(key string) (func(message, signature []byte) bool, error) {
	if newHash := hashes[s.Algorithm]; newHash != nil {
		secret, err := s.secret(key)
		if err != nil {
			return nil, err
		}
		return func(message, signature []byte) bool {
			return hmac.Equal(signature, sum(newHash, secret, message))
		}, nil
	}
	if key == "" {
		key = s.Key
	}
	block, _ := pem.Decode([]byte(key))
	if block == nil {
		return nil, s.keyError("expected a public key in PEM")
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, s.keyError("expected a public key in PEM, of type PUBLIC KEY")
	}
	switch public := public.(type) {
	case ed25519.PublicKey:
		if s.Algorithm == Ed25519 {
			return func(message, signature []byte) bool {
				return ed25519.Verify(public, message, signature)
			}, nil
		}
	case *rsa.PublicKey:
		if s.Algorithm == RSASHA256 {
			return func(message, signature []byte) bool {
				digest := sha256.Sum256(message)
				return rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature) == nil
			}, nil
		}
	}
	return nil, s.keyError(fmt.Sprintf("expected a key of %s, found %T", s.Algorithm, public))
}

// signer returns a function that signs a message.
func (s Signature) signer(key string) (func(message []byte) ([]byte, error), error) {
	if newHash := hashes[s.Algorithm]; newHash != nil {
		secret, err := s.secret(key)
		if err != nil {
			return nil, err
		}
		return func(message []byte) ([]byte, error) { return sum(newHash, secret, message), nil }, nil
	}
	block, _ := pem.Decode([]byte(key))
	if block == nil {
		return nil, s.keyError("expected a private key in PEM")
	}
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, s.keyError("expected a private key in PEM, of type PRIVATE KEY")
	}
	switch private := private.(type) {
	case ed25519.PrivateKey:
		if s.Algorithm == Ed25519 {
			return func(message []byte) ([]byte, error) { return ed25519.Sign(private, message), nil }, nil
		}
	case *rsa.PrivateKey:
		if s.Algorithm == RSASHA256 {
			return func(message []byte) ([]byte, error) {
				digest := sha256.Sum256(message)
				return rsa.SignPKCS1v15(nil, private, crypto.SHA256, digest[:])
			}, nil
		}
	}
	return nil, s.keyError(fmt.Sprintf("expected a key of %s, found %T", s.Algorithm, private))
}

// secret returns the key of an HMAC.
func (s Signature) secret(key string) ([]byte, error) {
	if strings.TrimSpace(key) == "" {
		return nil, s.keyError("the secret is empty")
	}
	if s.KeyPrefix == "" {
		return []byte(key), nil
	}
	// People often copy a secret without its prefix.
	text := strings.TrimRight(strings.TrimPrefix(key, s.KeyPrefix), "=")
	secret, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(secret) == 0 {
		return nil, s.keyError(fmt.Sprintf("expected %q with base64 after it", s.KeyPrefix))
	}
	return secret, nil
}

// keyError returns an ErrKey. Callers must not put the key into text.
func (s Signature) keyError(text string) error {
	return fmt.Errorf("%w: signature %q: %s", ErrKey, s.Name, text)
}

func sum(newHash func() hash.Hash, secret, message []byte) []byte {
	mac := hmac.New(newHash, secret)
	mac.Write(message)
	return mac.Sum(nil)
}
