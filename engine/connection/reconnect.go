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

// reconnect requests a code with the client's own credentials, and exchanges it
// for tokens.
func (a *tokenClient) reconnect(ctx context.Context) (TokenResponse, error) {
	by := a.oauth.Reconnect
	fields := by.Fields
	if a.isParent {
		fields = by.ParentFields
	}
	values := strings.NewReplacer("{client_id}", a.conf.ClientID, "{client_secret}", a.conf.ClientSecret, "{account}", a.account)
	sent := map[string]string{}
	for name, value := range fields {
		sent[name] = values.Replace(value)
	}
	body, err := json.Marshal(sent)
	if err != nil {
		return TokenResponse{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.baseURL+by.URL, bytes.NewReader(body))
	if err != nil {
		return TokenResponse{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	wire := &tokenTransport{headers: a.headers}
	answer, err := newTokenHTTPClient(a.http, wire).Do(request)
	if err != nil {
		return TokenResponse{}, fmt.Errorf("%s: %s", request.URL.Host, a.redact(withoutURL(err)))
	}
	answer.Body.Close()
	code := gjson.GetBytes(wire.answer, by.Code).String()
	if answer.StatusCode > 299 || code == "" {
		reason := firstText(wire.answer, a.app.Errors.Message)
		return TokenResponse{}, fmt.Errorf("%s answered %d %s", request.URL.Host, answer.StatusCode, a.redact(oneLine(reason)))
	}
	return a.exchange(ctx, code, "", "")
}
