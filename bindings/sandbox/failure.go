package sandbox

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// failure is a refusal before it has the vendor's shape.
type failure struct {
	status   int
	kind     bindings.ErrorKind
	code     string // the vendor's, where a table names one
	message  string
	problems []problem
	extra    object // beside the message
	header   http.Header
}

func (a *app) notFound(noun, id string) *failure {
	return &failure{status: http.StatusNotFound, kind: bindings.NotFound, code: noun + "_not_found",
		message: fmt.Sprintf("%s with id %s not found", noun, id)}
}

func (a *app) invalid(found []problem) *failure {
	return &failure{status: a.rules.invalid, kind: bindings.Invalid, message: problems(found), problems: found}
}

func (a *app) unreadable(message string) *failure {
	return &failure{status: http.StatusBadRequest, kind: bindings.Invalid, message: message}
}

// refuse writes a failure in the vendor's shape: where App.Errors says that
// message and code stand, completed by the app's table.
func (a *app) refuse(f *failure, trace string) reply {
	var body any = object{}
	e := a.def.Errors
	code := f.code
	if code == "" {
		code = a.code(f.kind)
	}
	if len(e.Message) > 0 {
		body = place(body, e.Message[0], f.message)
	}
	if len(e.Code) > 0 && lookup(body, e.Code[0]) == nil {
		body = place(body, e.Code[0], code)
	}
	if len(e.Message) == 0 && len(e.Code) == 0 {
		body = object{"error": f.message}
	}
	out := reply{status: f.status, header: http.Header{}}
	if e.OK != "" {
		body = place(body, e.OK, false)
		if f.status < 429 {
			out.status = http.StatusOK
		}
	}
	whole, isObject := body.(object)
	if isObject {
		for name, v := range f.extra {
			whole[name] = v
		}
		if a.rules.fail != nil {
			if status := a.rules.fail(f, whole); status != 0 {
				out.status = status
			}
		}
	}
	for name, values := range f.header {
		out.header[name] = values
	}
	for _, name := range e.RequestID {
		out.header.Set(name, trace)
	}
	out.header.Set("Content-Type", "application/json; charset=utf-8")
	out.body = encode(body)
	return out
}

// code gives the vendor's word for a kind of failure, else ours.
func (a *app) code(kind bindings.ErrorKind) string {
	for _, code := range sorted(a.def.Errors.Kinds) {
		if a.def.Errors.Kinds[code] == kind {
			return code
		}
	}
	return strings.ReplaceAll(string(kind), " ", "_")
}
