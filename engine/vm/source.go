package vm

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/yuin/gopher-lua/parse"
)

// Bounds of a source, so that no file makes the parser or compiler of
// gopher-lua overflow the Go stack or take minutes.
const (
	maxNesting   = 150 // brackets and blocks within each other
	maxUnary     = 50  // of not, - and # in a row
	maxTreeDepth = 220
)

func parseSource(name string, source []byte, limit int) (*tree, error) {
	fail := func(line int, format string, args ...any) (*tree, error) {
		return nil, &SyntaxError{Position: fmt.Sprintf("%s:%d", name, line), Message: fmt.Sprintf(format, args...)}
	}
	if len(source) > limit {
		return fail(1, "the file has %s; a source has %s at most", bytesText(int64(len(source))), bytesText(int64(limit)))
	}
	source = withoutHeader(source)
	var s scanner
	s.scan(source)
	if s.malformed != "" && s.tooDeep+s.tooUnary == 0 {
		return fail(s.malformedLine, "%s", malformedMessage(s.malformed))
	}
	if s.tooDeep > 0 {
		return fail(s.tooDeep, "brackets and blocks are nested more than %d deep; split this into functions", maxNesting)
	}
	if s.tooUnary > 0 {
		return fail(s.tooUnary, "more than %d of 'not', '-' and '#' in a row", maxUnary)
	}
	statements, err := parse.Parse(bytes.NewReader(s.withoutHexadecimals(source)), name)
	if err != nil {
		line, message := s.explain(source, err)
		return fail(line, "%s", message)
	}
	t := &tree{statements: statements}
	if err := t.prepare(name, source); err != nil {
		return nil, err
	}
	return t, nil
}

