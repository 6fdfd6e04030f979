package config

import (
	"fmt"
	"io"
	"strings"
)

// Print writes the reference of all settings as text for people.
func Print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, `Settings are in %s. Variables override the file, flags override both. In the names
of variables two underscores go one level down and three mean a slash. A change takes
effect at the next start (restart). Settings marked live can also be changed with tidewire
connect, which a running engine uses at once.

`, FileName)
	for _, r := range settings {
		r.print(&b, variablePrefix+strings.ToUpper(strings.ReplaceAll(r.Name, ".", "__")))
	}
	b.WriteString(`
Settings of a connection, below connections and its name. All others are credentials, and the
app names them: tidewire connect asks for them. It writes them and those marked live to the
vault, which is used where nothing is set here; the flags are those of connect. A variable is
TIDEWIRE_CONNECTIONS__QONTO__ACCOUNT for qonto, TIDEWIRE_CONNECTIONS__QONTO___PARIS__ACCOUNT for
qonto/paris.

`)
	for _, r := range connectionSettings {
		r.print(&b, "")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// print writes one setting on two lines. An empty variable is left out.
func (s Setting) print(b *strings.Builder, variable string) {
	facts := []string{s.Expected}
	if s.Secret {
		facts = append(facts, "secret: write ${NAME} or file:PATH")
	}
	if s.Default != "" {
		facts = append(facts, "default "+s.Default)
	}
	switch {
	case variable == "":
	case s.Kind == Map:
		facts = append(facts, variable+"__…")
	default:
		facts = append(facts, variable)
	}
	if s.Flag != "" {
		facts = append(facts, s.Flag)
	}
	if s.Live {
		facts = append(facts, "live")
	} else {
		facts = append(facts, "restart")
	}
	fmt.Fprintf(b, "%-20s%s\n%20s%s\n", s.Name, s.Help, "", strings.Join(facts, "; "))
}
