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

// refresh gets access tokens for a refresh token and keeps what comes back in
// the vault before anybody uses it. Of all processes that share the vault one
// refreshes at a time, and the others take what it got.
type refresh struct {
	ask   *asker
	vault *Vault
	state *state
	log   *slog.Logger
	seed  string // the hash of the configured refresh token, empty if there is none

	mu     sync.Mutex // guards what follows against Secrets
	token  Token      // the newest
	unkept *unkept    // a token that is not in the vault yet
	seen   bool       // the vault has an entry
}

// unkept is a token that could not be kept, and the one that was spent for it.
type unkept struct {
	token Token
	spent string
}

// newRefresh begins with the vault's token, or with the configured refresh
// token if the vault has none or began with another.
func newRefresh(ask *asker, v *Vault, entry *Entry, configured string, s *state, log *slog.Logger) *refresh {
	r := &refresh{ask: ask, vault: v, state: s, log: log, seen: entry != nil}
	r.token.Refresh = configured
	switch {
	case configured != "":
		r.seed = hashOf(configured)
	case entry != nil:
		r.seed = entry.Seed
	}
	r.token = r.presentOf(entry)
	return r
}

// presentOf is the token to go on from: the kept one, unless it began with
// another than the configured refresh token.
func (r *refresh) presentOf(entry *Entry) Token {
	if entry != nil && entry.Seed == r.seed && (entry.Token.Refresh != "" || entry.Token.Access != "") {
		return entry.Token
	}
	return r.newest()
}

// Renews says whether there is a refresh token: some vendors give an access
// token that stays.
func (r *refresh) Renews() bool { return r.newest().Refresh != "" }

// SeedOf is what an Entry has as its Seed for a configured refresh token.
func SeedOf(configured string) string {
	if configured == "" {
		return ""
	}
	return hashOf(configured)
}

func hashOf(texts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(texts, "\x00")))
	return hex.EncodeToString(sum[:])
}

// Fetch gives the vault's token if that is good, else refreshes it.
func (r *refresh) Fetch(ctx context.Context, refused string) (Token, error) {
	app, name := r.ask.app.Name, r.ask.name
	release, err := r.vault.hold(ctx, name)
	if err != nil {
		return Token{}, unavailable(app, name, "its token cannot be renewed: %v", err)
	}
	defer release()
	// Another process, or a hand, may have put a newer one there.
	entry, err := r.vault.Load(name)
	if err != nil {
		return Token{}, broken(app, name, "%v", err)
	}
	if entry == nil && r.seen {
		return Token{}, broken(app, name, "what the vault kept of it is gone; connect again: tidewire connect %s", name)
	}
	if entry == nil {
		entry = &Entry{Connection: name, Seed: r.seed}
	}
	if token := r.presentOf(entry); entry.Seed == r.seed && entry.Token.Refresh == token.Refresh {
		r.set(token)
	} else { // the vault's began with another one than the configured
		entry.Token, entry.Seed, entry.Begun = token, r.seed, time.Time{}
	}
	if u := r.held(); u != nil && u.spent == entry.Token.Refresh {
		return r.keep(ctx, entry, u.token)
	}
	if entry.Token.Access != refused && entry.Token.good(r.ask.now()) {
		return entry.Token, nil
	}
	if b := entry.Broken; b != nil && b.Of == r.print(entry.Token) {
		return Token{}, r.state.breaks(broken(app, name, "%s", b.Said), b.At)
	}
	return r.renew(ctx, entry)
}

// renew asks for the next token. That it was begun is kept before: whoever
// finds it there knows that the refresh token may be spent.
func (r *refresh) renew(ctx context.Context, entry *Entry) (Token, error) {
	name, rotates := r.ask.name, r.ask.oauth.Rotates
	begun := entry.Begun
	if rotates && begun.IsZero() && entry.Token.Refresh != "" {
		entry.Begun = r.ask.now()
		if err := r.vault.Save(ctx, *entry); err != nil {
			return Token{}, unavailable(r.ask.app.Name, name, "its token is not renewed, since the new one could not be kept: %v", err)
		}
	}
	if entry.Token.Refresh == "" {
		e := broken(r.ask.app.Name, name, "its token is over, and no other can be had for it; authorise again with: tidewire connect %s", name)
		e.Code = "refused"
		return Token{}, r.refused(ctx, entry, time.Time{}, e)
	}
	if !begun.IsZero() {
		r.log.Warn("a refresh that was cut off is made again with the token that it may have spent", "connection", name, "begun", begun)
	}
	given, err := r.ask.refresh(ctx, entry.Token)
	if e := (*bindings.Error)(nil); !begun.IsZero() && errors.As(err, &e) && definite(e) {
		if again, found := r.reconnect(ctx); found {
			given, err = again, nil
		}
	}
	if err != nil {
		return Token{}, r.refused(ctx, entry, begun, err)
	}
	return r.keep(ctx, entry, given.Token)
}

