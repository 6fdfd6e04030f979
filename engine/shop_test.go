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

// The shop is an app with one operation of each kind of safety and without
// rate limits, so that a test can ask a lot of it. Whatever is called carries
// a tag, by which the test knows the call again at the shop and in the journal.
const shopCatalogue = `operation look.now {"id":"look","method":"GET","path":"/look","in_query":["tag!: string"]}
operation items.save {"id":"saveItem","method":"POST","path":"/items","body":{"encoding":"json","type":"#Tagged","required":true},"idempotent":"the same tag gives the same item"}
operation orders.pay {"id":"payOrder","method":"POST","path":"/orders","body":{"encoding":"json","type":"#Tagged","required":true}}
operation transfers.make {"id":"makeTransfer","method":"POST","path":"/transfers","in_header":["\"X-Shop-Key\": string"],"body":{"encoding":"json","type":"#Tagged","required":true},"key":true}
type Tagged {"fields":["tag!: string","note: string"]}
type Order {"fields":["id: string","customer: string","n: integer"]}
trigger shop.order.created {"vendor":"order.created","record":"customer","data":"#Order"}
trigger shop.order.confirmed {"vendor":"order.confirmed","record":"customer","data":"#Order"}
`

// What the operations of the shop promise about a second sending.
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

// atShop is the configuration of an engine that works with a shop.
func atShop(url string) engine.Config {
	return engine.Config{
		Apps: []*bindings.App{newShopApp()}, Listen: "127.0.0.1:0", Grace: patience,
		Connections: []connection.Settings{{
			Name: "shop", Account: "shop-1", BaseURL: url, Credentials: map[string]string{"token": sandbox.Token}, WebhookSecret: secret,
		}},
	}
}

// asked is one request as the shop saw it.
type asked struct {
	tag, path, key string
	from, to       time.Time
	status         int
	life           int // of the engine that asked
}

// shop is the app at work: the sandbox, which counts, behind a door that notes
// when each request came and went.
type shop struct {
	apps *sandbox.Sandbox
	door *httptest.Server
	mu   sync.Mutex
	all  []asked
	life int // begun last
	lost int // requests whose engine had died when they were answered
	// slow is the longest that a request takes, a part of it before it is done
	// and a part after.
	slow time.Duration
}

func openShop(t testing.TB, slow time.Duration) *shop {
	t.Helper()
	apps, err := sandbox.New(sandbox.Config{Apps: []*bindings.App{newShopApp()}, Seed: 1})
	must(t, err)
	s := &shop{apps: apps, slow: slow}
	s.door = httptest.NewServer(s)
	t.Cleanup(func() {
		s.door.Close()
		must(t, apps.Close())
	})
	return s
}

func (s *shop) url() string { return s.door.URL + "/shop" }

// nextLife is the address for another life of the engine, by which the shop
// knows whose requests are whose: one may come late from an engine that was
// killed.
func (s *shop) nextLife() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.life++
	return fmt.Sprintf("%s/%d/shop", s.door.URL, s.life)
}

// cutOff is how many requests had lost their engine when they were answered.
func (s *shop) cutOff() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lost
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	one := asked{from: time.Now(), key: r.Header.Get("X-Shop-Key"), tag: r.URL.Query().Get("tag")}
	if life, path, _ := strings.Cut(r.URL.Path[1:], "/"); life != "shop" {
		one.life, _ = strconv.Atoi(life)
		r.URL.Path = "/" + path
	}
	one.path = r.URL.Path
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // cut off before it was whole: nothing is done
	}
	if one.tag == "" {
		one.tag = gjson.GetBytes(body, "tag").String()
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.dawdle()
	answer := httptest.NewRecorder()
	s.apps.Handler().ServeHTTP(answer, r)
	s.dawdle()
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

func (s *shop) dawdle() {
	if s.slow > 0 {
		<-time.After(rand.N(s.slow / 2))
	}
}

// heard gives all requests so far, by tag.
func (s *shop) heard() map[string][]asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	byTag := map[string][]asked{}
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

// body and header of the webhook, signed now.
func (o order) request(t testing.TB) (string, http.Header) {
	t.Helper()
	body := fmt.Sprintf(`{"id":%q,"type":%q,"data":{"id":%q,"customer":%q,"n":%d}}`, o.id, o.kind, o.name, o.customer, o.n)
	header, err := shopSignature.Sign(secret, o.id, time.Now(), []byte(body))
	must(t, err)
	header.Set("Content-Type", "application/json")
	return body, header
}
