package vm

import (
	"fmt"
	"strings"
	"unicode/utf8"

	lua "github.com/yuin/gopher-lua"
)

// columns are the names of the fields of a row.
type columns struct {
	names   []string
	numbers map[string]int // the number of the field that has a name, from 1
}

// add adds the name of the next field.
func (c *columns) add(name string) error {
	n := len(c.names) + 1
	if strings.TrimSpace(name) == "" {
		return fmt.Errorf("name %d is empty", n)
	}
	if first := c.numbers[name]; first > 0 {
		return fmt.Errorf("name %d, %q, is also the name of field %d", n, brief(name, 40), first)
	}
	if c.numbers == nil {
		c.numbers = map[string]int{}
	}
	c.names, c.numbers[name] = append(c.names, name), n
	return nil
}

// entries returns the names, each with a place for a value after it.
func (c *columns) entries() []lua.LValue {
	all := make([]lua.LValue, 2*len(c.names))
	for i, name := range c.names {
		all[2*i] = lua.LString(name)
	}
	return all
}

// columnBytes is the memory of a name in columns, without its text.
const columnBytes = 128

// csvOptions are the options of text.csv.
type csvOptions struct {
	separator string
	lazy      bool
	header    bool
	names     []lua.LValue // the names that header lists, nil if it is true
}

func wantCSVOptions(L *lua.LState, n int, function string) csvOptions {
	table := wantOptions(L, n, function, "separator", "header", "lazy")
	o := csvOptions{separator: ","}
	if option(table, "separator") != lua.LNil {
		o.separator = textOption(L, table, function, "separator")
		if utf8.RuneCountInString(o.separator) != 1 || !utf8.ValidString(o.separator) || strings.ContainsAny(o.separator, "\"\r\n\x00"+bom) {
			raise(L, "%s: the separator must be one character, and no quote or line break, found %q", function, brief(o.separator, 20))
		}
	}
	switch lazy := option(table, "lazy").(type) {
	case *lua.LNilType:
	case lua.LBool:
		o.lazy = bool(lazy)
	default:
		raise(L, "%s: the option lazy must be true or false, found %s", function, describe(lazy))
	}
	switch header := option(table, "header").(type) {
	case *lua.LNilType:
	case lua.LBool:
		o.header = bool(header)
	case *lua.LTable:
		o.header = true
		activationOf(L).charge(L, scanWork(header), 0)
		count := header.MaxN()
		if count == 0 {
			raise(L, "%s: the option header must be true or a list of names, found a table without any", function)
		}
		activationOf(L).charge(L, int64(count), slotBytes*int64(count))
		for i := 1; i <= count; i++ {
			o.names = append(o.names, header.RawGetInt(i))
		}
	default:
		raise(L, "%s: the option header must be true or a list of names, found %s", function, describe(header))
	}
	return o
}

// columns returns the names that the option header lists.
func (o csvOptions) columns(L *lua.LState, function string, charge func(work, bytes int64)) *columns {
	c := &columns{}
	for i, v := range o.names {
		name := textArg(L, v, fmt.Sprintf("%s: the option header: name %d", function, i+1))
		charge(1, columnBytes)
		if err := c.add(name); err != nil {
			raise(L, "%s: the option header: %v", function, err)
		}
	}
	return c
}

// textCSV is text.csv(value [, { separator = ";", header = true, lazy = true
// }]): the rows of a text, or the text of rows. A byte order mark decides the
// charset of the text, else it is UTF-8. Rows are lists of texts or, with
// header, tables by the names in the first line. If header is a list of names,
// they replace those of the first line.
func textCSV(L *lua.LState) int {
	const function = "text.csv"
	o := wantCSVOptions(L, 2, function)
	if rows, ok := L.Get(1).(*lua.LTable); ok {
		return csvWrite(L, rows, o)
	}
	return csvRead(L, wantText(L, 1, function+": the text"), o)
}

func csvRead(L *lua.LState, text string, o csvOptions) int {
	const function = "text.csv"
	a := activationOf(L)
	decoded, err := decodeText(L, []byte(text))
	if err != nil {
		raise(L, "%s: %v; %s", function, err, otherCharset)
	}
	charge, release := a.reserve(L)
	defer release()
	charge(int64(len(text))/4, 2*int64(len(decoded)))
	r := &csvReader{text: string(decoded), separator: o.separator, lazy: o.lazy}
	c := o.columns(L, function, charge)
	if o.header && r.next() {
		if err := r.header(c, o.names != nil, charge); err != nil {
			raise(L, "%s: %v", function, err)
		}
	}
	maxFields := -1
	if o.header {
		maxFields = len(c.names)
	}
	rows := asList(newTable(0, 0))
	L.Push(rows) // while the rows are added they are counted as memory, because the stack has them
	var fields []csvField
	var entries []lua.LValue // the names and values of the row
	if o.header {
		charge(int64(len(c.names)), (2*slotBytes+stringBytes)*int64(len(c.names)))
		entries = c.entries()
	}
	for r.next() {
		if fields, err = csvRow(L, r, fields[:0], maxFields, charge); err != nil {
			raise(L, "%s: %v", function, err)
		}
		if o.header {
			a.charge(L, 1, tableBytes+fieldsBytes(len(fields))+2*slotBytes)
			rows.Append(namedRow(entries[:2*len(fields)], fields))
		} else {
			a.charge(L, 1, tableBytes+int64(len(fields)+2)*slotBytes)
			rows.Append(listRow(fields))
		}
	}
	return 1
}

