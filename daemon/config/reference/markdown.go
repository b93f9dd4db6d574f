package reference

import (
	"fmt"
	"strings"

	"callbox/daemon/config"
)

const markdownHead = `# The configuration, key by key

The daemon reads ` + "`" + config.DefaultFile + "`" + `. Every key is optional. An environment variable (empty: not set) wins over
the file. ` + "`callboxctl check`" + ` finds every mistake in a file, with its line. This page is made from the comments in the
code by ` + "`go test ./daemon/config -update`" + `.

A change takes effect when the daemon is restarted; where a key says so, a reload (` + "`callboxctl reload`" + ` or
` + "`systemctl reload callbox`" + `) is enough. A running call keeps the limit and the timers that it
began with; a right that is taken away ends it. A duration has its unit:
` + "`90s`, `1m30s`, `2h`, `90d`" + `.
`

// Markdown is docs/configuration.md.
func (r *Reference) Markdown() string {
	var b strings.Builder
	b.WriteString(markdownHead)
	var section func(keys []config.Key)
	section = func(keys []config.Key) {
		for _, k := range keys {
			switch {
			case k.Kind == "section":
				fmt.Fprintf(&b, "\n## %s\n\n%s\n", k.Path, r.comment(k))
				section(k.Keys)
			case len(k.Keys) > 0:
				fmt.Fprintf(&b, "\n**`%s`** %s\n\nDefault: empty. No environment variable.%s Keys of each item:\n\n", k.Path, r.comment(k), effect(k))
				for _, sub := range k.Keys {
					fmt.Fprintf(&b, "- `%s`: %s\n", sub.Name, r.comment(sub))
				}
			default:
				fmt.Fprintf(&b, "\n**`%s`** %s\n\n%s\n", k.Path, r.comment(k), facts(k))
			}
		}
	}
	section(r.Keys)
	return b.String()
}

func effect(k config.Key) string {
	if k.Effect == config.AtReload {
		return " Takes effect at a reload."
	}
	return ""
}

// facts are what is known of a key beside its comment, in Markdown.
func facts(k config.Key) string {
	items := ""
	if k.Separator != "" {
		items = fmt.Sprintf(", items separated by `%s`", k.Separator)
	}
	return fmt.Sprintf("Default: %s. Environment: `%s`%s.%s", defaultText(k), k.Variable, items, effect(k))
}

func defaultText(k config.Key) string {
	switch {
	case k.Unset && k.Kind != "list":
		return "not set"
	case k.Default == "":
		return "empty"
	case k.Separator == ",":
		return "`" + strings.ReplaceAll(k.Default, ",", ", ") + "`"
	}
	return "`" + k.Default + "`"
}
