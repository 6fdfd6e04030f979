package asana

import "github.com/tidewire/tidewire/bindings"

// echo defines which records calls change. An event has no record: it has the name
// of the field that changed, or the parent that the record was added to, so each
// write has its own kind of event.
func echo() *bindings.Echo {
	added, changed, removed, deleted := []string{"added"}, []string{"changed"}, []string{"removed"}, []string{"deleted"}
	e := &bindings.Echo{
		Volatile: []string{"created_at"},
		// The event of a new record has only its id and kind.
		Derived: map[string][]string{"resource_type": {"name", "notes", "parent", "projects", "text", "workspace"}},
	}
	for _, of := range []struct{ group, noun, argument string }{
		{"tasks", "task", "task_gid"}, {"projects", "project", "project_gid"}, {"sections", "section", "section_gid"},
		{"tags", "tag", "tag_gid"}, {"stories", "comment", "story_gid"},
	} {
		e.Writes = append(e.Writes, bindings.Write{Operations: []string{of.group + ".update"}, Noun: of.noun,
			Record: bindings.ArgumentPrefix + of.argument, Changed: "change.field", Verbs: changed})
	}
	for _, of := range []struct{ group, noun, argument string }{
		{"tasks", "task", "task_gid"}, {"projects", "project", "project_gid"}, {"sections", "section", "section_gid"},
		{"tags", "tag", "tag_gid"}, {"stories", "story", "story_gid"}, {"attachments", "attachment", "attachment_gid"},
	} {
		e.Writes = append(e.Writes, bindings.Write{Operations: []string{of.group + ".delete"}, Noun: of.noun,
			Record: bindings.ArgumentPrefix + of.argument, Deletes: true, Verbs: deleted})
	}
	for _, of := range []struct {
		noun       string
		operations []string
	}{
		{"task", []string{"tasks.create", "tasks.create_subtask"}},
		{"section", []string{"sections.create_for_project"}},
		{"attachment", []string{"attachments.create_for_object"}},
	} {
		e.Writes = append(e.Writes, bindings.Write{Operations: of.operations, Noun: of.noun, Record: "data.gid", State: "data", Within: "resource", Verbs: added})
	}
	// The record to which another was added, or from which it was removed, is the
	// parent of the event.
	project := map[string]string{"parent.gid": "project"}
	const task = bindings.ArgumentPrefix + "task_gid"
	e.Writes = append(e.Writes,
		bindings.Write{Operations: []string{"tasks.add_followers", "tasks.remove_followers", "tasks.set_parent"}, Noun: "task", Record: task,
			Changed: "change.field", Verbs: changed},
		bindings.Write{Operations: []string{"tasks.add_project"}, Noun: "task", Record: task, Names: project, Verbs: added},
		bindings.Write{Operations: []string{"tasks.remove_project"}, Noun: "task", Record: task, Names: project, Verbs: removed},
		bindings.Write{Operations: []string{"sections.add_task"}, Noun: "task", Record: bindings.ArgumentPrefix + "task",
			Names: map[string]string{"parent.gid": "section_gid"}, Verbs: added},
		bindings.Write{Operations: []string{"stories.create_for_task"}, Noun: "comment", Record: "data.gid",
			Names: map[string]string{"parent.gid": "task_gid"}, Verbs: added},
		bindings.Write{Operations: []string{"stories.create_for_goal"}, Noun: "comment", Record: "data.gid",
			Names: map[string]string{"parent.gid": "goal_gid"}, Verbs: added},
	)
	return e
}