// csvRow appends the fields of the next row. maxFields is the number of names
// in the header, -1 without one.
func csvRow(L *lua.LState, r *csvReader, fields []csvField, maxFields int, charge func(work, bytes int64)) ([]csvField, error) {
	a := activationOf(L)
	for last := false; !last; {
		var f csvField
		var err error
		if f, last, err = r.field(); err != nil {
			return nil, err
		}
		if len(fields) == maxFields {
			return nil, r.errorAt(f.start, fmt.Sprintf("field %d has no name; the header has %d", len(fields)+1, maxFields))
		}
		if len(fields) == cap(fields) {
			charge(0, csvFieldBytes*int64(len(fields)+1)) // append doubles the capacity
		}
		fields = append(fields, f)
		a.charge(L, 1, textBytes(len(f.raw)))
	}
	return fields, nil
}

func listRow(fields []csvField) *lua.LTable {
	row := asList(newTable(len(fields), 0))
	for _, f := range fields {
		row.Append(lua.LString(f.value()))
	}
	return row
}

// namedRow makes the table of a row. entries has its names, each before the place of its
// value.
func namedRow(entries []lua.LValue, fields []csvField) *lua.LTable {
	for i, f := range fields {
		entries[2*i+1] = lua.LString(f.value())
	}
	row := newTable(0, len(fields))
	fill(row, entries)
	return row
}

// header reads the names in the first line into c. It skips the line if c has
// names already.
func (r *csvReader) header(c *columns, skip bool, charge func(work, bytes int64)) error {
	for {
		f, last, err := r.field()
		if err != nil {
			return err
		}
		if !skip {
			charge(1, columnBytes+int64(len(f.raw)))
			name := f.value()
			if !f.quoted {
				name = strings.TrimSpace(name)
			}
			if err := c.add(name); err != nil {
				return r.errorAt(f.start, err.Error()+`; list the names yourself: header = { "a", "b" }`)
			}
		}
		charge(1, 0)
		if last {
			return nil
		}
	}
}

// csvFieldBytes is the size of a csvField.
const csvFieldBytes = 32

// csvWrite writes rows: lists or, with header, tables. The columns are the
// fields of the first row, or those that header lists. A field that a
// spreadsheet would read as a formula is written unchanged: the reader of the
// file decides.
func csvWrite(L *lua.LState, rows *lua.LTable, o csvOptions) int {
	const function = "text.csv"
	a := activationOf(L)
	charge, release := a.reserve(L)
	defer release()
	t := csvTable{L: L, a: a, charge: charge, w: csvWriter{separator: o.separator}, c: o.columns(L, function, charge)}
	if o.names != nil {
		t.header()
	}
	charge(scanWork(rows), 0)
	count := rows.MaxN()
	for i := 1; i <= count; i++ {
		row, ok := rows.RawGetInt(i).(*lua.LTable)
		if !ok {
			raise(L, "%s: row %d must be a table, found %s", function, i, describe(rows.RawGetInt(i)))
		}
		charge(scanWork(row), 1)
		switch {
		case !o.header:
			t.list(i, row)
			continue
		case o.names == nil:
			t.names(i, row)
		}
		t.named(i, row)
	}
	a.chargeString(L, t.w.text.Len())
	L.Push(lua.LString(t.w.text.String()))
	return 1
}

// csvTable writes the text of rows.
type csvTable struct {
	L      *lua.LState
	a      *activation
	charge func(work, bytes int64)
	w      csvWriter
	c      *columns
}

func (t *csvTable) field(text string) {
	t.charge(1+int64(len(text))/32, int64(len(text))+4)
	if t.w.field(text); t.w.text.Len() > t.a.limits.StringLength {
		t.a.chargeString(t.L, t.w.text.Len())
	}
}

func (t *csvTable) header() {
	for _, name := range t.c.names {
		t.field(name)
	}
	t.w.end()
}

// list writes row i, a list.
func (t *csvTable) list(i int, row *lua.LTable) {
	if key := firstField(row); key != lua.LNil {
		raise(t.L, "text.csv: row %d has %s as a key, where a list is expected; set header = true to write fields by name", i, describe(key))
	}
	fields := row.MaxN()
	for j := 1; j <= fields; j++ {
		t.field(csvText(t.L, i, row.RawGetInt(j)))
	}
	t.w.end()
}

// names reads the columns from the first row, and writes them. Later rows may
// have no other fields.
func (t *csvTable) names(i int, row *lua.LTable) {
	for key, _ := row.Next(lua.LNil); key != lua.LNil; key, _ = row.Next(key) {
		t.charge(1, 0)
		name, ok := key.(lua.LString)
		switch {
		case !ok:
			raise(t.L, "text.csv: row %d has %s as a key, where the name of a column is expected; without header a row is a list", i, describe(key))
		case i == 1:
			t.charge(0, columnBytes)
			if err := t.c.add(string(name)); err != nil {
				raise(t.L, "text.csv: row 1: %v", err)
			}
		case t.c.numbers[string(name)] == 0:
			raise(t.L, "text.csv: row %d has the field %q, which row 1 lacks; list the columns: header = { \"a\", \"b\" }", i, brief(string(name), 40))
		}
	}
	if i == 1 {
		t.header()
	}
}

// named writes row i, a table by the names of the columns.
func (t *csvTable) named(i int, row *lua.LTable) {
	for _, name := range t.c.names {
		t.field(csvText(t.L, i, row.RawGetString(name)))
	}
	t.w.end()
}

// csvText returns the text of a value in a row.
func csvText(L *lua.LState, row int, v lua.LValue) string {
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
