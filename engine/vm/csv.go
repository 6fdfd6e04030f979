package vm

import (
	"encoding/csv"
	"errors"
	"io"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// textCSV is text.csv(value [, { separator = ";", header = true }]): rows of a
// text, or the text of rows. With header the rows are tables by the names in
// the first line.
func textCSV(L *lua.LState) int {
	const function = "text.csv"
	options := wantOptions(L, 2, function, "separator", "header")
	separator := ','
	if s := textOption(L, options, function, "separator"); s != "" {
		runes := []rune(s)
		if len(runes) != 1 || runes[0] == '"' || runes[0] == '\r' || runes[0] == '\n' || runes[0] == '\uFFFD' {
			raise(L, "%s: the separator must be one character, found %q", function, brief(s, 20))
		}
		separator = runes[0]
	}
	header := lua.LVAsBool(option(options, "header"))
	if rows, ok := L.Get(1).(*lua.LTable); ok {
		return csvWrite(L, rows, separator, header)
	}
	return csvRead(L, wantText(L, 1, function+": the text"), separator, header)
}

func csvRead(L *lua.LState, text string, separator rune, header bool) int {
	a := activationOf(L)
	a.charge(L, int64(len(text))/8, int64(len(text)))
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\uFEFF")))
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = separator, -1, true
	rows := asList(newTable(0, 0))
	L.Push(rows) // so that what grows is seen
	var names []string
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			raise(L, "text.csv: %v", err)
		}
		bytes := int64(200)
		for _, field := range record {
			bytes += 96 + int64(len(field))
		}
		a.charge(L, int64(len(record)), bytes)
		if header && names == nil {
			for _, field := range record {
				names = append(names, strings.Clone(strings.TrimSpace(field)))
			}
			continue
		}
		row := newTable(len(record), 0)
		if header {
			row = newTable(0, len(record))
		}
		for i, field := range record {
			switch {
			case !header:
				row.Append(lua.LString(strings.Clone(field)))
			case i < len(names) && names[i] != "":
				row.RawSetString(names[i], lua.LString(strings.Clone(field)))
			}
		}
		if !header {
			asList(row)
		}
		rows.Append(row)
	}
	return 1
}

// csvWrite writes rows: lists, or with header tables whose names are those of
// the first row. Fields that a spreadsheet would take for a formula stay as
// they are: what reads the text decides.
func csvWrite(L *lua.LState, rows *lua.LTable, separator rune, header bool) int {
	a := activationOf(L)
	charge, release := a.holding(L)
	defer release()
	var b strings.Builder
	w := csv.NewWriter(&b)
	w.Comma = separator
	var names []string
	for i := 1; i <= rows.MaxN(); i++ {
		row, ok := rows.RawGetInt(i).(*lua.LTable)
		if !ok {
			raise(L, "text.csv: row %d must be a table, found %s", i, describe(rows.RawGetInt(i)))
		}
		if header && i == 1 {
			for key, _ := row.Next(lua.LNil); key != lua.LNil; key, _ = row.Next(key) {
				names = append(names, textArg(L, key, "text.csv: the name of a column"))
			}
			csvLine(charge, w, names)
		}
		var fields []string
		if header {
			for _, name := range names {
				fields = append(fields, csvField(L, i, row.RawGetString(name)))
			}
		} else {
			for j := 1; j <= row.MaxN(); j++ {
				fields = append(fields, csvField(L, i, row.RawGetInt(j)))
			}
		}
		csvLine(charge, w, fields)
	}
	a.chargeString(L, b.Len())
	L.Push(lua.LString(b.String()))
	return 1
}

func csvLine(charge func(work, bytes int64), w *csv.Writer, fields []string) {
	n := len(fields)
	for _, field := range fields {
		n += len(field)
	}
	charge(int64(len(fields)), int64(n))
	_ = w.Write(fields) // a strings.Builder takes all
	w.Flush()
}

func csvField(L *lua.LState, row int, v lua.LValue) string {
	switch v := v.(type) {
	case *lua.LNilType:
		return ""
	case lua.LBool:
		return v.String()
	}
	if isNull(v) {
		return ""
	}
	text, ok := plainText(v)
	if !ok {
		raise(L, "text.csv: row %d holds %s, which is no text", row, describe(v))
	}
	return text
}
