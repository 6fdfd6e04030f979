package vm

import "strings"

// csvWriter writes rows so that csvReader reads the same again.
type csvWriter struct {
	text      strings.Builder
	separator string
	row       int // where the present row begins in the text
	fields    int // of the present row
}

func (w *csvWriter) field(text string) {
	if w.fields > 0 {
		w.text.WriteString(w.separator)
	}
	w.fields++
	// COPY of PostgreSQL takes \. without quotes for the end of the data.
	if strings.ContainsAny(text, "\"\r\n") || strings.Contains(text, w.separator) || strings.HasPrefix(text, byteOrderMark) ||
		strings.TrimSpace(text) != text || text == `\.` {
		text = `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
	}
	w.text.WriteString(text)
}

// end ends a row. One empty field is written in quotes: a blank line is no row.
func (w *csvWriter) end() {
	if w.fields == 1 && w.text.Len() == w.row {
		w.text.WriteString(`""`)
	}
	w.text.WriteByte('\n')
	w.row, w.fields = w.text.Len(), 0
}
