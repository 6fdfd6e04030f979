package bindingstest

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
)

// testReadBack compares the operations that read a record with those that change it, at
// the same path: a field that both have is accepted as it was read. Where the vendor's
// documents want another form, or do not take a part of it, the golden file has that.
func testReadBack(t *testing.T, c *bindings.Catalogue) {
	name := "readback.golden"
	if edition := c.Edition(); edition != "" {
		name = edition + "." + name
	}
	problems := readBackProblems(c)
	if _, err := os.Stat(filepath.Join("testdata", name)); len(problems) > 0 || err == nil {
		golden(t, name, strings.Join(problems, ""))
	}
}

// readBackProblems returns a line for each field that is refused as it was read.
func readBackProblems(c *bindings.Catalogue) (all []string) {
	reads := map[string]*bindings.Operation{} // by path
	for _, name := range c.Operations() {
		if o, _ := c.Operation(name); o.Method == http.MethodGet && o.Answer != nil {
			reads[o.Path] = o
		}
	}
	for _, name := range c.Operations() {
		o, _ := c.Operation(name)
		read := reads[o.Path]
		if read == nil || o.Body == nil || o.Method != http.MethodPut && o.Method != http.MethodPatch {
			continue
		}
		for _, problem := range readBack(c, read, o) {
			all = append(all, fmt.Sprintf("%s, from %s: %s\n", name, read.Name, problem))
		}
	}
	return all
}

// readBack returns why fields of the record that an operation returns are refused by one
// that changes it.
func readBack(c *bindings.Catalogue, read, write *bindings.Operation) (problems []string) {
	_, to := c.Resolve(&write.Body.Type)
	from := recordOf(c, read.Answer, to)
	if to == nil || from == nil {
		return nil
	}
	for _, f := range from.Fields {
		if into := to.Field(f.Name); into != nil {
			problems = append(problems, refusals(c, f.Name, &f.Type, &into.Type, 0)...)
		}
	}
	return problems
}

// recordOf returns the type of the record in an answer: the answer, or the field of it that
// has the most fields in common with what is sent.
func recordOf(c *bindings.Catalogue, answer *bindings.Type, to *bindings.Definition) (record *bindings.Definition) {
	_, d := c.Resolve(answer)
	if d == nil || to == nil {
		return nil
	}
	maxCommon := 0
	consider := func(d *bindings.Definition) {
		common := 0
		for _, f := range d.Fields {
			if to.Field(f.Name) != nil {
				common++
			}
		}
		if common > maxCommon {
			record, maxCommon = d, common
		}
	}
	consider(d)
	for _, f := range d.Fields {
		if _, inner := c.Resolve(&f.Type); inner != nil {
			consider(inner)
		}
	}
	return record
}

// maxReadBackDepth bounds types that contain themselves.
const maxReadBackDepth = 6

// refusals returns why values of one type are no values of another.
func refusals(c *bindings.Catalogue, path string, from, to *bindings.Type, depth int) []string {
	f, fields := c.Resolve(from)
	t, into := c.Resolve(to)
	refused := []string{fmt.Sprintf("%s is read as %s, and sent as %s", path, brief(from), brief(to))}
	switch {
	case depth > maxReadBackDepth || f.Kind == bindings.Any || t.Kind == bindings.Any:
		return nil
	case f.Kind == bindings.Union:
		var all []string
		for i := range f.OneOf {
			all = append(all, refusals(c, path, &f.OneOf[i], to, depth+1)...)
		}
		return all
	case t.Kind == bindings.Union:
		return refusedByAll(c, path, from, &t, depth)
	case f.Kind == bindings.Enum && t.Kind == bindings.Enum:
		return refusedValues(path, f.Values, t.Values)
	case f.Kind == bindings.List && t.Kind == bindings.List:
		return refusals(c, path+"[]", f.Items, t.Items, depth+1)
	case f.Kind == bindings.Map && t.Kind == bindings.Map:
		return refusals(c, path+".*", f.Items, t.Items, depth+1)
	case f.Kind == bindings.Object || f.Kind == bindings.Map:
		if t.Kind != bindings.Object && t.Kind != bindings.Map {
			return refused
		}
		if t.Kind == bindings.Map {
			return refusedItems(c, path, fields, t.Items, depth)
		}
		return refusedFields(c, path, fields, into, depth)
	case slices.Contains(acceptedKinds[t.Kind], f.Kind):
		return nil
	}
	return refused
}

