package reference

import (
	"fmt"
	"strings"

	"callbox/daemon/config"
	"callbox/daemon/manual"
)

// Manual is the page callbox.yaml(5).
func (r *Reference) Manual(date, version string) string {
	p := manual.NewPage("callbox.yaml", 5, date, version, "the configuration of callboxd")
	p.Section("Synopsis")
	p.Text(config.DefaultFile)
	p.Section("Description")
	p.Text(`callboxd(8) reads this YAML file at its start and at each reload. Every key is optional, and so is the file. ` +
		`An environment variable (empty: not set) wins over the file. callboxctl-check(1) finds every mistake in a file, with its line.` + "\n\n" +
		`A change takes effect when the daemon is restarted; where a key says so, a reload is enough (callboxctl reload, or ` +
		`systemctl reload callbox). A running call keeps the limit and the timers that it began with; a right that is taken away ends it.` + "\n\n" +
		`A duration has its unit: 90s, 1m30s, 2h, 90d. A key is written here with the sections that it is in: ` +
		`call.ring_timeout is the key ring_timeout in the section call.` + "\n\n" +
		`Secrets do not stand in the file. Keys that end in _file name a file, or a systemd credential: callbox.broker-password, ` +
		`callbox.turn-secret or callbox.webhook-secret, which systemd-creds(1) encrypts: systemd-creds encrypt --name=callbox.turn-secret - /etc/credstore.encrypted/callbox.turn-secret`)
	r.manual(p, r.Keys)
	p.Section("Example")
	p.Verbatim(manualExample)
	p.Section("Files")
	p.Item(config.DefaultFile, "The file.")
	p.Item("/usr/share/doc/callbox/examples/callbox.yaml", "Every key with its default.")
	p.Item("/usr/share/callbox/callbox.schema.json", "A JSON schema, for editors.")
	p.SeeAlso("callboxd(8)", "callboxctl(1)", "callboxctl-check(1)", "callboxctl-reload(1)")
	return p.String()
}

// manualExample is a small file such as a device maker writes; a test reads it.
const manualExample = `device:
  sn: door-0001
  name: Front door
call:
  max_duration: 10m
policy:
  do_not_disturb: ["22:00-07:00"]
log:
  level: info`

func (r *Reference) manual(p *manual.Page, keys []config.Key) {
	for _, k := range keys {
		switch {
		case k.Kind == "section" && strings.Contains(k.Path, "."):
			p.Subsection(k.Path)
			p.Text(r.about(k))
			r.manual(p, k.Keys)
		case k.Kind == "section":
			p.Section("Section " + k.Path)
			p.Text(r.about(k))
			r.manual(p, k.Keys)
		case len(k.Keys) > 0:
			p.Item(k.Path, r.about(k)+"\n\n"+strings.TrimSpace("A list of mappings, empty by default."+effect(k)))
			walk(k.Keys, func(sub config.Key) {
				p.Item(k.Path+"[]"+strings.TrimPrefix(sub.Path, k.Path), r.about(sub))
			})
		default:
			p.Item(k.Path, r.about(k)+"\n\n"+plainFacts(k))
		}
	}
}

// plainFacts are facts without Markdown.
func plainFacts(k config.Key) string {
	text := defaultText(k)
	if strings.HasPrefix(text, "`") {
		text = short(strings.Trim(text, "`"))
	}
	items := ""
	if k.Separator != "" {
		items = fmt.Sprintf(" (items separated by %s)", k.Separator)
	}
	return fmt.Sprintf("Default: %s. Environment: %s%s.%s", text, k.Variable, items, effect(k))
}
