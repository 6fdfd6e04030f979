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

// Files are the names of the files of an app.
type Files struct {
	App, Catalogue string
	// AppExisted is set if the app file existed; it was not changed.
	AppExisted bool
}

// Write writes the files of an app into a folder: the catalogue, and the app
// file if it does not exist. Each file is replaced as a whole or not at all.
func (d *Document) Write(folder, name, source string) (f Files, err error) {
	if err := CheckName(name); err != nil {
		return f, err
	}
	f.App, f.Catalogue = filepath.Join(folder, name+appSuffix), filepath.Join(folder, name+catalogueSuffix)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return f, err
	}
	switch _, err := os.Stat(f.App); {
	case err == nil:
		f.AppExisted = true
	case !errors.Is(err, fs.ErrNotExist):
		return f, err
	}
	text := fmt.Appendf(nil, "# Made by tidewire app add of %s. Do not edit: put what is to be different into %s.\n", source, filepath.Base(f.App))
	if err := replace(f.Catalogue, append(text, d.Catalogue...)); err != nil {
		return f, err
	}
	if f.AppExisted {
		_, err = load(f.App)
		return f, err
	}
	text, err = d.appFile(name)
	if err == nil {
		err = replace(f.App, text)
	}
	return f, err
}

// replace writes a file to a temporary one and renames that.
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

// appFile returns the text of a new app file.
func (d *Document) appFile(name string) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# What the document of %s does not have, to be completed. The words are those of the apps\n# that are built in; all of them may be left out.\n\n", name)
	head := map[string]string{"title": d.Title, "base_url": d.BaseURL, "docs": d.Docs}
	for _, key := range []string{"title", "base_url", "docs"} {
		line, err := yaml.Marshal(map[string]string{key: head[key]})
		if err != nil {
			return nil, err
		}
		if key == "base_url" && head[key] == "" {
			b.WriteString("base_url: \"\"                # https://api.example.com/v1; connections may have another\n")
			continue
		}
		b.Write(line)
	}
	for _, server := range d.Servers[min(1, len(d.Servers)):] {
		fmt.Fprintf(&b, "# another server: %s\n", server)
	}
	b.WriteString("\n# How a call is authorised: the first whose fields a connection has.\n")
	auth, err := yaml.Marshal(map[string]any{"auth": authKeys(d.Auth)})
	if err != nil {
		return nil, err
	}
	b.Write(auth)
	b.WriteString(strings.ReplaceAll(appTemplate, "acme", name))
	return b.Bytes(), nil
}

// authKeys returns the value of auth in an app file.
func authKeys(all []bindings.Auth) []any {
	list := []any{}
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
		list = append(list, one)
	}
	return list
}

// appTemplate is the rest of a new app file: what else it can have.
const appTemplate = `
# A call that changes nothing and returns the account of a connection.
# test: { operation: users.get_me, name: [name], account: id }

# What the vendor calls a customer's space, and where webhooks have its id.
# account: { noun: workspace, paths: [workspace_id] }

# Where an answer describes an error.
# errors: { message: [error.message], code: [error.code], request_id: [X-Request-Id] }

# limits:
#   - { requests: 100, per: 10s, scope: connection }   # or operation, host

# How each reads the pages of a list, by operation.
# pages:
#   orders.list: { items: data, cursors: { after: meta.next }, size_param: limit, size: 100 }

# operations:
#   orders.create: { idempotent: "the same reference returns the same order", idempotent_with: [reference] }

# triggers:
#   acme.order.created: { vendor: order.created, record: id }

# webhook:
#   signatures:
#     - { name: acme, algorithm: hmac-sha256, encoding: hex, header: X-Signature, value: "{signature}", signed: "{body}" }
#   # With the vendor's public key as key in signatures: whether it signs the webhooks of all its apps with it.
#   # shared_key: true
#   # app_id: { path: app_id }   # where a webhook has the id of the app, and end, if a client id has more than that
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
