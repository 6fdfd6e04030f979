package connection

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/tidwall/gjson"
)

// reconnect asks with the client's own credentials for a code, and exchanges
// it for tokens.
func (a *asker) reconnect(ctx context.Context) (Grant, error) {
	by := a.oauth.Reconnect
	fields := by.Fields
	if a.parental {
		fields = by.ParentFields
	}
	words := strings.NewReplacer("{client_id}", a.conf.ClientID, "{client_secret}", a.conf.ClientSecret, "{account}", a.account)
	sent := map[string]string{}
	for name, value := range fields {
		sent[name] = words.Replace(value)
	}
	body, err := json.Marshal(sent)
	if err != nil {
		return Grant{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.base+by.URL, bytes.NewReader(body))
	if err != nil {
		return Grant{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	wire := &tokenTransport{headers: a.headers}
	answer, err := tokenClient(a.http, wire).Do(request)
	if err != nil {
		return Grant{}, fmt.Errorf("%s: %s", request.URL.Host, a.redact(plain(err)))
	}
	answer.Body.Close()
	code := gjson.GetBytes(wire.answer, by.Code).String()
	if answer.StatusCode > 299 || code == "" {
		said := firstText(wire.answer, a.app.Errors.Message)
		return Grant{}, fmt.Errorf("%s answered %d %s", request.URL.Host, answer.StatusCode, a.redact(oneLine(said)))
	}
	return a.exchange(ctx, code, "", "")
}
