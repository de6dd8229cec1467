package guard

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/strictyaml"
	"github.com/cioevents/cioevents/internal/warehouse"
)

// maxFile bounds the size of a file, in bytes. A file has a line for each of 12 columns.
const maxFile = 64 << 10

// needed has the views whose numbers change when a column is dropped.
var needed = map[string][]string{
	"customer_id":     {warehouse.Links, warehouse.SentAfterOptout},
	"email_address":   {warehouse.SentAfterOptout},
	"href":            {warehouse.Links},
	"link_name":       {warehouse.Links},
	"failure_message": {warehouse.Bounces, warehouse.MailboxDaily, warehouse.MessageHealth},
	"preferences":     {warehouse.Preferences},
}

// readPolicy reads the file at path. The secret is the value of PRIVACY_KEY.
func readPolicy(label, path, secret string) (*Policy, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", label, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s: the file exceeds the limit of %d bytes", path, maxFile)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", label, err)
	}
	return ParsePolicy(label+": "+path, data, secret)
}

// ParsePolicy reads the content of a file. The error joins every mistake, each with the name
// and the line in front, and contains no secret. secret is the value of PRIVACY_KEY, "" for
// none.
func ParsePolicy(name string, data []byte, secret string) (*Policy, error) {
	root, err := strictyaml.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s%w", name, err)
	}
	r := &reader{Reader: strictyaml.Reader{Name: name}, secret: secret, policy: &Policy{payload: KeepPayload}}
	r.file(root)
	if err := r.Err(); err != nil {
		return nil, err
	}
	r.policy.name = nameOf(r.policy)
	return r.policy, nil
}

// nameOf returns a short text that differs between two policies.
func nameOf(p *Policy) string {
	words := []string{"1", p.key.ID, string(p.payload)}
	for _, u := range p.rules {
		words = append(words, u.column.Name+"="+string(u.action))
	}
	sum := sha256.Sum256([]byte(strings.Join(words, " ")))
	return string(p.payload) + "-" + hex.EncodeToString(sum[:4])
}

// A reader reads a file into a policy.
type reader struct {
	strictyaml.Reader
	secret string
	policy *Policy
}

func (r *reader) file(root *yaml.Node) {
	seen := r.File(root, map[string]func(*yaml.Node){
		"key":     r.key,
		"columns": r.columns,
		"payload": func(n *yaml.Node) {
			r.policy.payload = choice(r, n, "payload", KeepPayload, StripPayload, RedactPayload, DropPayload)
		},
	})
	if seen == nil {
		return
	}
	hashes := slices.ContainsFunc(r.policy.rules, func(u rule) bool { return u.action == Hash })
	if hashes && seen["key"] == 0 {
		r.Addf(seen["columns"], "a column is hashed and the key is missing; add \"key: {id: k1, env: %s}\"", KeySetting)
	}
	if line := max(seen["payload"], seen["columns"]); len(r.policy.rules) > 0 && (r.policy.payload == KeepPayload || r.policy.payload == StripPayload) {
		r.Addf(line, "columns are hashed or dropped, and payload: %s keeps their values in the payload; want payload: redact or payload: drop", r.policy.payload)
	}
}

// key reads the key. Its secret comes from the environment, never from the file.
func (r *reader) key(n *yaml.Node) {
	id, env := "", ""
	seen := r.Mapping(n, "key", map[string]func(*yaml.Node){
		"id":  func(n *yaml.Node) { id, _ = r.Text(n, "key id") },
		"env": func(n *yaml.Node) { env, _ = r.Text(n, "key env") },
	})
	switch {
	case seen == nil:
	case seen["id"] == 0 || seen["env"] == 0:
		r.Addf(n.Line, "key needs id and env, such as {id: k1, env: %s}", KeySetting)
	case env != KeySetting:
		r.Addf(seen["env"], "unknown key env %q; want %s", env, KeySetting)
	case r.secret == "":
		r.Addf(seen["env"], "%s is not set; set the secret, such as the output of \"openssl rand -hex 32\"", KeySetting)
	default:
		var err error
		if r.policy.key, err = privacy.NewKey(id, []byte(r.secret)); err != nil {
			r.Addf(seen["id"], "%v", err)
		}
	}
}

func (r *reader) columns(n *yaml.Node) {
	known := personal()
	actions := map[string]Action{}
	r.Pairs(n, "columns", func(key, v *yaml.Node) {
		i := slices.IndexFunc(known, func(c warehouse.Column) bool { return c.Name == key.Value })
		if i < 0 {
			r.Addf(key.Line, "%s", unknownColumn(key.Value, known))
			return
		}
		action := choice(r, v, key.Value, Keep, Hash, Drop)
		views := needed[key.Value]
		switch {
		case action == Hash && known[i].Type == warehouse.JSON:
			r.Addf(v.Line, "%s is a JSON document and cannot be hashed; want keep or drop", key.Value)
		case action == Drop && len(views) > 0 && known[i].Type == warehouse.JSON:
			r.Addf(v.Line, "%s cannot be dropped, because %s needs it; want keep", key.Value, strings.Join(views, ", "))
		case action == Drop && len(views) > 0:
			r.Addf(v.Line, "%s cannot be dropped, because %s needs it; want hash or keep", key.Value, strings.Join(views, ", "))
		default:
			actions[key.Value] = action
		}
	})
	for _, c := range known {
		if a := actions[c.Name]; a == Hash || a == Drop {
			r.policy.rules = append(r.policy.rules, rule{c, a})
		}
	}
}

// unknownColumn tells a column without personal data from a name that is no column.
func unknownColumn(name string, known []warehouse.Column) string {
	names := make([]string, len(known))
	for i, c := range known {
		names[i] = c.Name
	}
	if slices.ContainsFunc(warehouse.Columns(), func(c warehouse.Column) bool { return c.Name == name }) {
		if name == "payload" {
			return `payload is not among columns; write "payload: redact" beside columns`
		}
		return fmt.Sprintf("column %q has no personal data and is always kept; want one of %s", name, strings.Join(names, ", "))
	}
	return fmt.Sprintf("unknown column %q; want one of %s", name, strings.Join(names, ", "))
}

// choice reads one of several words. After a mistake it returns the first.
func choice[T ~string](r *reader, n *yaml.Node, what string, words ...T) T {
	text, ok := r.Text(n, what)
	if ok && slices.Contains(words, T(text)) {
		return T(text)
	}
	if ok {
		list := make([]string, len(words))
		for i, w := range words {
			list[i] = string(w)
		}
		r.Addf(n.Line, "unknown value %q of %s; want one of %s", text, what, strings.Join(list, ", "))
	}
	return words[0]
}
