package sandbox

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"slices"
	"strings"
)

const (
	slackUploadPath = "/upload/v1/"
	slackFilePath   = "/files-pri/"
)

// A file comes in three steps: an address is asked for, the bytes are posted to
// it, and the upload is completed.

func slackUploadURL(r *request) (result, *failure) {
	if r.positive("length") == 0 {
		return result{}, slackError("missing_argument")
	}
	ticket, file := letters(r.app.random, 32, mixedAlphabet), "F0"+letters(r.app.random, 9, upperAlphabet)
	r.app.store.put("uploads", &record{id: file, fields: object{"ticket": ticket, "name": r.fields["filename"], "alt_txt": r.fields["alt_txt"]}})
	return result{fields: object{"file_id": file, "upload_url": r.app.sandbox.URL("slack") + slackUploadPath + ticket}}, nil
}

// slackUploaded takes the bytes of a file, as they are or as a part of a form.
func slackUploaded(a *app, h *http.Request, raw []byte, at string) (reply, bool) {
	ticket, found := strings.CutPrefix(at, slackUploadPath)
	if !found || h.Method != http.MethodPost && h.Method != http.MethodPut {
		return reply{}, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, upload := range a.store.all("uploads", nil) {
		if upload.fields["ticket"] != ticket {
			continue
		}
		content, err := slackBytes(h, raw)
		if err != nil || len(content) == 0 {
			return slackPlain(http.StatusBadRequest, "no file in the request"), true
		}
		a.files[upload.id] = content
		return slackPlain(http.StatusOK, fmt.Sprintf("OK - %d", len(content))), true
	}
	return slackPlain(http.StatusNotFound, "no such upload"), true
}

// slackBytes gives the first file of a multipart body, or the body.
func slackBytes(h *http.Request, raw []byte) ([]byte, error) {
	kind, params, _ := mime.ParseMediaType(h.Header.Get("Content-Type"))
	if kind != "multipart/form-data" {
		return raw, nil
	}
	parts := multipart.NewReader(bytes.NewReader(raw), params["boundary"])
	for {
		part, err := parts.NextPart()
		if err != nil {
			return nil, err
		}
		if part.FileName() != "" {
			return io.ReadAll(part)
		}
	}
}

func slackPlain(status int, say string) reply {
	return reply{status: status, header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, body: []byte(say)}
}

// slackDownload gives the bytes of a file to who has a token.
func slackDownload(a *app, h *http.Request, at string) (reply, bool) {
	id, found := strings.CutPrefix(at, slackFilePath)
	if !found || h.Method != http.MethodGet {
		return reply{}, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	id, _, _ = strings.Cut(id, "/")
	file := a.store.get("files", id)
	if _, failed := a.authorize(h); failed != nil || file == nil {
		return slackPlain(http.StatusNotFound, "no such file"), true
	}
	return reply{status: http.StatusOK, header: http.Header{"Content-Type": {text(file.fields["mimetype"])}}, body: a.files[id]}, true
}

func slackCompleteUpload(r *request) (result, *failure) {
	given, _ := r.fields["files"].([]any)
	channels := slackNames(r.fields["channels"])
	if one := r.fields["channel_id"]; !empty(one) {
		channels = []any{one}
	}
	for _, id := range channels {
		if r.app.store.get("channels", text(id)) == nil {
			return result{}, slackError("channel_not_found")
		}
	}
	for _, v := range given {
		id := text(lookup(v, "id"))
		if r.app.store.get("uploads", id) == nil || r.app.files[id] == nil {
			return result{}, slackError("file_not_found")
		}
	}
	out, files := result{}, []any{}
	for _, v := range given {
		made := r.uploaded(text(lookup(v, "id")), text(lookup(v, "title")), channels)
		files = append(files, made.fields)
		out.changes = append(out.changes, changed{record: made, trigger: "file.created",
			fields: object{"file_id": made.id, "user_id": slackBot, "file": object{"id": made.id}}})
	}
	for _, id := range channels {
		out.changes = append(out.changes, r.shareFiles(text(id), files)...)
	}
	out.fields = object{"files": files}
	return out, nil
}

// uploaded makes the file of an upload.
func (r *request) uploaded(id, title string, channels []any) *record {
	upload, content := r.app.store.get("uploads", id), r.app.files[id]
	name := text(upload.fields["name"])
	if title == "" {
		title = name
	}
	kind := http.DetectContentType(content)
	kind, _, _ = strings.Cut(kind, ";")
	ending := strings.TrimPrefix(path.Ext(name), ".")
	address := r.app.sandbox.URL("slack") + slackFilePath + id + "/" + name
	r.app.store.remove("uploads", upload)
	return r.app.make(r.app.model.resource("files"), id, object{
		"name": name, "title": title, "mimetype": kind, "filetype": ending, "pretty_type": strings.ToUpper(ending), "user": slackBot,
		"size": count(len(content)), "created": number(r.now.Unix()), "mode": "hosted", "is_external": false, "is_public": len(channels) > 0,
		"public_url_shared": false, "url_private": address, "url_private_download": address, "alt_txt": upload.fields["alt_txt"],
		"permalink": "https://sandbox.slack.com/files/" + slackBot + "/" + id + "/" + name, "channels": channels,
	}, nil, nil)
}

// shareFiles posts files into a channel, and tells of it.
func (r *request) shareFiles(channel string, files []any) []changed {
	messages := r.app.model.resource("messages")
	fields := object{"type": "message", "user": slackBot, "bot_id": "B0SANDBOT01", "text": text(r.fields["initial_comment"]), "files": clone(files)}
	for _, name := range []string{"blocks", "thread_ts"} {
		if v := r.fields[name]; !empty(v) {
			fields[name] = clone(v)
		}
	}
	posted := r.app.make(messages, "", fields, map[string]string{"channel": channel}, nil)
	event, _ := clone(posted.fields).(object)
	event["channel"], event["subtype"], event["event_ts"] = channel, "file_share", posted.id
	told := []changed{{resource: messages, record: posted, trigger: "message.file_shared", fields: event}}
	for _, f := range files {
		id := text(lookup(f, "id"))
		told = append(told, changed{record: posted, trigger: "file.shared",
			fields: object{"file_id": id, "user_id": slackBot, "file": object{"id": id}, "channel_id": channel}})
	}
	return told
}

// file finds the file that a request names.
func (r *request) file() (*record, *failure) {
	if found := r.app.store.get("files", text(r.fields["file"])); found != nil {
		return found, nil
	}
	return nil, slackError("file_not_found")
}

func slackFileInfo(r *request) (result, *failure) {
	found, failed := r.file()
	if failed != nil {
		return result{}, failed
	}
	return result{listed: true, page: r.cut(r.app.store.all("comments", nil)), fields: object{"file": found.fields}}, nil
}

func slackListFiles(r *request) (result, *failure) {
	all := slices.DeleteFunc(r.app.store.all("files", nil), func(f *record) bool {
		channels, _ := f.fields["channels"].([]any)
		return !empty(r.fields["channel"]) && !slices.Contains(channels, r.fields["channel"]) ||
			!empty(r.fields["user"]) && r.fields["user"] != f.fields["user"]
	})
	return result{listed: true, page: r.cut(all)}, nil
}

func slackDeleteFile(r *request) (result, *failure) {
	found, failed := r.file()
	if failed != nil {
		return result{}, failed
	}
	r.app.store.remove("files", found)
	delete(r.app.files, found.id)
	return result{changes: []changed{{resource: r.plan.resource, verb: "deleted", record: found, fields: object{"file_id": found.id}}}}, nil
}

// slackNames cuts a list that is written with commas.
func slackNames(v any) []any {
	out := []any{}
	for name := range strings.SplitSeq(text(v), ",") {
		if name = strings.TrimSpace(name); name != "" {
			out = append(out, name)
		}
	}
	return out
}
