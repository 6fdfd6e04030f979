package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/lmittmann/tint"
	"github.com/mattn/go-isatty"
	"github.com/spf13/pflag"
)

// logFlags are the flags for logs.
type logFlags struct{ format, level string }

func (f *logFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.format, "log-format", "auto", "how logs are written: text, json, or auto (text on a terminal)")
	flags.StringVar(&f.level, "log-level", "info", "the least level that is logged: debug, info, warn or error")
}

// logger returns one that writes to w, with colours if that is a terminal.
func (f *logFlags) logger(w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.level)); err != nil {
		return nil, usageError{fmt.Errorf("--log-level: found %q, expected debug, info, warn or error", f.level)}
	}
	switch f.format {
	case "json":
		return slog.New(jsonHandler(w, level)), nil
	case "text":
		return slog.New(textHandler(w, level, onTerminal(w))), nil
	case "auto":
		if onTerminal(w) {
			return slog.New(textHandler(w, level, true)), nil
		}
		return slog.New(jsonHandler(w, level)), nil
	}
	return nil, usageError{fmt.Errorf("--log-format: found %q, expected text, json or auto", f.format)}
}

// jsonHandler writes durations as milliseconds, under the key with _ms added.
func jsonHandler(w io.Writer, level slog.Level) slog.Handler {
	return slog.NewJSONHandler(escapingWriter{w}, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Value.Kind() == slog.KindDuration {
			return slog.Float64(a.Key+"_ms", float64(a.Value.Duration().Microseconds())/1000)
		}
		return a
	}})
}

// textHandler escapes control characters, which the handler below it leaves in
// some texts.
func textHandler(w io.Writer, level slog.Level, colour bool) slog.Handler {
	return tint.NewTextHandler(w, &tint.Options{
		Level: level, TimeFormat: "15:04:05.000", NoColor: !colour || os.Getenv("NO_COLOR") != "",
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			a.Key = escape(a.Key)
			switch value := a.Value; value.Kind() {
			case slog.KindDuration:
				a.Value = slog.StringValue(shortDuration(value.Duration()))
			case slog.KindString:
				a.Value = slog.StringValue(escape(value.String()))
			case slog.KindAny:
				if _, ours := value.Any().(slog.Level); !ours {
					a.Value = slog.StringValue(escape(fmt.Sprintf("%+v", value.Any())))
				}
			}
			return a
		},
	})
}

func onTerminal(w io.Writer) bool {
	file, ok := w.(interface{ Fd() uintptr })
	return ok && isatty.IsTerminal(file.Fd())
}

// shortDuration returns a duration in few digits: 3.2ms, 1.5s, 2h4m.
func shortDuration(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		d = d.Round(time.Microsecond)
	case d < time.Second:
		d = d.Round(100 * time.Microsecond)
	case d < time.Minute:
		d = d.Round(10 * time.Millisecond)
	default:
		text := d.Round(time.Second).String()
		for _, zero := range []string{"m0s", "h0m"} {
			if strings.HasSuffix(text, zero) {
				text = text[:len(text)-2]
			}
		}
		return text
	}
	return d.String()
}