// withoutHeader removes a byte order mark and the text of a "#!" line. The
// numbers of the lines do not change.
func withoutHeader(source []byte) []byte {
	source = bytes.TrimPrefix(source, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(source, []byte("#!")) {
		if i := bytes.IndexByte(source, '\n'); i >= 0 {
			return source[i:]
		}
		return nil
	}
	return source
}

// scanner reads the words of a source before the parser does, to find out how
// deep it is nested and what is not closed.
type scanner struct {
	line  int
	open  []opener
	unary int

	tooDeep, tooUnary int // lines
	last              int // the last line that is not blank or comment
	elseIf            int // a line with "else if"
	elseLine          int // the line of the last else
	mismatch          mismatch

	separated     bool // the last sign is a comma or semicolon
	hexadecimals  []replacement
	malformed     string // the first malformed number or escape
	malformedLine int
}

// mismatch is the first closing word or bracket that does not close the
// innermost opener.
type mismatch struct {
	word string
	line int
	open opener
}

// opener is a word or bracket that must be closed.
type opener struct {
	word     string
	line     int
	beforeDo bool // a while or for whose do has not come yet
	close    string
}

func (s *scanner) push(word, end string, bare bool) {
	s.open = append(s.open, opener{word, s.line, bare, end})
	if len(s.open) > maxNesting && s.tooDeep == 0 {
		s.tooDeep = s.line
	}
}

func (s *scanner) pop(end string) {
	n := len(s.open)
	switch {
	case n == 0:
	case s.open[n-1].close == end:
		s.open = s.open[:n-1]
	case s.mismatch.line == 0:
		s.mismatch = mismatch{end, s.line, s.open[n-1]}
	}
}

func (s *scanner) scan(source []byte) {
	s.line = 1
	for i := 0; i < len(source) && s.tooDeep == 0 && s.tooUnary == 0; {
		c := source[i]
		switch {
		case c == '\n':
			s.line++
			i++
			continue
		case c == ' ' || c == '\t' || c == '\r':
			i++
			continue
		case c == '-' && bytes.HasPrefix(source[i:], []byte("--")):
			i = s.comment(source, i+2)
			continue
		}
		s.last = s.line
		s.separate(c)
		i = s.token(source, i)
	}
}

// token reads a word, number, text or sign, and returns where it ends.
func (s *scanner) token(source []byte, i int) int {
	switch c := source[i]; {
	case c == '"' || c == '\'':
		i = s.quoted(source, i)
	case c == '[' && longBracket(source[i:]) >= 0:
		i = s.long(source, i)
	case isLetter(c) || c == '_':
		from := i
		for i < len(source) && (isLetter(source[i]) || isDigit(source[i]) || source[i] == '_') {
			i++
		}
		s.word(string(source[from:i]))
		return i
	case isDigit(c) || c == '.' && i+1 < len(source) && isDigit(source[i+1]):
		i = s.numeral(source, i)
	case c == '.':
		for i < len(source) && source[i] == '.' {
			i++
		}
	default:
		s.sign(c)
		return i + 1
	}
	s.unary = 0
	return i
}

func (s *scanner) word(w string) {
	if w == "not" {
		s.prefix()
		return
	}
	s.unary = 0
	switch w {
	case "function", "if":
		if w == "if" && s.elseLine == s.line {
			s.elseIf = s.line
		}
		s.push(w, "end", false)
	case "while", "for":
		s.push(w, "end", true)
	case "do":
		if n := len(s.open); n > 0 && s.open[n-1].beforeDo {
			s.open[n-1].beforeDo = false
			return
		}
		s.push(w, "end", false)
	case "repeat":
		s.push(w, "until", false)
	case "end", "until":
		s.pop(w)
	}
	s.elseLine = 0
	if w == "else" {
		s.elseLine = s.line
	}
}

// separate records a separator in a table that follows another one, which
// gopher-lua's parser accepts.
func (s *scanner) separate(c byte) {
	after := s.separated
	s.separated = c == ',' || c == ';'
	if n := len(s.open); after && s.separated && n > 0 && s.open[n-1].word == "{" && s.malformed == "" {
		s.malformed, s.malformedLine = string(c), s.line
	}
}

func (s *scanner) sign(c byte) {
	switch c {
	case '-', '#':
		s.prefix()
		return
	case '(':
		s.push("(", ")", false)
	case '{':
		s.push("{", "}", false)
	case '[':
		s.push("[", "]", false)
	case ')', '}', ']':
		s.pop(string(c))
	}
	s.unary = 0
}

func (s *scanner) prefix() {
	if s.unary++; s.unary > maxUnary && s.tooUnary == 0 {
		s.tooUnary = s.line
	}
}

func (s *scanner) comment(source []byte, i int) int {
	if i < len(source) && source[i] == '[' && longBracket(source[i:]) >= 0 {
		return s.long(source, i)
	}
	for i < len(source) && source[i] != '\n' {
		i++
	}
	return i
}

func (s *scanner) quoted(source []byte, i int) int {
	quote := source[i]
	for i++; i < len(source) && source[i] != '\n'; i++ {
		switch source[i] {
		case quote:
			return i + 1
		case '\\':
			if i++; i < len(source) && source[i] == '\n' {
				s.line++
			}
			s.escape(source[i:])
		}
	}
	return i
}

// escape records the first decimal escape above 255. gopher-lua would use its
// low eight bits.
func (s *scanner) escape(text []byte) {
	n := 0
	for n < 3 && n < len(text) && isDigit(text[n]) {
		n++
	}
	if value, err := strconv.Atoi(string(text[:n])); err == nil && value > 255 && s.malformed == "" {
		s.malformed, s.malformedLine = `\`+string(text[:n]), s.line
	}
}

// longBracket returns the number of '=' of the "[==[" that text begins with, -1
// if it begins with none.
func longBracket(text []byte) int {
	n := 0
	for n+1 < len(text) && text[n+1] == '=' {
		n++
	}
	if n+1 < len(text) && text[n+1] == '[' {
		return n
	}
	return -1
}

func (s *scanner) long(source []byte, i int) int {
	end := "]" + strings.Repeat("=", longBracket(source[i:])) + "]"
	n := bytes.Index(source[i:], []byte(end))
	if n < 0 {
		n = len(source) - i - len(end)
	}
	s.line += bytes.Count(source[i:i+max(n, 0)], []byte("\n"))
	return i + max(n, 0) + len(end)
}

// explain rewrites an error of the parser for the author of a script.
func (s *scanner) explain(source []byte, err error) (line int, message string) {
	var e *parse.Error
	if !errors.As(err, &e) {
		return max(s.last, 1), err.Error()
	}
	if e.Pos.Line == parse.EOF || e.Pos.Line > s.last && len(s.open) > 0 && e.Message == "syntax error" {
		return s.unfinished(e)
	}
	line = e.Pos.Line
	if e.Token == "" { // the parser returns no text for dots
		e.Token = "."
		if text := lineOf(source, line); strings.Contains(text, "..") {
			e.Token = ".."
		}
	}
	switch e.Message {
	case "syntax error":
		if o := s.mismatch.open; s.mismatch.line == line && s.mismatch.word == e.Token {
			return line, fmt.Sprintf("unexpected '%s'; '%s' of line %d has no '%s'", e.Token, o.word, o.line, o.close)
		}
		return line, "unexpected " + nearToken(e.Token) + hint(e.Token, lineOf(source, line))
	case "parse error":
		if strings.TrimSpace(lineOf(source, line-1)) == "continue" {
			return line - 1, noContinue
		}
		if text := lineOf(source, line); hint(e.Token, text) != "" {
			return line, "unexpected " + nearToken(e.Token) + hint(e.Token, text)
		}
		return line, notStatement(e.Token)
	case "unterminated string":
		return line - 1, "the text that begins here has no closing quote on its line" // the scanner of gopher-lua is after its end
	case "unterminated multiline string":
		return line, "the text that begins with [[ has no ]]"
	case "Invalid token", "Invalid '~' token":
		if text := unexpectedCharacter(e.Token, lineOf(source, line)); text != "" {
			return line, text
		}
		return line, "unexpected " + nearToken(e.Token) + hint(e.Token, lineOf(source, line))
	}
	return line, strings.ToLower(e.Message[:1]) + e.Message[1:] + " near " + nearToken(e.Token)
}

func (s *scanner) unfinished(e *parse.Error) (int, string) {
	line := max(s.last, 1)
	if strings.Contains(e.Message, "unterminated") || strings.Contains(e.Message, "comment") {
		return line, "the file ends inside of a text or comment"
	}
	if n := len(s.open); n > 0 {
		o := s.open[n-1]
		message := fmt.Sprintf("the file ends, and '%s' of line %d has no '%s'", o.word, o.line, o.close)
		if s.elseIf > 0 {
			message += fmt.Sprintf("; line %d has 'else if', which needs an 'end' of its own: write 'elseif'", s.elseIf)
		}
		return line, message
	}
	if e.Message == "parse error" {
		return line, notStatement(e.Token)
	}
	return line, "the file ends in the middle of a statement"
}

func notStatement(token string) string {
	return "an expression alone is no statement, near " + nearToken(token) + ": a call needs (…), an assignment '='"
}

func nearToken(token string) string {
	if token == "" {
		return "the end of the file"
	}
	return "'" + brief(token, 40) + "'"
}

func lineOf(source []byte, n int) string {
	for ; n > 1; n-- {
		_, rest, ok := bytes.Cut(source, []byte("\n"))
		if !ok {
			return ""
		}
		source = rest
	}
	line, _, _ := bytes.Cut(source, []byte("\n"))
	return string(line)
}

const noContinue = "Lua has no 'continue': write goto next, and ::next:: before the loop's end"

// hint is the end of an error about syntax of other languages.
func hint(token, line string) string {
	for _, known := range [][2]string{
		{"!=", "'~=' means not equal"}, {"&&", "write 'and'"}, {"||", "write 'or'"},
		{"+=", "write x = x + …"}, {"-=", "write x = x - …"}, {"..=", "write x = x .. …"}, {"++", "write x = x + 1"},
		{"=>", "a table's field is name = value, a function is function(…) … end"},
	} {
		if strings.Contains(line, known[0]) && (strings.Contains(known[0], token) || token == "=") {
			return "; Lua has no '" + known[0] + "': " + known[1]
		}
	}
	trimmed := strings.TrimSpace(line)
	switch {
	case token == "!":
		return "; Lua has no '!': write 'not'"
	case token == "=" && (strings.HasPrefix(trimmed, "if ") || strings.HasPrefix(trimmed, "while ") || strings.HasPrefix(trimmed, "elseif ")):
		return "; '==' compares"
	case strings.HasPrefix(trimmed, "continue"):
		return "; " + noContinue
	case token == "function" && strings.HasSuffix(strings.TrimSpace(line[:max(strings.Index(line, token), 0)]), "}"):
		return "; a ',' belongs before it"
	case token == "end":
		return "; there is an 'end' too many, or something before it is not finished"
	case strings.HasPrefix(trimmed, "//") || strings.HasPrefix(trimmed, "/*"):
		return "; a comment begins with --"
	}
	return ""
}
