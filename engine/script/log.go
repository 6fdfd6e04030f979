package script

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"
)

// allProblems returns the problems of the folder and of each script.
func (s *Set) allProblems() []Problem {
	all := slices.Clone(s.problems)
	for i, p := range all {
		if e := s.entries[p.Script]; e != nil {
			all[i].LastVersionLive = e.live != nil
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.entries)) {
		e := s.entries[name]
		problems := e.problems
		if e.conflict != nil {
			problems = append(slices.Clone(problems), *e.conflict)
		}
		for _, p := range problems {
			p.LastVersionLive = e.live != nil
			all = append(all, p)
		}
	}
	return all
}

func (s *Set) logLoaded(ctx context.Context, level slog.Level, script *Script, duration time.Duration) {
	s.config.Log.Log(ctx, level, "script loaded", "script", script.Name, "hooks", len(script.Hooks),
		"version", script.Version.Hash[:8], "took", duration.Round(time.Microsecond))
	if source, read := script.Version.Sources[script.Version.Main]; read && strings.TrimSpace(source) == "" {
		s.config.Log.WarnContext(ctx, "the file of a script is empty: it has no hooks", "script", script.Name, "file", script.Version.Main)
	}
	for _, warning := range script.Program.Warnings() {
		s.config.Log.WarnContext(ctx, "a line may not do what it looks like", "script", script.Name, "at", warning)
	}
	for _, d := range script.details {
		for _, in := range d.inbound {
			if text := in.warning(); text != "" {
				s.config.Log.WarnContext(ctx, text, "script", script.Name, "address", "in:"+in.Path, "at", d.position)
			}
		}
	}
}

// logReport logs a report. A problem that lasts is logged once.
func (s *Set) logReport(ctx context.Context, r Report) {
	scripts := s.Generation().Scripts
	level := slog.LevelInfo
	if len(r.Loaded) > 20 {
		level = slog.LevelDebug
		s.config.Log.InfoContext(ctx, "scripts loaded", "scripts", len(r.Loaded), "took", r.Duration.Round(time.Microsecond))
	}
	for _, name := range r.Loaded {
		if s.entries[name].loaded != scripts[name] {
			continue // its last version, by restore
		}
		s.logLoaded(ctx, level, scripts[name], r.Duration)
	}
	for _, name := range r.Removed {
		s.config.Log.InfoContext(ctx, "script removed", "script", name)
	}
	for _, v := range r.Replaced {
		text := "runs go on with the version they began with; tidewire runs migrate moves those that are parked"
		if v.Removed {
			text = "runs of a removed script go on with its last version; tidewire runs cancel ends them"
		}
		s.config.Log.WarnContext(ctx, text, "script", v.Script, "runs", v.Runs, "version", v.Version[:8])
	}
	now := make(map[Problem]bool, len(r.Problems))
	for _, p := range r.Problems {
		now[p] = true
		if s.reported[p] {
			continue
		}
		what := "script not loaded"
		switch {
		case p.LastVersionLive:
			what = "script not loaded; its last version stays live"
		case p.Script == "":
			what = "file passed over"
		}
		s.config.Log.ErrorContext(ctx, what, "script", p.Script, "error", p.Error())
	}
	solved := map[string]bool{}
	for p := range s.reported {
		solved[p.Script] = p.Script != ""
	}
	for p := range now {
		solved[p.Script] = false
	}
	for _, name := range slices.Sorted(maps.Keys(solved)) {
		if solved[name] && scripts[name] != nil && !contains(r.Loaded, name) {
			s.config.Log.InfoContext(ctx, "script is right again", "script", name)
		}
	}
	s.reported = now
}
