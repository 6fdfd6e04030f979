package highlevel

import (
	_ "embed"
	"fmt"
	"sync"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

var (
	//go:embed catalogue.txt
	catalogue []byte
	//go:embed v3/catalogue.txt
	catalogueV3 []byte
)

// App describes HighLevel. Every call returns the same App.
var App = sync.OnceValue(func() *bindings.App {
	parsed, err := bindings.ParseCatalogue(catalogue)
	if err != nil {
		panic(fmt.Sprintf("highlevel: %v", err)) // made by cmd/catalog and read by a test
	}
	v3, err := bindings.ParseEdition("v3", catalogueV3)
	if err != nil {
		panic(fmt.Sprintf("highlevel.v3: %v", err))
	}
	return &bindings.App{
		Name:          "highlevel",
		Title:         "HighLevel",
		BaseURL:       "https://services.leadconnectorhq.com",
		Docs:          "https://marketplace.gohighlevel.com/docs/",
		Auth:          authorization(),
		Variants:      variants(),
		Test:          test(),
		Account:       account(),
		Errors:        problems(),
		Limits:        limits(),
		Webhook:       webhook(),
		Polls:         polls(),
		Subscriptions: subscriptions(),
		Echo:          echo(),
		Catalogue:     parsed,
		Editions:      []bindings.Edition{v3},
	}
})

func account() bindings.Account {
	return bindings.Account{
		Noun: "location",
		// Invoices and orders call it altId, with an altType beside it.
		Paths:  []string{"locationId", "altId"},
		Parent: "companyId",
	}
}

func problems() bindings.Errors {
	return bindings.Errors{
		// A text, or for a refused body a list with one text a field; the lists
		// of installed locations in v3 put both into an object.
		Message:   []string{"message", "msg", "error_description", "error.message", "error"},
		Code:      []string{"code", "error.code", "error"},
		RequestID: []string{"Cf-Ray"},
		Trace:     []string{"traceId"},
		Remaining: "X-RateLimit-Remaining",
		Interval:  "X-RateLimit-Interval-Milliseconds",
	}
}

func limits() []bindings.Limit {
	return []bindings.Limit{
		{Requests: 100, Per: 10 * time.Second, Scope: bindings.PerConnection},
		{Requests: 200_000, Per: 24 * time.Hour, Scope: bindings.PerConnection},
	}
}
