package engine_test

import (
	"bufio"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// maxExceptions bounds the exceptions in words.txt.
const maxExceptions = 20

// wordList is the content of words.txt.
type wordList struct {
	instead map[string]map[string]string // by where, then word
	// allowed are exceptions: a place (a file or folder) and a word or whole
	// name there. The value is set once one is used.
	allowed map[[2]string]bool
}

func readWords(t *testing.T) *wordList {
	t.Helper()
	list := &wordList{instead: map[string]map[string]string{}, allowed: map[[2]string]bool{}}
	text, err := os.ReadFile(filepath.Join("testdata", "words.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(line, "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case cells[0] == "allow" && len(cells) == 4 && cells[3] != "":
			list.allowed[[2]string{cells[1], cells[2]}] = false
		case len(cells) == 3:
			for _, where := range strings.Fields(cells[1]) {
				if list.instead[where] == nil {
					list.instead[where] = map[string]string{}
				}
				for _, word := range strings.Fields(cells[0]) {
					list.instead[where][word] = cells[2]
				}
			}
		default:
			t.Fatalf("words.txt:%d: found %q, expected WORDS | WHERE | INSTEAD or allow | PLACE | WORD | REASON", i+1, line)
		}
	}
	return list
}

// has reports whether a line forbids a word.
func (l *wordList) has(word string) bool {
	for _, words := range l.instead {
		if words[word] != "" {
			return true
		}
	}
	return false
}

// excused reports whether a word, or the name that it is in, is allowed in a
// file.
func (l *wordList) excused(file, word, name string) bool {
	for exception := range l.allowed {
		if (file == exception[0] || strings.HasPrefix(file, exception[0]+"/")) && (exception[1] == word || exception[1] == name) {
			l.allowed[exception] = true
			return true
		}
	}
	return false
}

// TestWords holds names, comments, texts and documents to the words of
// README.md.
func TestWords(t *testing.T) {
	list := readWords(t)
	if len(list.allowed) > maxExceptions {
		t.Errorf("words.txt has %d exceptions, expected at most %d", len(list.allowed), maxExceptions)
	}
	found, files := 0, 0
	report := func(file string, line int, where, word, name string) {
		if list.instead[where][word] == "" || list.excused(file, word, name) {
			return
		}
		if found++; found <= 50 {
			t.Errorf("%s:%d: %s: %q in %q: use instead: %s", file, line, where, word, name, list.instead[where][word])
		}
	}
	err := filepath.WalkDir("..", func(at string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == ".git" {
			return fs.SkipDir
		}
		name, err := filepath.Rel("..", at)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if d.IsDir() || filepath.Ext(at) == ".go" {
			for _, word := range nameWords(strings.TrimSuffix(d.Name(), ".go")) {
				report(name, 1, "name", word, d.Name())
			}
		}
		if d.IsDir() {
			return nil
		}
		switch ext := filepath.Ext(at); {
		case ext == ".go":
			files++
			return wordsOfGo(at, func(line int, where, word, in string) { report(name, line, where, word, in) })
		case ext == ".md", ext == ".html", ext == ".yaml":
			files++
			return wordsOfLines(at, "", func(line int, word, in string) { report(name, line, "doc", word, in) })
		case ext == ".sh", strings.HasPrefix(name, ".ci/"):
			files++
			return wordsOfLines(at, "#", func(line int, word, in string) { report(name, line, "comment", word, in) })
		case ext == ".lua", ext == ".sql":
			files++
			return wordsOfLines(at, "--", func(line int, word, in string) { report(name, line, "comment", word, in) })
		}
		return nil
	})
	if err != nil || files < 400 {
		t.Fatalf("read %d files, %v", files, err)
	}
	if found > 50 {
		t.Errorf("and %d more", found-50)
	}
	for exception, used := range list.allowed {
		if !used {
			t.Errorf("words.txt allows %q in %s, which does not use it", exception[1], exception[0])
		}
	}
}

// wordsOfGo calls report for each word of a Go file: of the names that it
// declares, of its comments and of its strings. A string without a space is one
// or more names: a key of JSON or of a log line, a value.
func wordsOfGo(path string, report func(line int, where, word, in string)) error {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.ParseComments)
	if err != nil {
		return err
	}
	line := func(at token.Pos) int { return set.Position(at).Line }
	for _, group := range file.Comments {
		for _, comment := range group.List {
			for i, text := range strings.Split(comment.Text, "\n") {
				for _, word := range textWords(text) {
					report(line(comment.Pos())+i, "comment", word, strings.TrimSpace(text))
				}
			}
		}
	}
	declared := func(names ...*ast.Ident) {
		for _, name := range names {
			if name != nil {
				for _, word := range nameWords(name.Name) {
					report(line(name.Pos()), "name", word, name.Name)
				}
			}
		}
	}
	expressions := func(all []ast.Expr) {
		for _, e := range all {
			if name, isName := e.(*ast.Ident); isName {
				declared(name)
			}
		}
	}
	declared(file.Name)
	test := strings.HasSuffix(path, "_test.go")
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.FuncDecl:
			declared(n.Name)
		case *ast.TypeSpec:
			declared(n.Name)
		case *ast.ValueSpec:
			declared(n.Names...)
		case *ast.Field:
			declared(n.Names...)
			return true
		case *ast.LabeledStmt:
			declared(n.Label)
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				expressions(n.Lhs)
			}
		case *ast.RangeStmt:
			if n.Tok == token.DEFINE {
				expressions([]ast.Expr{n.Key, n.Value})
			}
		case *ast.BasicLit:
			if n.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(n.Value)
			if err != nil || sqlText.MatchString(text) || test && !prose.MatchString(text) || strings.HasPrefix(text, "https://") {
				return true
			}
			words := textWords(text)
			if !strings.Contains(text, " ") {
				words = keyWords(text)
			}
			for _, word := range words {
				report(line(n.Pos()), "text", word, text)
			}
		}
		return true
	})
	return nil
}

