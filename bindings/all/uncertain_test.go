package all_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/all"
)

var update = flag.Bool("update", false, "write the table of uncertain calls again")

const uncertainTable = "../UNCERTAIN.md"

// creates matches the names of operations that make a record of a kind which
// scripts often make. Each of them has a way to be found, or the reason why not.
var creates = regexp.MustCompile(`(?:^|[._])(?:create|add|insert|import|send|post|upload|quick_add)(?:_|$)`)

var nouns = regexp.MustCompile(`^(?:v3\.)?(?:contacts\.create|contacts\.create_(?:task|note)|clients\.create|tasks\.create|tasks\.create_subtask|` +
	`calendars\.create_(?:appointment|appointment_note|blocked_slot)|events\.(?:insert|import|quick_add)|opportunities\.create|` +
	`(?:client_)?invoices\.(?:create|create_estimate|text2pay|create_from_estimate|upload_file)|quotes\.create|[a-z_]*transfers\.create|` +
	`attachments\.(?:upload|create_for_object)|transactions\.add_attachment|conversations\.(?:send_message|add_inbound_message|add_outbound_call|upload_attachments|create)|` +
	`chat\.(?:post_message|schedule_message|me_message)|(?:channels|chats)\.(?:create|send_message|send_reply)|webhooks\.post|` +
	`stories\.create_for_task|projects\.create[a-z_]*|tags\.create[a-z_]*|locations\.create_tag|calendars\.insert|files\.complete_upload_external|medias\.upload)$`)

// TestUncertainTable compares the table of the operations that are not safe to
// repeat with the file.
func TestUncertainTable(t *testing.T) {
	var b strings.Builder
	b.WriteString(`# Calls whose result is not known

What the engine does after a crash or a lost answer, for each operation that is not safe to repeat. This file is generated:
` + "`go test ./bindings/all -run TestUncertainTable -update`" + `. [README.md](README.md) describes how an operation gets a look-up.

- **key**: the call is sent with a key of ours. A record with it is the call's; none means that it was not done.
- **vendor's key**: the call is sent with an idempotency key, and is sent again while the vendor stores it.
- **equality**: a read of the vendor's records. Without a match the call was not done; a match is a candidate that a person decides about.
- Otherwise the run is held for a person, with the reason of this table.

`)
	for _, app := range all.Apps() {
		fmt.Fprintf(&b, "## %s\n\n| operation | how |\n|---|---|\n", app.Name)
		for _, name := range app.Operations() {
			o, _ := app.Operation(name)
			if o.ReadOnly() || o.Idempotent != "" && len(o.IdempotentWith)+len(o.IdempotentWithout) == 0 {
				continue
			}
			if nouns.MatchString(name) && len(o.Find) == 0 && o.NotFound == "" {
				t.Errorf("%s.%s: expected find, or not_found with the reason", app.Name, name)
			}
			fmt.Fprintf(&b, "| `%s` | %s |\n", name, strings.Join(howFound(app, o), "; "))
		}
		b.WriteByte('\n')
	}
	got := strings.TrimRight(b.String(), "\n") + "\n"
	if *update {
		if err := os.WriteFile(uncertainTable, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(uncertainTable)
	if err != nil {
		t.Fatalf("%v; write it with -update", err)
	}
	if got != string(want) {
		t.Errorf("%s is not that of the catalogues; write it with -update", uncertainTable)
	}
}

// howFound returns what is done about a call of an operation.
func howFound(app *bindings.App, o *bindings.Operation) (how []string) {
	if o.Idempotent != "" {
		condition := "with " + strings.Join(o.IdempotentWith, " or ")
		if len(o.IdempotentWith) == 0 {
			condition = "without " + strings.Join(o.IdempotentWithout, " and ")
		}
		how = append(how, "sent again "+condition)
	}
	if o.Key {
		how = append(how, fmt.Sprintf("**vendor's key**, %s", app.KeyTTL))
	}
	for _, f := range o.Find {
		how = append(how, describeFind(app, o, f))
	}
	switch {
	case o.NotFound != "":
		how = append(how, "else: "+o.NotFound)
	case len(o.Find) > 0:
	case !creates.MatchString(o.Name):
		how = append(how, "none: it makes no record that could be found")
	default:
		how = append(how, "none: no look-up is described for records of this kind")
	}
	return how
}

func describeFind(app *bindings.App, o *bindings.Operation, f bindings.Find) string {
	text := "**equality**"
	if f.Key {
		text = "**key** in " + strings.Join(slices.Sorted(maps.Keys(o.OwnKey.Args)), ", ")
		if len(o.OwnKey.Auths) > 0 {
			text += " (" + strings.Join(o.OwnKey.Auths, ", ") + ")"
		}
	}
	text += " by `" + f.Operation + "`"
	if compared := slices.Sorted(maps.Keys(f.Match)); len(compared) > 0 && !f.Key {
		text += " of " + strings.Join(compared, ", ")
	}
	if f.Created != "" {
		text += " of newer ones"
	}
	for _, condition := range []struct {
		word  string
		names []string
	}{{"with", f.With}, {"without", f.Without}} {
		if len(condition.names) > 0 {
			text += ", " + condition.word + " " + strings.Join(condition.names, ", ")
		}
	}
	return text
}
