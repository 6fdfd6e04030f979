package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEmptySecrets: a secret without a value is an error that names where the value
// should have come from. What is no secret may be empty.
func TestEmptySecrets(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"empty": "", "line": "\n", "blank": " \t\n", "good": "value\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	environ := []string{"EMPTY=", "BLANK= \t", "GOOD=value"}
	for _, c := range []struct {
		file    string
		environ []string
		want    string // the end of the problem, without one none
	}{
		{"secrets: { a: '${EMPTY}' }", nil, "secrets.a: the variable EMPTY is empty; a secret needs a value"},
		{"secrets: { a: '${BLANK}' }", nil, "secrets.a: the variable BLANK is empty; a secret needs a value"},
		{"secrets: { a: '${EMPTY}${BLANK}' }", nil, "secrets.a: the variables EMPTY and BLANK are empty; a secret needs a value"},
		{"secrets: { a: '${EMPTY}${GOOD}' }", nil, ""},
		{"secrets: { a: '${GOOD}', b: 'file:good' }", nil, ""},
		{"secrets: { a: 'file:empty' }", nil, "secrets.a: the file " + filepath.Join(dir, "empty") + " is empty; a secret needs a value"},
		{"secrets: { a: 'file:line' }", nil, "line is empty; a secret needs a value"},
		{"secrets: { a: 'file:blank' }", nil, "blank is empty; a secret needs a value"},
		{"secrets: { a: '' }", nil, "secrets.a: it is empty; a secret needs a value"},
		{"secrets: { a: }", nil, ""}, // nothing is not set
		{"", []string{"TIDEWIRE_SECRETS__A=  "}, "TIDEWIRE_SECRETS__A (secrets.a): it is empty; a secret needs a value"},
		{"secrets: { a: '${GOOD}' }", []string{"TIDEWIRE_SECRETS__A="}, "TIDEWIRE_SECRETS__A (secrets.a): it is empty; a secret needs a value"},
		{"", []string{"TIDEWIRE_VAULT_KEY="}, "TIDEWIRE_VAULT_KEY (vault_key): it is empty; a secret needs a value"},
		{"", []string{"TIDEWIRE_CONNECTIONS__CRM__ACCOUNT="}, ""},
		{"", []string{"TIDEWIRE_VAULT_KEY=  "}, "TIDEWIRE_VAULT_KEY (vault_key): it is empty; a secret needs a value"},
		{"vault_key: '${EMPTY}'", nil, "vault_key: the variable EMPTY is empty; a secret needs a value"},
		{"vault_key: file:empty", nil, "empty is empty; a secret needs a value"},
		{"vault_key: keyring", nil, ""},
		{"connections: { crm: { webhook_secret: '${EMPTY}' } }", nil, "connections.crm.webhook_secret: the variable EMPTY is empty; a secret needs a value"},
		{"connections: { crm: { webhook_secret: ' ' } }", nil, "connections.crm.webhook_secret: it is empty; a secret needs a value"},
		{"connections: { crm: { webhook_secret: } }", nil, ""},
		{"connections: { crm: { token: '${BLANK}' } }", nil, "connections.crm.token: the variable BLANK is empty; a secret needs a value"},
		{"connections: { crm: { token: '${BLANK}' } }", []string{"TIDEWIRE_CONNECTIONS__CRM__TOKEN=x"}, ""},
		{"connections: { crm: { account: '${EMPTY}' } }", nil, ""},
	} {
		f, err := parse("f.yaml", []byte(c.file), Sources{Dir: dir, Environ: append(c.environ, environ...)})
		if err != nil {
			t.Fatal(err)
		}
		f.fill(testRules)
		got := ""
		if err := Join(f.Problems); err != nil {
			got = err.Error()
		}
		if (got == "") != (c.want == "") || !strings.HasSuffix(got, c.want) {
			t.Errorf("%s %v: got %q, want %q", c.file, c.environ, got, c.want)
		}
	}
}
