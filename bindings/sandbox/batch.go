package sandbox

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// maxBatch is the highest number of requests in a batch.
const maxBatch = 20

// batch performs the requests of a batch, each as if it were sent alone, and answers
// with their answers.
func (a *App) batch(w http.ResponseWriter, h *http.Request, raw []byte) {
	body, err := Decode(raw)
	requests, _ := Lookup(body, "requests").([]any)
	if h.Method != http.MethodPost || err != nil || len(requests) == 0 || len(requests) > maxBatch {
		entry := Request{Time: a.sandbox.now(), App: a.Def.Name, Method: h.Method, Path: h.URL.Path}
		failed := &Failure{Status: http.StatusBadRequest, Kind: bindings.Invalid, Message: "expected 1 to 20 requests"}
		a.finish(w, &entry, a.refuse(failed, a.trace()), "")
		return
	}
	statuses := map[string]int{}
	answers := []any{}
	for _, one := range requests {
		id := Text(Lookup(one, "id"))
		answer, status := Object{}, http.StatusFailedDependency
		if !dependsOnFailed(one, statuses) {
			answer, status = a.batched(h, one)
		}
		answer["id"], answer["status"], statuses[id] = id, Count(status), status
		answers = append(answers, answer)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(Encode(Object{"responses": answers}))
}

// dependsOnFailed reports whether a request depends on one that did not succeed.
func dependsOnFailed(one any, statuses map[string]int) bool {
	needs, _ := Lookup(one, "dependsOn").([]any)
	for _, id := range needs {
		if status := statuses[Text(id)]; status < 200 || status > 299 {
			return true
		}
	}
	return false
}

// batched performs one request of a batch.
func (a *App) batched(whole *http.Request, one any) (Object, int) {
	body := Encode(Lookup(one, "body"))
	if Lookup(one, "body") == nil {
		body = nil
	}
	path := "/" + strings.TrimPrefix(Text(Lookup(one, "url")), "/")
	h, err := http.NewRequestWithContext(whole.Context(), Text(Lookup(one, "method")), a.base+path, bytes.NewReader(body))
	if err != nil {
		return Object{}, http.StatusBadRequest
	}
	h.Host, h.TLS = whole.Host, whole.TLS
	h.Header.Set("Authorization", whole.Header.Get("Authorization"))
	headers, _ := Lookup(one, "headers").(Object)
	for name, v := range headers {
		h.Header.Set(name, Text(v))
	}
	answered := &batchWriter{header: http.Header{}, status: http.StatusOK}
	a.ServeHTTP(answered, h)
	answer := Object{"headers": Object{"Content-Type": answered.header.Get("Content-Type")}}
	if v, err := Decode(answered.body.Bytes()); err == nil && answered.body.Len() > 0 {
		answer["body"] = v
	}
	return answer, answered.status
}

// batchWriter collects one answer of a batch.
type batchWriter struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *batchWriter) Header() http.Header            { return w.header }
func (w *batchWriter) WriteHeader(status int)         { w.status = status }
func (w *batchWriter) Write(text []byte) (int, error) { return w.body.Write(text) }
