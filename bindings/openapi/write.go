package openapi

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tidewire/tidewire/bindings"
)

// Files are the names of what Write wrote.
type Files struct {
	App, Catalogue string
	// AppExisted says that the app file was there, and was left as it is.
	AppExisted bool
}

// Write writes the files of an app into a folder: the catalogue anew, and the
// app file if it is not there. Nothing is left half written.
func (d *Document) Write(folder, name, source string) (f Files, err error) {
	if err := CheckName(name); err != nil {
		return f, err
	}
	f.App, f.Catalogue = filepath.Join(folder, name+appEnd), filepath.Join(folder, name+catalogueEnd)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return f, err
	}
	switch _, err := os.Stat(f.App); {
	case err == nil:
		f.AppExisted = true
	case !errors.Is(err, fs.ErrNotExist):
		return f, err
	}
	text := fmt.Appendf(nil, "# Made by tidewire app add of %s. Do not edit: what is to be different stands in %s.\n", source, filepath.Base(f.App))
	if err := replace(f.Catalogue, append(text, d.Catalogue...)); err != nil {
		return f, err
	}
	if f.AppExisted {
		_, err = load(f.App)
		return f, err
	}
	words, err := d.words(name)
	if err == nil {
		err = replace(f.App, words)
	}
	return f, err
}

func replace(name string, text []byte) error {
	part, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(part.Name())
	_, err = part.Write(text)
	if err = errors.Join(err, part.Sync(), part.Close()); err != nil {
		return err
	}
	if err := os.Chmod(part.Name(), 0o644); err != nil {
		return err
	}
	return os.Rename(part.Name(), name)
}

// words is the app file as it begins.
func (d *Document) words(name string) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# What the document does not say of %s, to be completed. The words are those of the apps\n# that are built in; all of them may be left out.\n\n", name)
	head := map[string]string{"title": d.Title, "base_url": d.BaseURL, "docs": d.Docs}
	for _, key := range []string{"title", "base_url", "docs"} {
		line, err := yaml.Marshal(map[string]string{key: head[key]})
		if err != nil {
			return nil, err
		}
		if key == "base_url" && head[key] == "" {
			b.WriteString("base_url: \"\"                # https://api.example.com/v1; connections may say another\n")
			continue
		}
		b.Write(line)
	}
	for _, server := range d.Servers[min(1, len(d.Servers)):] {
		fmt.Fprintf(&b, "# another server: %s\n", server)
	}
	b.WriteString("\n# How a call is authorised: the first whose fields a connection has.\n")
	auth, err := yaml.Marshal(map[string]any{"auth": authWords(d.Auth)})
	if err != nil {
		return nil, err
	}
	b.Write(auth)
	b.WriteString(strings.ReplaceAll(rest, "acme", name))
	return b.Bytes(), nil
}

func authWords(all []bindings.Auth) []any {
	words := []any{}
	for _, a := range all {
		one := map[string]any{"name": a.Name, "fields": a.Fields, "format": a.Format}
		if a.Header != "" {
			one["header"] = a.Header
		}
		if a.Query != "" {
			one["query"] = a.Query
		}
		if len(a.Plain) > 0 {
			one["plain"] = a.Plain
		}
		if o := a.OAuth; o != nil {
			flow := map[string]any{"token_url": o.TokenURL, "rotates": o.Rotates}
			if o.AuthorizeURL != "" {
				flow["authorize_url"], flow["pkce"] = o.AuthorizeURL, o.PKCE
			}
			if o.ClientCredentials {
				flow["client_credentials"] = true
			}
			if len(o.Scopes.Default) > 0 {
				flow["scopes"] = map[string]any{"default": o.Scopes.Default}
			}
			one["oauth"] = flow
		}
		words = append(words, one)
	}
	return words
}

// rest is what an app file can say besides.
const rest = `
# A harmless call that says whose a connection is.
# test: { operation: users.get_me, name: [name], account: id }

# What the vendor calls a customer's space, and where webhooks name it.
# account: { noun: workspace, paths: [workspace_id] }

# Where an answer says what went wrong.
# errors: { message: [error.message], code: [error.code], request_id: [X-Request-Id] }

# limits:
#   - { requests: 100, per: 10s, scope: connection }   # or operation, host

# How each walks a list, by operation.
# pages:
#   orders.list: { items: data, cursors: { after: meta.next }, size_param: limit, size: 100 }

# operations:
#   orders.create: { idempotent: "the same reference gives the same order", idempotent_with: [reference] }

# triggers:
#   acme.order.created: { vendor: order.created, record: id }

# webhook:
#   signatures:
#     - { name: acme, algorithm: hmac-sha256, encoding: hex, header: X-Signature, value: "{signature}", signed: "{body}" }
#   id: id
#   type: type
#   data: data

# polls:
#   - name: orders
#     list: { operation: orders.list, args: { updated_after: "{since}" } }
#     record: id
#     updated: updated_at
#     on_created: acme.order.created
#     every: 5m
`
