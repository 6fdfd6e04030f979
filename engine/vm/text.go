package vm

import (
	"html"
	"strings"
	"unicode"

	lua "github.com/yuin/gopher-lua"
)

// textLibrary is text: functions that scripts often use for texts. It refuses
// secrets.
func textLibrary(*Machine) map[string]lua.LValue {
	return map[string]lua.LValue{"text": freeze("text", map[string]lua.LGFunction{
		"trim": textTrim, "split": textSplit, "csv": textCSV, "template": textTemplate, "slug": textSlug, "same_id": textSameID,
		"decode": textDecode, "encode": textEncode, "urlencode": textURLEncode, "urldecode": textURLDecode,
	}, nil)}
}

// textTrim is text.trim(s): the text without white space at both ends.
func textTrim(L *lua.LState) int {
	s := wantText(L, 1, "text.trim: the text")
	trimmed := strings.TrimSpace(s)
	activationOf(L).chargeString(L, len(trimmed))
	L.Push(lua.LString(strings.Clone(trimmed)))
	return 1
}

// textSplit is text.split(s, separator [, n]): the parts between a literal
// separator, at most n, of which the last one has the rest; without a separator
// the words.
func textSplit(L *lua.LState) int {
	const function = "text.split"
	s := wantText(L, 1, function+": the text")
	a := activationOf(L)
	a.charge(L, int64(len(s))/4, 0)
	var parts []string
	maxParts := -1
	if L.Get(3) != lua.LNil {
		n, ok := L.Get(3).(lua.LNumber)
		if !ok || n < 1 || n != lua.LNumber(int(n)) {
			raise(L, "%s: the number of parts must be a whole number from 1, found %s", function, describe(L.Get(3)))
		}
		maxParts = int(n)
	}
	count := int64(1)
	if L.Get(2) == lua.LNil {
		a.charge(L, 1, int64(len(s))*24)
		parts = strings.Fields(s)
	} else {
		separator := wantText(L, 2, function+": the separator")
		if separator == "" {
			raise(L, "%s: the separator is empty; leave it out to split at white space", function)
		}
		count += int64(strings.Count(s, separator))
		a.charge(L, count, count*64+int64(len(s)))
		parts = strings.SplitN(s, separator, maxParts)
	}
	list := newTable(len(parts), 0)
	for _, part := range parts {
		list.Append(lua.LString(strings.Clone(part)))
	}
	L.Push(asList(list))
	return 1
}

// folded has letters with marks, and the letters without marks that replace
// them.
var folded = map[string]string{
	"àáâãåāăąǎ": "a", "ä": "ae", "æ": "ae", "çćĉċč": "c", "ďđð": "d", "èéêëēĕėęě": "e", "ĝğġģ": "g", "ĥħ": "h",
	"ìíîïĩīĭįıǐ": "i", "ĵ": "j", "ķ": "k", "ĺļľŀł": "l", "ñńņňŋ": "n", "òóôõøōŏőǒ": "o", "ö": "oe", "œ": "oe",
	"ŕŗř": "r", "śŝşšș": "s", "ß": "ss", "ţťŧț": "t", "þ": "th", "ùúûũūŭůűųǔ": "u", "ü": "ue", "ŵ": "w", "ýÿŷ": "y", "źżž": "z",
}

var foldedRunes = func() map[rune]string {
	all := map[rune]string{}
	for from, to := range folded {
		for _, r := range from {
			all[r] = to
		}
	}
	return all
}()

// textSlug is text.slug(s): lower case letters and digits with single hyphens
// between, for addresses and tags; Latin letters lose their marks.
func textSlug(L *lua.LState) int {
	s := wantText(L, 1, "text.slug: the text")
	activationOf(L).chargeString(L, 2*len(s))
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(s) {
		out := foldedRunes[r]
		if out == "" && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			out = string(r)
		}
		if out == "" {
			gap = gap || r != '\'' && r != '’' && !unicode.IsMark(r)
			continue
		}
		if gap && b.Len() > 0 {
			b.WriteByte('-')
		}
		gap = false
		b.WriteString(out)
	}
	L.Push(lua.LString(b.String()))
	return 1
}

// textSameID is text.same_id(a, b): whether two ids are the same, however they
// are written: 12, "12" and " 12 ". nil is the same as nothing, not even nil.
func textSameID(L *lua.LState) int {
	one, found := plainText(L.Get(1))
	two, also := plainText(L.Get(2))
	for i, ok := range []bool{found, also} {
		if v := L.Get(i + 1); !ok && v != lua.LNil && !isNull(v) {
			raise(L, "text.same_id: an id must be a text or a number, found %s", describe(v))
		}
	}
	one, two = strings.TrimSpace(one), strings.TrimSpace(two)
	L.Push(lua.LBool(found && also && one != "" && one == two))
	return 1
}

// textTemplate is text.template(s, values [, { escape = "html" }]): {{path}} is
// replaced by the value there, {{path?}} by nothing if it is absent.
func textTemplate(L *lua.LState) int {
	const function = "text.template"
	s := wantText(L, 1, function+": the template")
	values := wantTable(L, 2, function+": the values")
	options := wantOptions(L, 3, function, "escape")
	escape := textOption(L, options, function, "escape")
	if escape != "" && escape != "html" {
		raise(L, "%s: escape is html or left out, found %q", function, brief(escape, 20))
	}
	a := activationOf(L)
	a.charge(L, int64(len(s))/16, int64(len(s)))
	charge, release := a.reserve(L)
	defer release()
	var b strings.Builder
	for rest := s; rest != ""; {
		before, after, found := strings.Cut(rest, "{{")
		b.WriteString(before)
		if !found {
			break
		}
		name, after, closed := strings.Cut(after, "}}")
		if !closed {
			raise(L, "%s: {{%s is not closed with }}", function, brief(after+name, 30))
		}
		text := templateValue(L, function, strings.TrimSpace(name), values)
		if escape == "html" {
			text = html.EscapeString(text)
		}
		charge(10+int64(len(text))/32, int64(len(text)))
		if b.WriteString(text); b.Len() > a.limits.StringLength {
			break
		}
		rest = after
	}
	a.chargeString(L, b.Len())
	L.Push(lua.LString(b.String()))
	return 1
}

func templateValue(L *lua.LState, function, name string, values *lua.LTable) string {
	name, optional := strings.CutSuffix(name, "?")
	path, err := parseMapPath(name)
	if err != nil {
		raise(L, "%s: %v", function, err)
	}
	v, err := path.find(values)
	if err != nil {
		raise(L, "%s: %v", function, err)
	}
	if v == lua.LNil && optional {
		return ""
	}
	switch v := v.(type) {
	case lua.LBool:
		return v.String()
	case *lua.LNilType:
		raise(L, "%s: there is no value for {{%s}}; write {{%s?}} where it may be absent", function, name, name)
	}
	return textArg(L, v, function+": the value of {{"+name+"}}")
}
