package all_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestNewApp follows bindings/README.md: it adds one folder and one line to a
// copy of the module, builds it, and runs a script that calls the app in the
// sandbox.
func TestNewApp(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	dir := t.TempDir()
	copyModule(t, filepath.Join("..", ".."), dir)
	readme := read(t, filepath.Join("..", "README.md"))
	for _, name := range []string{"bindings/kanban/catalogue.txt", "bindings/kanban/kanban.go", "bindings/kanban/sandbox.go"} {
		write(t, filepath.Join(dir, name), block(t, readme, name))
	}
	list := filepath.Join(dir, "bindings", "all", "all.go")
	write(t, list, addLine(t, read(t, list), block(t, readme, "bindings/all/all.go")))

	program := filepath.Join(dir, "tidewire")
	build := exec.Command("go", "build", "-trimpath", "-o", program, "./cmd/tidewire") // with -trimpath the build cache is valid for any folder
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}

	home := t.TempDir()
	write(t, filepath.Join(home, "scripts", "plan.lua"), block(t, readme, "scripts/plan.lua"))
	printed, _ := start(t, home, program, "sandbox", "--listen", "127.0.0.1:0", "--webhooks", "", "--dir", home)
	connection := connectionOf(t, printed, "kanban")
	write(t, filepath.Join(home, "tidewire.yaml"), connection)
	_, log := start(t, home, program, "run", home, "--listen", "127.0.0.1:0", "--log-format", "json")
	webhooks, _ := until(t, log, "tidewire is ready")[0]["webhooks"].(string)
	sandbox := strings.TrimSuffix(regexp.MustCompile(`http://\S+/kanban`).FindString(connection), "/kanban") + "/sandbox/"
	post(t, sandbox+"subscriptions", fmt.Sprintf(`{"app":"kanban","url":%q,"secret":"sandbox-webhook-secret"}`, strings.Replace(webhooks, "<app>", "kanban", 1)))
	if out, err := exec.Command(program, "send", "in:/plan", "--dir", home).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	lines := until(t, log, "made a board", "a board was created") // in any order
	if made := lines[0]; made["title"] != "Launch" || made["state"] != "open" || made["beside"] != "Plan" {
		t.Errorf("the script made %v", made)
	}
	if created := lines[1]; created["title"] != "Launch" || created["all"] != "Plan, Launch" {
		t.Errorf("the webhook of the call: %v", created)
	}
	emit := regexp.MustCompile(`(?m)^curl -d '(.*)' \S+/sandbox/emit$`).FindStringSubmatch(readme)
	if emit == nil {
		t.Fatal("the document has no command that sends a webhook")
	}
	post(t, sandbox+"emit", emit[1])
	if created := until(t, log, "a board was created")[0]; created["title"] != "From a person" || created["all"] != "Plan, Launch, From a person" {
		t.Errorf("the webhook of the command: %v", created)
	}
}

// post sends a body to an address of the sandbox.
func post(t *testing.T, address, body string) {
	t.Helper()
	answer, err := http.Post(address, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusOK {
		t.Fatalf("%s answered %d %s", address, answer.StatusCode, text)
	}
}

// copyModule copies the files that a build needs.
func copyModule(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		switch {
		case d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, name), 0o755)
		case strings.HasSuffix(name, "_test.go"), !d.Type().IsRegular():
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), content, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// block returns the first code block after a file's name in a document.
func block(t *testing.T, document, name string) string {
	t.Helper()
	_, after, found := strings.Cut(document, "`"+name+"`")
	_, after, opened := strings.Cut(after, "\n```")
	_, after, _ = strings.Cut(after, "\n")
	code, _, closed := strings.Cut(after, "\n```\n")
	if !found || !opened || !closed {
		t.Fatalf("the document has no code block for %s", name)
	}
	return code + "\n"
}

// addLine adds the app's line to the list, and its import.
func addLine(t *testing.T, list, line string) string {
	t.Helper()
	const previous = "\t\t{highlevel.App, highlevel.Rules},\n"
	if !strings.Contains(list, previous) {
		t.Fatalf("the list has no line %q", previous)
	}
	list = strings.Replace(list, previous, previous+line, 1)
	return strings.Replace(list, "import (\n", "import (\n\t\"github.com/tidewire/tidewire/bindings/kanban\"\n", 1)
}

// connectionOf reads one connection from the output of `tidewire sandbox`.
func connectionOf(t *testing.T, printed *bufio.Scanner, app string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("connections:\n")
	inside := false
	for printed.Scan() {
		line := printed.Text()
		if regexp.MustCompile(`^  \S`).MatchString(line) || line == "" {
			inside = line == "  "+app+":"
		}
		if inside {
			b.WriteString(line + "\n")
		}
		if line == "" && b.Len() > len("connections:\n") {
			return b.String()
		}
	}
	t.Fatalf("the sandbox printed no connection of %s: %v", app, printed.Err())
	return ""
}

// start starts the program. It is stopped at the end of the test.
func start(t *testing.T, home, program string, args ...string) (out, log *bufio.Scanner) {
	t.Helper()
	c := exec.CommandContext(t.Context(), program, args...)
	c.Dir = home
	c.Env = append(os.Environ(), "SANDBOX_LOGIN=demo", "SANDBOX_TOKEN=sandbox-token", "SANDBOX_WEBHOOK_SECRET=sandbox-webhook-secret")
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // t.Context was cancelled before
		_, _ = io.Copy(io.Discard, stderr)
		_ = c.Wait()
	})
	return bufio.NewScanner(stdout), bufio.NewScanner(stderr)
}

// until reads the log until it has had all messages, and returns their lines.
func until(t *testing.T, log *bufio.Scanner, messages ...string) []map[string]any {
	t.Helper()
	var read bytes.Buffer
	found := make([]map[string]any, len(messages))
	for missing := len(messages); missing > 0; {
		if !log.Scan() {
			t.Fatalf("the log has not all of %q: %s", messages, &read)
		}
		read.Write(append(log.Bytes(), '\n'))
		var line map[string]any
		if json.Unmarshal(log.Bytes(), &line) != nil {
			continue
		}
		if i := slices.Index(messages, fmt.Sprint(line["msg"])); i >= 0 && found[i] == nil {
			found[i] = line
			missing--
		}
	}
	return found
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
