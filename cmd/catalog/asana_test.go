package main

import "testing"

func TestAsana(t *testing.T) {
	got := generated(t, "asana", "operation tasks addTagForTask add_tag\n", map[string]string{"operations.json": `{"operations": [
		{"id": "getTasksForProject", "method": "GET", "path": "/projects/{project_gid}/tasks", "tag": "Tasks", "scopes": ["tasks:read"], "body": null, "params": [
		 {"name": "project_gid", "in": "path", "type": "string", "required": true}, {"name": "project_gid", "in": "path", "type": "string", "required": true},
		 {"name": "limit", "in": "query", "type": "integer"}, {"name": "offset", "in": "query", "type": "string"}, {"name": "opt_fields", "in": "query", "type": "array"}]},
		{"id": "createTask", "method": "POST", "path": "/tasks", "tag": "Tasks", "scopes": [], "params": [], "body_type": "application/json",
		 "body": {"data": {"type": "object", "fields": {"name": {"type": "string", "required": true}, "status": {"type": "string", "enum": ["a", "b"]},
		  "followers": {"type": "array", "items": "string"}, "parent": {"type": "object", "fields": {"gid": {"type": "string"}, "resource_type": {"type": "string"}, "name": {"type": "string"}}}}}}},
		{"id": "addTagForTask", "method": "POST", "path": "/tasks/{task_gid}/addTag", "tag": "Tasks", "scopes": [], "body_type": "application/json",
		 "params": [{"name": "task_gid", "in": "path", "type": "string", "required": true}], "body": {"data": {"type": "object", "fields": {"tag": {"type": "any", "required": true}}}}},
		{"id": "deleteTask", "method": "DELETE", "path": "/tasks/{task_gid}", "tag": "Tasks", "scopes": [], "body": null,
		 "params": [{"name": "task_gid", "in": "path", "type": "string", "required": true}]},
		{"id": "createAttachment", "method": "POST", "path": "/attachments", "tag": "User files", "scopes": [], "params": [], "body_type": "multipart/form-data",
		 "body": {"file": {"type": "string", "format": "binary"}}},
		{"id": "getWebhooks", "method": "GET", "path": "/webhooks", "tag": "Webhooks", "scopes": [], "body": null,
		 "params": [{"name": "workspace", "in": "query", "type": "string", "required": true}]}
	]}`})
	sameLines(t, got, `
operation tasks.add_tag {"id":"addTagForTask","method":"POST","path":"/tasks/{task_gid}/addTag","in_path":["task_gid!: string"],"body":{"encoding":"json","type":"#AddTagForTask","wrap":"data","required":true},"answer":"#Answer"}
operation tasks.create {"id":"createTask","method":"POST","path":"/tasks","body":{"encoding":"json","type":"#CreateTask","wrap":"data","required":true},"answer":"#Answer"}
operation tasks.delete {"id":"deleteTask","method":"DELETE","path":"/tasks/{task_gid}","in_path":["task_gid!: string"],"answer":"#Answer","idempotent":"deletes one record by its id, which the vendor does not give again"}
operation tasks.get_for_project {"id":"getTasksForProject","method":"GET","path":"/projects/{project_gid}/tasks","in_path":["project_gid!: string"],"in_query":["limit: integer","offset: string","opt_fields: [string]"],"join":{"opt_fields":","},"answer":"#Page","scopes":["tasks:read"],"pages":{"items":"data","cursors":{"offset":"next_page.offset"},"size_param":"limit","size":100}}
operation user_files.create_attachment {"id":"createAttachment","method":"POST","path":"/attachments","body":{"encoding":"multipart","type":"#CreateAttachment","required":true},"answer":"#Answer"}
operation webhooks.list {"id":"getWebhooks","method":"GET","path":"/webhooks","in_query":["workspace!: string"],"answer":"#Answer","account":"workspace"}
type AddTagForTask {"fields":["tag!: any"]}
type Answer {"fields":["data: object"]}
type Compact {"fields":["gid: string","resource_type: string","name: string"]}
type CreateAttachment {"fields":["file: file"]}
type CreateTask {"fields":["name!: string","status: \"a\"|\"b\"","followers: [string]","parent: #Compact"]}
type NextPage {"fields":["offset: string","path: string","uri: string"]}
type Page {"fields":["data: [object]","next_page: #NextPage"]}
`)
}
