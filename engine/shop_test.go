package engine_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/connection"
)

// The shop is an app with one operation of each kind of safety, and without rate
// limits, so that a test can make many calls. Each call has a tag, by which the
// test finds it at the shop and in the journal.
const shopCatalogue = `operation look.now {"id":"look","method":"GET","path":"/look","in_query":["tag!: string"]}
operation items.save {"id":"saveItem","method":"POST","path":"/items","body":{"encoding":"json","type":"#Tagged","required":true},"idempotent":"the same tag gives the same item"}
operation orders.pay {"id":"payOrder","method":"POST","path":"/orders","body":{"encoding":"json","type":"#Tagged","required":true}}
operation transfers.make {"id":"makeTransfer","method":"POST","path":"/transfers","in_header":["\"X-Shop-Key\": string"],"body":{"encoding":"json","type":"#Tagged","required":true},"key":true}
operation notes.write {"id":"writeNote","method":"POST","path":"/notes","body":{"encoding":"json","type":"#Note","required":true},"own_key":{"args":{"ref":"{key}"}},"find":[{"key":true,"operation":"notes.list","args":{"after":"{since.s}"},"match":{"ref":"{key}"},"answer":{"note":"{found}"},"lag":"5s"},{"operation":"notes.list","match":{"tag":"{args.tag}"},"created":"at","answer":{"note":"{found}"},"lag":"5s"}]}
operation notes.list {"id":"listNotes","method":"GET","path":"/notes","in_query":["after: string","page: string"],"pages":{"items":"notes","cursors":{"page":"next"}}}
type Note {"fields":["tag!: string","ref: string"]}
type Tagged {"fields":["tag!: string","note: string"]}
type Order {"fields":["id: string","customer: string","n: integer"]}
trigger shop.order.created {"vendor":"order.created","record":"customer","data":"#Order"}
trigger shop.order.confirmed {"vendor":"order.confirmed","record":"customer","data":"#Order"}
`

// The operations, by whether they may be sent again.
const (
	opRead       = "shop.look.now"
	opIdempotent = "shop.items.save"
	opUnsafe     = "shop.orders.pay"
	opKeyed      = "shop.transfers.make"
)

var shopSignature = bindings.Signature{
	Name: "shop", Algorithm: bindings.HMACSHA256, Encoding: bindings.Hex,
	Header: "X-Shop-Signature", Value: "t={time},v1={signature}", Signed: "{time}.{body}",
}

func newShopApp() *bindings.App {
	parsed, err := bindings.ParseCatalogue([]byte(shopCatalogue))
	if err != nil {
		panic(err)
	}
	return &bindings.App{
		Name: "shop", Title: "Shop", BaseURL: "http://127.0.0.1",
		Auth:   []bindings.Auth{{Name: "token", Fields: []string{"token"}, Header: "Authorization", Format: "Bearer {token}"}},
		Errors: bindings.Errors{Message: []string{"error"}},
		Webhook: &bindings.Webhook{
			Signatures: []bindings.Signature{shopSignature},
			MaxAge:     time.Hour, ID: "id", Type: "type", Data: "data", RetryStatus: 503,
		},
		KeyHeader: "X-Shop-Key", KeyTTL: 30 * time.Minute,
		Catalogue: parsed,
	}
}

// atShop returns the configuration of an engine that calls a shop.
func atShop(url string) engine.Config {
	return engine.Config{
		Apps: []*bindings.App{newShopApp()}, Listen: "127.0.0.1:0", Grace: maxWait,
		Connections: []connection.Settings{{
			Name: "shop", Account: "shop-1", BaseURL: url, Credentials: map[string]string{"token": sandbox.Token}, WebhookSecret: secret,
		}},
	}
}

// shopRequest is one request to the shop.
type shopRequest struct {
	tag, path, key string
	from, to       time.Time
	status         int
	engine         int // number of the engine process that sent it
}

// shop is the app's server: the sandbox, behind a server that records the times of
// each request.
type shop struct {
	apps    *sandbox.Sandbox
	server  *httptest.Server
	mu      sync.Mutex
	all     []shopRequest
	engines int // engine processes so far
	lost    int // requests whose engine had been killed before the answer
	// maxDelay is the longest delay of a request, partly before it is done and
	// partly after.
	maxDelay time.Duration
}

func openShop(t testing.TB, maxDelay time.Duration) *shop {
	t.Helper()
	apps, err := sandbox.New(sandbox.Config{Apps: []*bindings.App{newShopApp()}, Seed: 1})
	must(t, err)
	s := &shop{apps: apps, maxDelay: maxDelay}
	s.server = httptest.NewServer(s)
	t.Cleanup(func() {
		s.server.Close()
		must(t, apps.Close())
	})
	return s
}

func (s *shop) url() string { return s.server.URL + "/shop" }

// nextEngine returns the address for another engine process. The shop records the
// process with each request, as one may arrive late from an engine that was killed.
func (s *shop) nextEngine() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.engines++
	return fmt.Sprintf("%s/%d/shop", s.server.URL, s.engines)
}

// lostRequests returns how many requests had an engine that was killed before the
// answer.
func (s *shop) lostRequests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lost
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	one := shopRequest{from: time.Now(), key: r.Header.Get("X-Shop-Key"), tag: r.URL.Query().Get("tag")}
	if lifetime, path, _ := strings.Cut(r.URL.Path[1:], "/"); lifetime != "shop" {
		one.engine, _ = strconv.Atoi(lifetime)
		r.URL.Path = "/" + path
	}
	one.path = r.URL.Path
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the request is incomplete, and is not done
	}
	if one.tag == "" {
		one.tag = gjson.GetBytes(body, "tag").String()
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.delay()
	answer := httptest.NewRecorder()
	s.apps.Handler().ServeHTTP(answer, r)
	s.delay()
	one.to, one.status = time.Now(), answer.Code
	s.mu.Lock()
	s.all = append(s.all, one)
	if r.Context().Err() != nil {
		s.lost++
	}
	s.mu.Unlock()
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(answer.Body.Len()))
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

func (s *shop) delay() {
	if s.maxDelay > 0 {
		<-time.After(rand.N(s.maxDelay / 2))
	}
}

// requestsByTag returns all requests so far, by tag.
func (s *shop) requestsByTag() map[string][]shopRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	byTag := map[string][]shopRequest{}
	for _, one := range s.all {
		byTag[one.tag] = append(byTag[one.tag], one)
	}
	return byTag
}

// order is a webhook of the shop.
type order struct {
	id, kind, name, customer string
	n                        int
}

// request returns the body and header of the webhook, signed at the present time.
func (o order) request(t testing.TB) (string, http.Header) {
	t.Helper()
	body := fmt.Sprintf(`{"id":%q,"type":%q,"data":{"id":%q,"customer":%q,"n":%d}}`, o.id, o.kind, o.name, o.customer, o.n)
	header, err := shopSignature.Sign(secret, o.id, time.Now(), []byte(body))
	must(t, err)
	header.Set("Content-Type", "application/json")
	return body, header
}