func refusedValues(path string, from, to []string) []string {
	for _, value := range from {
		if !slices.Contains(to, value) {
			return []string{fmt.Sprintf("%s may be %s, and only %s are sent", path, value, strings.Join(to, ", "))}
		}
	}
	return nil
}

// refusedByAll returns why values are of no type of a union. Of an object each field has to
// be one that some type of the union has.
func refusedByAll(c *bindings.Catalogue, path string, from, union *bindings.Type, depth int) (nearest []string) {
	var objects bindings.Definition
	for i := range union.OneOf {
		one := refusals(c, path, from, &union.OneOf[i], depth+1)
		if len(one) == 0 {
			return nil
		}
		if nearest == nil || len(one) < len(nearest) {
			nearest = one
		}
		if _, d := c.Resolve(&union.OneOf[i]); d != nil {
			addFields(&objects, d)
		}
	}
	if _, fields := c.Resolve(from); fields != nil && len(objects.Fields) > 0 {
		return refusedFields(c, path, fields, &objects, depth)
	}
	return nearest
}

// addFields adds the fields of a type to those of others. One that several have takes what
// one of them does.
func addFields(to, d *bindings.Definition) {
	for alias, of := range d.Aliases {
		if to.Aliases == nil {
			to.Aliases = map[string]string{}
		}
		to.Aliases[alias] = of
	}
	for _, f := range d.Fields {
		if same := to.Field(f.Name); same != nil {
			same.Type = bindings.Type{Kind: bindings.Union, OneOf: []bindings.Type{same.Type, f.Type}}
			continue
		}
		to.Fields = append(to.Fields, f)
	}
	to.Open = to.Open || d.Open
}

// refusedFields returns why objects of one type are none of another.
func refusedFields(c *bindings.Catalogue, path string, from, into *bindings.Definition, depth int) (all []string) {
	if from == nil || into == nil {
		return nil
	}
	for _, f := range from.Fields {
		at, field := path+"."+f.Name, into.Field(f.Name)
		switch {
		case field != nil:
			all = append(all, refusals(c, at, &f.Type, &field.Type, depth+1)...)
		case !into.Open && len(into.Fields) > 0:
			all = append(all, at+" is read, and unknown when it is sent")
		}
	}
	return all
}

// refusedItems returns why fields of objects are no items of a map.
func refusedItems(c *bindings.Catalogue, path string, from *bindings.Definition, items *bindings.Type, depth int) (all []string) {
	if from == nil {
		return nil
	}
	for _, f := range from.Fields {
		all = append(all, refusals(c, path+"."+f.Name, &f.Type, items, depth+1)...)
	}
	return all
}

// brief returns a type as text; of a long one its beginning.
func brief(t *bindings.Type) string {
	const maxText = 60
	text := t.String()
	if len(text) > maxText {
		text = text[:maxText] + "…"
	}
	return text
}

// acceptedKinds are the kinds of values that are accepted for a kind: numbers may be texts
// of their digits, and whether a text is one of an enum's values the vendor decides.
var acceptedKinds = map[bindings.Kind][]bindings.Kind{
	bindings.String:  {bindings.String, bindings.Enum, bindings.Int64, bindings.Decimal},
	bindings.Enum:    {bindings.String},
	bindings.Number:  {bindings.Number, bindings.Integer, bindings.Int64, bindings.Decimal},
	bindings.Integer: {bindings.Integer, bindings.Int64, bindings.Number},
	bindings.Int64:   {bindings.Integer, bindings.Int64, bindings.Number},
	bindings.Decimal: {bindings.Decimal, bindings.Number, bindings.Integer, bindings.Int64, bindings.String},
	bindings.Boolean: {bindings.Boolean},
	bindings.File:    {bindings.File, bindings.String},
}