// prose matches the strings of tests that are texts: their names and failures.
// Others are what the tests work on, such as scripts and records.
var prose = regexp.MustCompile(`^[\pL\d%+.,:;'#-]+( [\pL\d%+.,:;'#-]+)+$`)

// sqlText matches statements: the names of tables and columns are kept.
var sqlText = regexp.MustCompile(`(?is)^\s*(SELECT|INSERT|UPDATE|DELETE|WITH|CREATE|PRAGMA|REPLACE|ALTER|DROP)\s`)

// wordsOfLines calls report for each word of a text file; where a sign begins
// comments, for those of its comments.
func wordsOfLines(path, comment string, report func(line int, word, in string)) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		text := lines.Text()
		if strings.HasPrefix(text, "|") && strings.Count(text, "|") == 4 && strings.Contains(path, filepath.Join("engine", "README.md")) {
			text = text[:strings.LastIndex(strings.TrimSuffix(text, "|"), "|")] // the last column of the word table has what was replaced
		}
		if comment != "" {
			_, after, found := strings.Cut(text, comment)
			if !found {
				continue
			}
			text = after
		}
		for _, word := range textWords(text) {
			report(n, word, text)
		}
	}
	return lines.Err()
}

// pairs adds each two neighbours as "first+second".
func pairs(words []string) []string {
	all := slices.Clone(words)
	for i := 1; i < len(words); i++ {
		all = append(all, words[i-1]+"+"+words[i])
	}
	return all
}

// textWords are the words of a text in lower case, and its pairs. A word with a
// hyphen is one word; what is between backquotes is names.
func textWords(text string) []string {
	var all, names []string
	for i, part := range strings.Split(text, "`") {
		if i%2 == 1 {
			names = append(names, keyWords(part)...)
			continue
		}
		all = append(all, strings.FieldsFunc(strings.ToLower(part), func(r rune) bool { return r != '-' && r != '_' && !unicode.IsLetter(r) })...)
	}
	return append(pairs(all), names...)
}

// keyWords are the words of the names in a string without a space, as of
// "json:\"fullName\"" json, full, name and full+name.
func keyWords(text string) []string {
	var all []string
	for _, name := range strings.FieldsFunc(text, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		all = append(all, nameWords(name)...)
	}
	return all
}

// nameWords are the words of a name in lower case, and its pairs: of
// "maxHTTPTurns" max, http, turns, max+http and http+turns.
func nameWords(name string) []string {
	var all []string
	runes := []rune(name)
	start := 0
	end := func(i int) {
		if word := strings.Trim(string(runes[start:i]), "_0123456789"); word != "" {
			all = append(all, strings.ToLower(word))
		}
		start = i
	}
	for i := 1; i < len(runes); i++ {
		switch {
		case runes[i] == '_' || runes[i-1] == '_',
			unicode.IsUpper(runes[i]) && !unicode.IsUpper(runes[i-1]),
			unicode.IsUpper(runes[i]) && i+1 < len(runes) && unicode.IsLower(runes[i+1]):
			end(i)
		}
	}
	end(len(runes))
	return pairs(all)
}

// replacedButUsed are words of the column "replaced" of README.md that no line
// of words.txt forbids, with the reason.
var replacedButUsed = map[string]string{
	"breaks":   "a loop breaks",
	"confirm":  "a key of app files: how a webhook's address is confirmed",
	"expiring": "a key of app files, and an adjective",
	"load":     "rows and scripts are loaded",
	"lost":     "a key of app files; a store and a request can be lost",
	"machine":  "a computer, and vm.Machine",
	"now":      "what a clock returns",
	"places":   "more than one place in a text or a list",
	"proof":    "a key of app files: the hash that answers a handshake",
	"settle":   "a fixture settles: nothing is in progress",
	"sleep":    "a machine sleeps; time.Sleep",
	"timer":    "time.Timer",
}

// TestReplacedWords holds words.txt to the last column of the words in README.md.
func TestReplacedWords(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| word | meaning | replaced |\n")
	list, read, used := readWords(t), 0, map[string]bool{}
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 5 {
			break
		}
		for word := range strings.SplitSeq(cells[3], ",") {
			word = strings.TrimSuffix(strings.TrimSpace(word), "…")
			if word == "" || strings.Trim(word, "-") == "" {
				continue
			}
			read++
			forbidden := list.has(strings.ReplaceAll(word, " ", "+"))
			if used[word] = true; forbidden == (replacedButUsed[word] != "") {
				t.Errorf("%q is a replaced word of README.md: in words.txt %t, in replacedButUsed %t; expected one of them", word, forbidden, forbidden)
			}
		}
	}
	if read < 60 {
		t.Errorf("read %d words, expected the last column of the table in README.md", read)
	}
	for word := range replacedButUsed {
		if !used[word] {
			t.Errorf("%q is no replaced word of README.md", word)
		}
	}
}

// TestNameWords holds how names are split.
func TestNameWords(t *testing.T) {
	for name, want := range map[string]string{
		"maxHTTPCalls": "max http calls max+http http+calls", "Call": "call", "readAll": "read all read+all", "readall": "readall", "read_2": "read", "x": "x", "ID": "id",
	} {
		if got := strings.Join(nameWords(name), " "); got != want {
			t.Errorf("the words of %s are %q, want %q", name, got, want)
		}
	}
}
