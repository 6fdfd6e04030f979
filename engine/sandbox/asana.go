package sandbox

func asana() *rules { return &rules{ids: []string{"gid"}} }
