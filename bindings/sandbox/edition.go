package sandbox

import (
	"maps"
	"net/http"
	"slices"

	"github.com/tidewire/tidewire/bindings"
)

// chooseEdition finds the edition that a request is for: the one whose fixed
// headers it has, and of several those with the most fixed headers. If two have
// the same ones, as HighLevel's ads do, it is the first that declares all
// arguments of the request.
func (a *App) chooseEdition(matches []match, h *http.Request, raw []byte) match {
	if len(matches) == 0 {
		return match{}
	}
	var fit []match
	for _, m := range matches {
		if (&Call{App: a, plan: m.plan, HTTP: h}).checkFixed() != nil {
			continue
		}
		fixedCount := 0
		if len(fit) > 0 {
			fixedCount = len(fit[0].plan.op.Fixed)
		}
		switch fixed := len(m.plan.op.Fixed); {
		case fixed > fixedCount:
			fit = []match{m}
		case fixed == fixedCount:
			fit = append(fit, m)
		}
	}
	if len(fit) == 0 {
		return matches[0] // the answer then reports which headers are missing
	}
	for _, m := range fit {
		if len(fit) > 1 && a.request(m, h, raw).decode(true) == nil {
			return m
		}
	}
	return fit[0]
}

// respell writes the fields of an answer as the operation declares them:
// access_token is accessToken in HighLevel's v3.
func (p *plan) respell(out Reply) Reply {
	if p == nil || p.op.Answer == nil {
		return out
	}
	v, err := Decode(out.Body)
	at, isObject := v.(Object)
	if err != nil || !isObject || out.Status >= http.StatusMultipleChoices {
		return out
	}
	respell(checker{p.types.Catalogue, false}, p.op.Answer, at, 0)
	out.Body = Encode(at)
	return out
}

// respell renames fields that the type declares in another spelling, at any depth.
// Records are stored as the edition that created them wrote them.
func respell(c checker, t *bindings.Type, v any, depth int) {
	if t == nil || depth > maxDepth {
		return
	}
	resolved, d := c.catalogue.Resolve(t)
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			respell(c, resolved.Items, item, depth+1)
		}
	case Object:
		if d == nil {
			return
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			f := fieldOf(d, name)
			if f == nil {
				f = spelledLike(d, name, v)
			}
			if f == nil {
				continue
			}
			if f.Name != name {
				v[f.Name] = v[name]
				delete(v, name)
			}
			respell(c, &f.Type, v[f.Name], depth+1)
		}
	}
}

// spelledLike finds a declared field that the object does not have and whose name
// differs from name in case and separators only.
func spelledLike(d *bindings.Definition, name string, there Object) *bindings.Field {
	name = Fold(name)
	i := slices.IndexFunc(d.Fields, func(f bindings.Field) bool { return there[f.Name] == nil && Fold(f.Name) == name })
	if i < 0 {
		return nil
	}
	return &d.Fields[i]
}
