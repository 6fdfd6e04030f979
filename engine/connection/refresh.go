package connection

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// refreshGrant gets access tokens for a refresh token and saves them in the
// vault before they are used. Of all processes that share the vault one
// refreshes at a time, and the others use the token that it got.
type refreshGrant struct {
	client   *tokenClient
	vault    *Vault
	state    *state
	log      *slog.Logger
	seedHash string // the hash of the configured refresh token, empty if there is none

	mu      sync.Mutex    // guards the fields below: Secrets runs during a Fetch
	token   Token         // the newest
	unsaved *unsavedToken // a token that is not in the vault yet
	inVault bool          // the vault has an entry
}

// unsavedToken is a token that could not be saved, and the refresh token that
// was spent for it.
type unsavedToken struct {
	token Token
	spent string
}

// newRefreshGrant starts with the vault's token, or with the configured refresh
// token if the vault has none or started with another.
func newRefreshGrant(client *tokenClient, v *Vault, entry *Entry, configured string, s *state, log *slog.Logger) *refreshGrant {
	r := &refreshGrant{client: client, vault: v, state: s, log: log, inVault: entry != nil}
	r.token.Refresh = configured
	switch {
	case configured != "":
		r.seedHash = hashOf(configured)
	case entry != nil:
		r.seedHash = entry.SeedHash
	}
	r.token = r.tokenOf(entry)
	return r
}

// tokenOf is the token to go on from: the one in the vault, unless that started
// with another than the configured refresh token.
func (r *refreshGrant) tokenOf(entry *Entry) Token {
	if entry != nil && entry.SeedHash == r.seedHash && (entry.Token.Refresh != "" || entry.Token.Access != "") {
		return entry.Token
	}
	return r.newest()
}

// Renews reports whether there is a refresh token: some vendors issue an access
// token without an end.
func (r *refreshGrant) Renews() bool { return r.newest().Refresh != "" }

// SeedHash is the SeedHash of an Entry for a configured refresh token.
func SeedHash(configured string) string {
	if configured == "" {
		return ""
	}
	return hashOf(configured)
}

func hashOf(texts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(texts, "\x00")))
	return hex.EncodeToString(sum[:])
}

// Fetch returns the vault's token if that is valid, else refreshes it.
func (r *refreshGrant) Fetch(ctx context.Context, refused string) (Token, error) {
	app, name := r.client.app.Name, r.client.name
	release, err := r.vault.lockEntry(ctx, name)
	if err != nil {
		return Token{}, unavailable(app, name, "its token cannot be renewed: %v", err)
	}
	defer release()
	// Another process, or a person, may have saved a newer one.
	entry, err := r.vault.Load(name)
	if err != nil {
		return Token{}, broken(app, name, "%v", err)
	}
	if entry == nil && r.inVault {
		return Token{}, broken(app, name, "its entry in the vault is gone; connect again: tidewire connect %s", name)
	}
	if entry == nil {
		entry = &Entry{Connection: name, SeedHash: r.seedHash}
	}
	if token := r.tokenOf(entry); entry.SeedHash == r.seedHash && entry.Token.Refresh == token.Refresh {
		r.setToken(token)
	} else { // the vault's started with another one than the configured
		entry.Token, entry.SeedHash, entry.RefreshBegun = token, r.seedHash, time.Time{}
	}
	if u := r.getUnsaved(); u != nil && u.spent == entry.Token.Refresh {
		return r.saveToken(ctx, entry, u.token)
	}
	if entry.Token.Access != refused && entry.Token.valid(r.client.clock.Now()) {
		return entry.Token, nil
	}
	if b := entry.Broken; b != nil && b.CredentialHash == r.credentialHash(entry.Token) {
		return Token{}, r.state.setBroken(broken(app, name, "%s", b.Reason), b.At)
	}
	return r.renew(ctx, entry)
}

// renew requests the next token. That a refresh was begun is saved before,
// since after a crash the refresh token may be spent.
func (r *refreshGrant) renew(ctx context.Context, entry *Entry) (Token, error) {
	name, rotates := r.client.name, r.client.oauth.Rotates
	begun := entry.RefreshBegun
	if rotates && begun.IsZero() && entry.Token.Refresh != "" {
		entry.RefreshBegun = r.client.clock.Now()
		if err := r.vault.Save(ctx, *entry); err != nil {
			return Token{}, unavailable(r.client.app.Name, name, "its token is not renewed, since the new one could not be saved: %v", err)
		}
	}
	if entry.Token.Refresh == "" {
		e := broken(r.client.app.Name, name, "its token is over, and no other can be had for it; authorise again with: tidewire connect %s", name)
		e.Code = "refused"
		return Token{}, r.recordRefusal(ctx, entry, time.Time{}, e)
	}
	if !begun.IsZero() {
		r.log.Warn("an interrupted refresh is made again with the token that it may have spent", "connection", name, "begun", begun)
	}
	given, err := r.client.refresh(ctx, entry.Token)
	if e := (*bindings.Error)(nil); !begun.IsZero() && errors.As(err, &e) && isCredentialRefusal(e) {
		if again, found := r.reconnect(ctx); found {
			given, err = again, nil
		}
	}
	if err != nil {
		return Token{}, r.recordRefusal(ctx, entry, begun, err)
	}
	r.client.reportAccount(given, r.state)
	return r.saveToken(ctx, entry, given.Token)
}

