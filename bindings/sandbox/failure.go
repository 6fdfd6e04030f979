package sandbox

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// Failure is a refusal before it is written in the vendor's shape.
type Failure struct {
	Status   int
	Kind     bindings.ErrorKind
	Code     string // the vendor's, if the rules name one
	Message  string
	Problems []Problem
	Extra    Object // fields besides the message
	Header   http.Header
}

// NotFound refuses a request for a record that does not exist.
func (a *App) NotFound(noun, id string) *Failure {
	return &Failure{Status: http.StatusNotFound, Kind: bindings.NotFound, Code: noun + "_not_found",
		Message: fmt.Sprintf("%s with id %s not found", noun, id)}
}

func (a *App) invalid(found []Problem) *Failure {
	return &Failure{Status: a.rules.InvalidStatus, Kind: bindings.Invalid, Message: problems(found), Problems: found}
}

func (a *App) unreadable(message string) *Failure {
	return &Failure{Status: http.StatusBadRequest, Kind: bindings.Invalid, Message: message}
}

// refuse writes a failure in the vendor's shape: message and code at the paths of
// App.Errors, completed by the app's rules.
func (a *App) refuse(f *Failure, trace string) Reply {
	var body any = Object{}
	e := a.Def.Errors
	code := f.Code
	if code == "" {
		code = a.code(f.Kind)
	}
	if len(e.Message) > 0 {
		body = place(body, e.Message[0], f.Message)
	}
	if len(e.Code) > 0 && Lookup(body, e.Code[0]) == nil {
		body = place(body, e.Code[0], code)
	}
	if len(e.Message) == 0 && len(e.Code) == 0 {
		body = Object{"error": f.Message}
	}
	out := Reply{Status: f.Status, Header: http.Header{}}
	if e.OK != "" {
		body = place(body, e.OK, false)
		if f.Status < 429 {
			out.Status = http.StatusOK
		}
	}
	whole, isObject := body.(Object)
	if isObject {
		for name, v := range f.Extra {
			whole[name] = v
		}
		if a.rules.Fail != nil {
			if status := a.rules.Fail(f, whole); status != 0 {
				out.Status = status
			}
		}
	}
	for name, values := range f.Header {
		out.Header[name] = values
	}
	for _, name := range e.RequestID {
		out.Header.Set(name, trace)
	}
	out.Header.Set("Content-Type", "application/json; charset=utf-8")
	out.Body = Encode(body)
	return out
}

// code returns the vendor's word for a kind of failure, else ours.
func (a *App) code(kind bindings.ErrorKind) string {
	for _, code := range slices.Sorted(maps.Keys(a.Def.Errors.Kinds)) {
		if a.Def.Errors.Kinds[code] == kind {
			return code
		}
	}
	return strings.ReplaceAll(string(kind), " ", "_")
}
