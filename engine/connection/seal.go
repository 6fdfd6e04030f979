package connection

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"

	"filippo.io/age"
)

// maxEntry bounds what is read of one entry, in bytes.
const maxEntry = 1 << 20

// sealPrefix begins the plain text of an entry. On the same line it has a MAC by each key
// for which the entry is encrypted. They cover the rest: the entry, with its name.
const sealPrefix = "tidewire entry 1"

// errNotSealed is the error for an entry that was not written with the key: to encrypt
// for a key needs only its public half, which is in the folder.
var errNotSealed = errors.New("it was not written with that key")

// encrypt writes an entry so that each of the keys opens and recognises it.
func encrypt(plain []byte, keys ...*age.X25519Identity) ([]byte, error) {
	var to []age.Recipient
	head := sealPrefix
	for _, key := range keys {
		mac, err := entryMAC(key, plain)
		if err != nil {
			return nil, err
		}
		to = append(to, key.Recipient())
		head += " " + hex.EncodeToString(mac)
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to...)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(append([]byte(head+"\n"), plain...)); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// decrypt returns an entry that one of the keys opens and one of them has written.
func decrypt(text []byte, keys ...*age.X25519Identity) ([]byte, error) {
	var all []age.Identity
	for _, key := range keys {
		if key != nil {
			all = append(all, key)
		}
	}
	if len(all) == 0 {
		return nil, errors.New("there is no key")
	}
	opened, err := age.Decrypt(bytes.NewReader(text), all...)
	if err != nil {
		return nil, err
	}
	whole, err := io.ReadAll(io.LimitReader(opened, maxEntry))
	if err != nil {
		return nil, err
	}
	head, plain, _ := bytes.Cut(whole, []byte("\n"))
	macs, found := strings.CutPrefix(string(head), sealPrefix+" ")
	if !found {
		return nil, errNotSealed
	}
	for _, key := range keys {
		if key == nil {
			continue
		}
		want, err := entryMAC(key, plain)
		if err != nil {
			return nil, err
		}
		for mac := range strings.FieldsSeq(macs) {
			if got, err := hex.DecodeString(mac); err == nil && hmac.Equal(got, want) {
				return plain, nil
			}
		}
	}
	return nil, errNotSealed
}

// entryMAC authenticates an entry with a key that is derived from that of the vault.
func entryMAC(key *age.X25519Identity, plain []byte) ([]byte, error) {
	secret, err := hkdf.Key(sha256.New, []byte(key.String()), nil, sealPrefix, sha256.Size)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write(plain)
	return mac.Sum(nil), nil
}
