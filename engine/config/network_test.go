package config

import (
	"fmt"
	"strings"
	"testing"
)

// TestTrustedProxies: the networks of proxies are read as addresses or networks.
func TestTrustedProxies(t *testing.T) {
	for text, want := range map[string]string{
		"trusted_proxies: [10.0.0.0/8, 192.0.2.7]":         "[10.0.0.0/8 192.0.2.7/32]",
		"trusted_proxies: 127.0.0.1, ::1":                  "[127.0.0.1/32 ::1/128]",
		"trusted_proxies: [10.1.2.3/8]":                    "[10.0.0.0/8]",
		"trusted_proxies: ['::ffff:192.0.2.7', fe80::/10]": "[192.0.2.7/32 fe80::/10]",
		"trusted_proxies: '::ffff:10.0.0.0/104'":           "[10.0.0.0/8]",
		"trusted_proxies:":                                 "[]",
		"trusted_proxies: [proxy.example]":                 "f.yaml:1: trusted_proxies: found a list, expected a list of addresses or networks such as 10.0.0.0/8",
		"trusted_proxies: 10.0.0.0/33":                     `f.yaml:1: trusted_proxies: found "10.0.0.0/33", expected a list of addresses`,
	} {
		f, err := parse("f.yaml", []byte(text), Sources{})
		if err != nil {
			t.Fatal(err)
		}
		f.fill(testRules)
		got := fmt.Sprint(f.Settings.TrustedProxies)
		if err := Join(f.Problems); err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}
