package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

var consentAddress = regexp.MustCompile(`^http://\S+/oauth/authorize\?\S+$`)

// authorise runs tidewire connect with the arguments and acts as the person: it
// opens the address that is printed, presses a button of the consent page, and
// follows the redirect. The output of connect is in standard output and error.
func authorise(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || !slices.Contains([]string{"allow", "deny"}, args[0]) {
		ts.Fatalf("usage: authorise allow|deny ARGS…")
	}
	line := append([]string{"connect"}, args[1:]...)
	manual := slices.Contains(args, "--manual")
	if !manual {
		line = append(line, "--no-browser", "--redirect", "http://localhost:"+freePort(ts)+"/callback")
	}
	path, err := exec.LookPath("tidewire")
	ts.Check(err)
	command := exec.Command(path, line...)
	command.Dir = ts.MkAbs(".")
	for _, name := range append(strings.Fields(ts.Getenv("ENVIRON")), "PATH", "HOME", "TZ", "TMPDIR", "GOCOVERDIR") {
		command.Env = append(command.Env, name+"="+ts.Getenv(name))
	}
	stdin, err := command.StdinPipe()
	ts.Check(err)
	var out strings.Builder
	command.Stdout = &out
	stderr, err := command.StderrPipe()
	ts.Check(err)
	ts.Check(command.Start())
	defer command.Process.Kill()
	var stderrLines []string
	var read sync.WaitGroup
	address := make(chan string, 1)
	read.Go(func() {
		defer close(address)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			stderrLines = append(stderrLines, lines.Text())
			if consentAddress.MatchString(lines.Text()) {
				address <- lines.Text()
			}
		}
	})
	if at, found := <-address; found {
		back := decide(ts, at, args[0])
		if manual {
			io.WriteString(stdin, back+"\n")
		} else {
			visit(ts, back)
		}
	}
	stdin.Close()
	read.Wait()
	err = command.Wait()
	fmt.Fprint(ts.Stdout(), out.String())
	fmt.Fprintln(ts.Stderr(), strings.Join(stderrLines, "\n"))
	if (err != nil) != neg {
		ts.Fatalf("connect ended with %v:\n%s%s", err, out.String(), strings.Join(stderrLines, "\n"))
	}
}

func freePort(ts *testscript.TestScript) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	ts.Check(err)
	return port
}

// decide opens a consent page and presses a button. It returns the address of the
// redirect.
func decide(ts *testscript.TestScript, address, decision string) string {
	jar, err := cookiejar.New(nil)
	ts.Check(err)
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	page, err := browser.Get(address)
	ts.Check(err)
	defer page.Body.Close()
	text, err := io.ReadAll(page.Body)
	ts.Check(err)
	if page.StatusCode == http.StatusFound {
		return page.Header.Get("Location")
	}
	if !strings.Contains(string(text), `value="`+decision+`"`) {
		ts.Fatalf("the consent page has no %s:\n%s", decision, text)
	}
	form := url.Values{"decision": {decision}}
	if account := ts.Getenv("CONSENT_ACCOUNT"); account != "" {
		form.Set("account", account)
	}
	answer, err := browser.PostForm(address, form)
	ts.Check(err)
	answer.Body.Close()
	return answer.Header.Get("Location")
}

// visit opens the address of the redirect and saves the page in page.html.
func visit(ts *testscript.TestScript, address string) {
	page, err := http.Get(address)
	ts.Check(err)
	defer page.Body.Close()
	text, err := io.ReadAll(page.Body)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("page.html"), text, 0o644))
}
