package vm

import "strings"

// csvWriter writes rows that csvReader reads back unchanged.
type csvWriter struct {
	text      strings.Builder
	separator string
	row       int // where the current row begins in the text
	fields    int // of the current row
}

func (w *csvWriter) field(text string) {
	if w.fields > 0 {
		w.text.WriteString(w.separator)
	}
	w.fields++
	// COPY of PostgreSQL reads \. without quotes as the end of the data.
	if strings.ContainsAny(text, "\"\r\n") || strings.Contains(text, w.separator) || strings.HasPrefix(text, bom) ||
		strings.TrimSpace(text) != text || text == `\.` {
		text = `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
	}
	w.text.WriteString(text)
}

// end ends a row. A row of one empty field is written as quotes, because a
// blank line is no row.
func (w *csvWriter) end() {
	if w.fields == 1 && w.text.Len() == w.row {
		w.text.WriteString(`""`)
	}
	w.text.WriteByte('\n')
	w.row, w.fields = w.text.Len(), 0
}