// reconnect asks for tokens anew, where the vendor gives them to who has lost
// the last ones. That it does not leaves the first refusal as it is.
func (r *refresh) reconnect(ctx context.Context) (Grant, bool) {
	if r.ask.oauth.Reconnect == nil || r.ask.account == "" {
		return Grant{}, false
	}
	given, err := r.ask.reconnect(ctx)
	if err != nil {
		r.log.Warn("tokens that were lost are not given anew", "connection", r.ask.name, "error", err)
		return Grant{}, false
	}
	r.log.Warn("tokens that were lost were given anew", "connection", r.ask.name)
	return given, true
}

// keep makes a token durable. Until that is done it is not used: a token whose
// refresh token could be lost must not become the only one.
func (r *refresh) keep(ctx context.Context, entry *Entry, token Token) (Token, error) {
	spent := entry.Token.Refresh
	entry.Token, entry.Begun, entry.Broken = token, time.Time{}, nil
	if err := r.vault.Save(ctx, *entry); err != nil {
		r.holdBack(&unkept{token, spent})
		r.log.Error("new token not kept; it is tried again at the next call", "connection", r.ask.name, "error", err)
		return Token{}, unavailable(r.ask.app.Name, r.ask.name, "its new token cannot be kept: %v", err)
	}
	r.holdBack(nil)
	r.set(token)
	r.state.mends()
	r.log.Debug("token refreshed", "connection", r.ask.name, "expires", token.Expires)
	return token, nil
}

// refused notes that the vendor gives no token for this one any more. What is
// kept of the token stays as it is.
func (r *refresh) refused(ctx context.Context, entry *Entry, begun time.Time, err error) error {
	var e *bindings.Error
	if !errors.As(err, &e) || !definite(e) {
		return err
	}
	if !begun.IsZero() && !slices.Contains(clientCodes, e.Code) {
		e.Message += "; a refresh begun at " + begun.UTC().Format(time.RFC3339) + " was cut off before its answer was kept"
		if grace := r.ask.oauth.Grace; grace > 0 && r.ask.now().Sub(begun) > grace {
			e.Message += ", longer ago than the " + grace.String() + " for which a spent token is taken once more"
		}
	}
	now := r.ask.now()
	entry.Broken = &Broken{Said: trimPrefix(e.Message, r.ask.name), At: now, Of: r.print(entry.Token)}
	if saveErr := r.vault.Save(ctx, *entry); saveErr != nil {
		r.log.Error("that the connection is broken could not be kept", "connection", r.ask.name, "error", saveErr)
	}
	r.log.Error("connection broken", "connection", r.ask.name, "error", e.Message)
	return r.state.breaks(e, now)
}

// print tells the credentials of one refusal from those of another.
func (r *refresh) print(token Token) string {
	return hashOf(r.ask.conf.ClientID, r.ask.conf.ClientSecret, r.ask.conf.Endpoint.TokenURL, token.Refresh)
}

func (r *refresh) set(t Token) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.token, r.seen = t, true
}

func (r *refresh) newest() Token {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.token
}

func (r *refresh) held() *unkept {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.unkept
}

func (r *refresh) holdBack(u *unkept) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unkept = u
}

// Secrets are the texts that no error may show.
func (r *refresh) Secrets() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := []string{r.token.Access, r.token.Refresh}
	if r.unkept != nil {
		all = append(all, r.unkept.token.Access, r.unkept.token.Refresh)
	}
	return all
}

// clientGrant gets tokens for client_id and client_secret alone. They are not
// kept: another is had by asking.
type clientGrant struct {
	ask    *asker
	scopes []string
	state  *state
}

// Secrets are none beside the source's own.
func (g *clientGrant) Secrets() []string { return nil }

// Renews says that another token can be had at any time.
func (g *clientGrant) Renews() bool { return true }

// Fetch asks for a token.
func (g *clientGrant) Fetch(ctx context.Context, _ string) (Token, error) {
	given, err := g.ask.client(ctx, g.scopes)
	var e *bindings.Error
	if errors.As(err, &e) && definite(e) {
		return Token{}, g.state.breaks(e, g.ask.now())
	}
	return given.Token, err
}