// reconnect requests new tokens, where the vendor issues them to a client that
// has lost the last ones. If it does not, the caller returns the first refusal.
func (r *refreshGrant) reconnect(ctx context.Context) (TokenResponse, bool) {
	if r.client.oauth.Reconnect == nil || r.client.account == "" {
		return TokenResponse{}, false
	}
	given, err := r.client.reconnect(ctx)
	if err != nil {
		r.log.Warn("tokens that were lost are not given anew", "connection", r.client.name, "error", err)
		return TokenResponse{}, false
	}
	r.log.Warn("tokens that were lost were given anew", "connection", r.client.name)
	return given, true
}

// saveToken makes a token durable. Until that is done it is not used: a token
// whose refresh token could be lost must not become the only one.
func (r *refreshGrant) saveToken(ctx context.Context, entry *Entry, token Token) (Token, error) {
	spent := entry.Token.Refresh
	entry.Token, entry.RefreshBegun, entry.Broken = token, time.Time{}, nil
	if err := r.vault.Save(ctx, *entry); err != nil {
		r.setUnsaved(&unsavedToken{token, spent})
		r.log.Error("new token not saved; that is tried again at the next call", "connection", r.client.name, "error", err)
		return Token{}, unavailable(r.client.app.Name, r.client.name, "its new token cannot be saved: %v", err)
	}
	r.setUnsaved(nil)
	r.setToken(token)
	r.state.clearProblem()
	r.log.Debug("token refreshed", "connection", r.client.name, "expires", token.Expires)
	return token, nil
}

// recordRefusal saves that the vendor refuses this refresh token. The token in
// the vault stays as it is.
func (r *refreshGrant) recordRefusal(ctx context.Context, entry *Entry, begun time.Time, err error) error {
	var refusal *bindings.Error
	if !errors.As(err, &refusal) || !isCredentialRefusal(refusal) {
		return err
	}
	e := *refusal
	if !begun.IsZero() && !slices.Contains(invalidClientCodes, e.Code) {
		e.Message += "; a refresh begun at " + begun.UTC().Format(time.RFC3339) + " was cut off before its answer was saved"
		if grace := r.client.oauth.Grace; grace > 0 && r.client.clock.Now().Sub(begun) > grace {
			e.Message += ", longer ago than the " + grace.String() + " for which a spent token is taken once more"
		}
	}
	now := r.client.clock.Now()
	entry.Broken = &Broken{Reason: trimPrefix(e.Message, r.client.name), At: now, CredentialHash: r.credentialHash(entry.Token)}
	if saveErr := r.vault.Save(ctx, *entry); saveErr != nil {
		r.log.Error("could not save that the connection is broken", "connection", r.client.name, "error", saveErr)
	}
	r.log.Error("connection broken", "connection", r.client.name, "error", e.Message)
	return r.state.setBroken(&e, now)
}

// credentialHash is the hash of the credentials that a refresh sends.
func (r *refreshGrant) credentialHash(token Token) string {
	return hashOf(r.client.conf.ClientID, r.client.conf.ClientSecret, r.client.conf.Endpoint.TokenURL, token.Refresh)
}

func (r *refreshGrant) setToken(t Token) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.token, r.inVault = t, true
}

func (r *refreshGrant) newest() Token {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.token
}

func (r *refreshGrant) getUnsaved() *unsavedToken {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.unsaved
}

func (r *refreshGrant) setUnsaved(u *unsavedToken) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unsaved = u
}

// Secrets are the texts that no error may show.
func (r *refreshGrant) Secrets() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := []string{r.token.Access, r.token.Refresh}
	if r.unsaved != nil {
		all = append(all, r.unsaved.token.Access, r.unsaved.token.Refresh)
	}
	return all
}

// clientGrant gets tokens for client_id and client_secret alone. They are not
// saved: another can be requested.
type clientGrant struct {
	client *tokenClient
	scopes []string
	state  *state
}

// Secrets are none beside those of the tokenSource.
func (g *clientGrant) Secrets() []string { return nil }

// Renews is true: another token can be requested at any time.
func (g *clientGrant) Renews() bool { return true }

// Fetch requests a token.
func (g *clientGrant) Fetch(ctx context.Context, _ string) (Token, error) {
	given, err := g.client.clientCredentials(ctx, g.scopes)
	var e *bindings.Error
	if errors.As(err, &e) && isCredentialRefusal(e) {
		return Token{}, g.state.setBroken(e, g.client.clock.Now())
	}
	g.client.reportAccount(given, g.state)
	return given.Token, err
}
