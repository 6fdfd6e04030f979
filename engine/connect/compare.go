package connect

import (
	"regexp"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/control"
)

// maxCompareDepth bounds how deep an answer is compared; types may refer to
// themselves. maxItemsCompared bounds the items of a list that are compared.
const (
	maxCompareDepth  = 12
	maxItemsCompared = 20
)

// comparison finds where an answer differs from its declared type. It has names
// of fields and types, and no values.
type comparison struct {
	catalogue *bindings.Catalogue

	unknown, missing []string
	other            []control.OtherType
}

func (c *comparison) size() int { return len(c.unknown) + len(c.missing) + len(c.other) }

// value compares a value with its declared type. Path names the value: "items[].name".
func (c *comparison) value(path string, v gjson.Result, declared *bindings.Type, depth int) {
	if v.Type == gjson.Null || depth > maxCompareDepth {
		return
	}
	t, definition := c.catalogue.Resolve(declared)
	if t.Kind == bindings.Union {
		c.union(path, v, &t, depth)
		return
	}
	if !fits(&t, v) {
		c.addOther(path, declaredText(&t, declared), v)
		return
	}
	switch {
	case t.Kind == bindings.List:
		for i, item := range v.Array() {
			if i == maxItemsCompared {
				break
			}
			c.value(path+"[]", item, t.Items, depth+1)
		}
	case t.Kind == bindings.Map:
		v.ForEach(func(_, entry gjson.Result) bool {
			c.value(path+".*", entry, t.Items, depth+1)
			return true
		})
	case definition != nil:
		c.object(path, v, definition, depth)
	}
}

func (c *comparison) object(path string, v gjson.Result, d *bindings.Definition, depth int) {
	for i := range d.Fields {
		f := &d.Fields[i]
		at := strings.TrimPrefix(path+"."+f.Name, ".")
		field := v.Get(gjson.Escape(f.Name))
		if f.Required && !field.Exists() {
			c.missing = addOnce(c.missing, at)
		}
		c.value(at, field, &f.Type, depth+1)
	}
	if d.Open || len(d.Fields) == 0 {
		return
	}
	v.ForEach(func(key, _ gjson.Result) bool {
		if !slices.ContainsFunc(d.Fields, func(f bindings.Field) bool { return f.Name == key.Str }) {
			c.unknown = addOnce(c.unknown, strings.TrimPrefix(path+"."+publicName(key.Str), "."))
		}
		return true
	})
}

// union compares with the alternative that fits best.
func (c *comparison) union(path string, v gjson.Result, t *bindings.Type, depth int) {
	var best *comparison
	for i := range t.OneOf {
		one := &comparison{catalogue: c.catalogue}
		one.value(path, v, &t.OneOf[i], depth+1)
		if best == nil || one.size() < best.size() {
			best = one
		}
	}
	if best == nil {
		return
	}
	if slices.ContainsFunc(best.other, func(o control.OtherType) bool { return o.Field == path }) {
		c.addOther(path, t.String(), v) // none has this kind of value
		return
	}
	for _, at := range best.unknown {
		c.unknown = addOnce(c.unknown, at)
	}
	for _, at := range best.missing {
		c.missing = addOnce(c.missing, at)
	}
	for _, o := range best.other {
		if !slices.Contains(c.other, o) {
			c.other = append(c.other, o)
		}
	}
}

func (c *comparison) addOther(path, declared string, v gjson.Result) {
	o := control.OtherType{Field: path, Declared: declared, Found: kindOf(v)}
	if !slices.Contains(c.other, o) {
		c.other = append(c.other, o)
	}
}

func addOnce(all []string, one string) []string {
	if slices.Contains(all, one) {
		return all
	}
	return append(all, one)
}

// fits reports whether a value is of a type that is not Named and no Union; what is
// inside it is not checked.
func fits(t *bindings.Type, v gjson.Result) bool {
	switch t.Kind {
	case bindings.String, bindings.File:
		return v.Type == gjson.String
	case bindings.Number, bindings.Integer, bindings.Int64, bindings.Decimal:
		// Long numbers arrive as text.
		return v.Type == gjson.Number || v.Type == gjson.String && t.Kind != bindings.Number && digits.MatchString(v.Str)
	case bindings.Boolean:
		return v.IsBool()
	case bindings.Enum:
		return slices.Contains(t.Values, v.Raw) || v.Type == gjson.String && slices.Contains(t.Values, `"`+v.Str+`"`)
	case bindings.List:
		return v.IsArray()
	case bindings.Map, bindings.Object:
		return v.IsObject()
	}
	return true
}

var digits = regexp.MustCompile(`^-?\d+(\.\d+)?$`)

// declaredText returns the text form of a type: its name where it has one.
func declaredText(t, declared *bindings.Type) string {
	if declared != nil && t.Kind == bindings.Object {
		return declared.String()
	}
	return t.String()
}

func kindOf(v gjson.Result) string {
	switch {
	case v.IsArray():
		return "list"
	case v.IsObject():
		return "object"
	case v.IsBool():
		return "boolean"
	case v.Type == gjson.Number:
		return "number"
	}
	return "text"
}

// fieldName is the form of a name that somebody chose for a field. Others may be
// data, such as an id or an address of e-mail.
var fieldName = regexp.MustCompile(`^[@$A-Za-z_][A-Za-z_.-]*\d{0,3}[A-Za-z_.-]*$`)

func publicName(name string) string {
	if len(name) > 64 || !fieldName.MatchString(name) || strings.Contains(name[1:], "@") {
		return "(a name that may be data)"
	}
	return name
}
