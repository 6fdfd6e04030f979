package highlevel

import (
	_ "embed"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// The vendor's public keys: of its present signature, and of the one that it
// sent until July 2026.
var (
	//go:embed ed25519.pem
	ed25519Key string
	//go:embed rsa.pem
	rsaKey string
)

func webhook() *bindings.Webhook {
	return &bindings.Webhook{
		// Only the first that a webhook has is checked.
		Signatures: []bindings.Signature{
			{
				Name:      "ed25519",
				Algorithm: bindings.Ed25519,
				Encoding:  bindings.Base64,
				Header:    "X-GHL-Signature",
				Value:     "{signature}",
				Signed:    "{body}",
				Key:       ed25519Key,
				None:      []string{"N/A"},
			},
			{
				Name:      "rsa",
				Algorithm: bindings.RSASHA256,
				Encoding:  bindings.Base64,
				Header:    "X-WH-Signature",
				Value:     "{signature}",
				Signed:    "{body}",
				Key:       rsaKey,
				None:      []string{"N/A"},
				OptIn:     true,
			},
		},
		// Both keys are the vendor's, for the apps of everybody. A client id is the
		// id of the app, a hyphen and a suffix: the vendor's own Python client
		// (highlevel-api-python, webhook_manager.py) compares appId so.
		SharedKey: new(true),
		AppID:     &bindings.AppID{Path: "appId", End: "-"},
		// The vendor sends the same body again, six times over about 70
		// minutes (its help centre: "Automated Webhook Retries"), so with its own
		// advice of five minutes its repeats would be refused. A day allows for
		// delays in its queues; repeats are found by their ids.
		MaxAge:        24 * time.Hour,
		Time:          "timestamp",
		At:            "timestamp",
		ID:            "webhookId",
		Type:          "type",
		RetryStatus:   429,
		InstallEvents: []string{"INSTALL", "UNINSTALL", "PLAN_CHANGE"},

		Installed:   []string{"INSTALL"},
		Uninstalled: []string{"UNINSTALL"},
	}
}
