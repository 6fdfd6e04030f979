package sandbox

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// fitter converts stored values to declared types, and adds the smallest value of
// a type if something required is missing.
type fitter struct {
	checker
	now time.Time
}

// record returns a copy of fields in which all declared fields have their type and
// all required ones exist. Fields that are not declared stay: vendors send more
// than they document.
func (f fitter) record(t *bindings.Type, fields Object) any {
	v := f.fit(t, fields, 0)
	if _, isObject := v.(Object); !isObject {
		return Clone(fields)
	}
	return v
}

func (f fitter) fit(t *bindings.Type, v any, depth int) any {
	if t == nil || depth > maxDepth {
		return Clone(v)
	}
	resolved, definition := f.catalogue.Resolve(t)
	switch resolved.Kind {
	case bindings.Union:
		return f.fitUnion(&resolved, v, depth)
	case bindings.List:
		list, isList := v.([]any)
		if !isList {
			return []any{}
		}
		out := make([]any, 0, len(list))
		for _, e := range list {
			out = append(out, f.fit(resolved.Items, e, depth+1))
		}
		return out
	case bindings.Object, bindings.Map:
		at, isObject := v.(Object)
		if definition == nil && resolved.Kind == bindings.Object && v != nil {
			return Clone(v)
		}
		if !isObject {
			at = Object{}
		}
		if definition == nil {
			return Clone(at)
		}
		return f.fitObject(definition, at, depth)
	}
	if scalar(resolved, v) == "" {
		return Clone(v)
	}
	if converted, ok := convert(resolved, v); ok {
		return converted
	}
	return f.least(&resolved, depth)
}

func (f fitter) fitUnion(t *bindings.Type, v any, depth int) any {
	for i := range t.OneOf {
		if len(f.value(&t.OneOf[i], v, "", depth)) == 0 {
			return Clone(v)
		}
	}
	if len(t.OneOf) == 0 {
		return Clone(v)
	}
	return f.fit(&t.OneOf[0], v, depth+1)
}

func (f fitter) fitObject(d *bindings.Definition, at Object, depth int) Object {
	out := make(Object, len(at))
	for name, v := range at {
		if v == nil {
			continue
		}
		field := fieldOf(d, name)
		switch {
		case field == nil:
			out[name] = Clone(v)
		case len(f.value(&field.Type, v, name, depth)) == 0:
			out[name] = Clone(v)
		default:
			fitted := f.fit(&field.Type, v, depth+1)
			if field.Required || !f.zero(fitted) {
				out[name] = fitted
			}
		}
	}
	for i := range d.Fields {
		field := &d.Fields[i]
		if _, there := out[field.Name]; field.Required && !there {
			out[field.Name] = f.required(field.Name, f.least(&field.Type, depth+1))
		}
	}
	return out
}

// zero reports whether a value is empty, so that an optional field is left out.
func (f fitter) zero(v any) bool {
	switch v := v.(type) {
	case string:
		return v == ""
	case json.Number:
		return v == "0"
	case bool:
		return !v
	case []any:
		return len(v) == 0
	case Object:
		return len(v) == 0
	}
	return v == nil
}

// required returns a value for a required field: v, or the time if v is empty and
// the field's name is that of a time.
func (f fitter) required(name string, v any) any {
	if v != "" {
		return v
	}
	folded := Fold(name)
	for _, ending := range []string{"at", "date", "dateadded", "dateupdated", "time", "timestamp"} {
		if strings.HasSuffix(folded, ending) {
			return FormatTime(f.now)
		}
	}
	return v
}

// least returns the smallest value of a type.
func (f fitter) least(t *bindings.Type, depth int) any {
	if t == nil || depth > maxDepth {
		return Object{}
	}
	resolved, definition := f.catalogue.Resolve(t)
	switch resolved.Kind {
	case bindings.String, bindings.File:
		return ""
	case bindings.Number, bindings.Integer:
		return json.Number("0")
	case bindings.Int64, bindings.Decimal:
		return "0"
	case bindings.Boolean:
		return false
	case bindings.List:
		return []any{}
	case bindings.Enum:
		if v, err := Decode([]byte(resolved.Values[0])); err == nil {
			return v
		}
	case bindings.Union:
		return f.least(&resolved.OneOf[0], depth+1)
	}
	if definition != nil {
		return f.fitObject(definition, Object{}, depth+1)
	}
	return Object{}
}

// convert changes the notation of a value: a time to milliseconds, a number to
// text.
func convert(t bindings.Type, v any) (any, bool) {
	switch t.Kind {
	case bindings.String:
		switch v := v.(type) {
		case json.Number, bool:
			return Text(v), true
		}
	case bindings.Number, bindings.Integer:
		s, isText := v.(string)
		if !isText {
			return nil, false
		}
		if _, err := strconv.ParseFloat(s, 64); err == nil && decimal(s) && (t.Kind == bindings.Number || whole(s)) {
			return json.Number(canonical(s)), true
		}
		if at, err := time.Parse(time.RFC3339, s); err == nil {
			return Number(at.UnixMilli()), true
		}
	case bindings.Boolean:
		switch v {
		case "true":
			return true, true
		case "false":
			return false, true
		}
	}
	return nil, false
}

// canonical writes a number as JSON requires: "+5" and "05" are not JSON.
func canonical(s string) string {
	if json.Valid([]byte(s)) {
		return s
	}
	f, _ := strconv.ParseFloat(s, 64)
	return strconv.FormatFloat(f, 'f', -1, 64)
}
