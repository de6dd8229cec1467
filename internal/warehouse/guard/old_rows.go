package guard

import (
	"fmt"
	"strings"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A Violation is a part of a policy that old rows may violate.
type Violation struct {
	// Column is a column, or payload.
	Column string
	// Where is the condition of the rows in the dialect of the warehouse.
	Where string
}

// Violations returns the conditions of rows that are not in line with the policy. Erased
// rows are.
func (p *Policy) Violations(d warehouse.Dialect) []Violation {
	s := sqlOf(d)
	var list []Violation
	for i := range p.rules {
		u := &p.rules[i]
		list = append(list, Violation{u.column.Name, "erased_at IS NULL AND " + s.violates(u)})
	}
	if p.payload != KeepPayload {
		list = append(list, Violation{"payload", "erased_at IS NULL AND " + s.payload(p)})
	}
	return list
}

// Rewrite brings a stored row in line, and reports whether the row has changed. The row may
// lack columns without personal data: Rewrite reads them from the payload.
func (p *Policy) Rewrite(r *warehouse.Row) bool {
	if !r.ErasedAt.IsZero() {
		return false
	}
	var whole warehouse.Row
	if whole.Parse(r.Raw, r.Origin) != nil { // never: a payload is an event
		return p.Apply(r)
	}
	columns := personal()
	for i := range columns {
		*columns[i].Field(&whole) = *columns[i].Field(r)
	}
	if !p.Apply(&whole) {
		return false
	}
	for i := range columns {
		*columns[i].Field(r) = *columns[i].Field(&whole)
	}
	r.Raw = whole.Raw
	return true
}

// Update returns the GoogleSQL that brings stored rows in line: new values by column, and the
// condition of the rows. BigQuery keeps the text of statements, so a secret cannot be part of
// one: hashed has the columns whose values Update leaves. BigQuery cannot compute a redacted
// payload either, and gets the payload of DropPayload.
func (p *Policy) Update() (set map[string]string, where string, hashed []string) {
	set = map[string]string{}
	var parts []string
	for _, v := range p.Violations(warehouse.GoogleSQL) {
		switch {
		case v.Column != "payload" && p.action(v.Column) == Hash:
			hashed = append(hashed, v.Column)
			continue
		case v.Column != "payload":
			set[v.Column] = "NULL"
		case p.payload == StripPayload:
			set["payload"], set["payload_altered"] = "JSON_REMOVE(payload, '$.content', '$.headers', '$.data.content', '$.data.headers')", "TRUE"
		default:
			set["payload"] = "JSON_STRIP_NULLS(JSON_OBJECT('event_id', event_id, 'metric', metric, 'timestamp', UNIX_SECONDS(`timestamp`), 'redacted', " + warehouse.GoogleSQL.Literal(p.name) + "))"
			set["payload_altered"] = "TRUE"
		}
		parts = append(parts, "("+v.Where+")")
	}
	return set, strings.Join(parts, " OR "), hashed
}

// action returns the action on a column.
func (p *Policy) action(column string) Action {
	for i := range p.rules {
		if p.rules[i].column.Name == column {
			return p.rules[i].action
		}
	}
	return Keep
}

// hashPattern matches a hash of any key, as isHash.
const hashPattern = "[^:]{1,32}:[0-9a-f]{64}"

// addressPattern matches an address in a text, as privacy.ReplaceAddresses, between
// characters that are not part of an address.
const addressPattern = `(^|[^@])[^][@[:space:]<>(){}"'` + "`" + `,;:/\\|=?&#]@[^][@[:space:]<>(){}"'` + "`" + `,;:/\\|=?&#.]`

// A sql writes conditions in a dialect.
type sql struct {
	matches string // with the column and the pattern
	quote   func(string) string
	member  string // the text of a member of the payload, NULL for none
}

func sqlOf(d warehouse.Dialect) sql {
	if d == warehouse.GoogleSQL {
		return sql{"REGEXP_CONTAINS(%s, %s)", d.Literal, "JSON_VALUE(payload, '$.%[1]s')"}
	}
	return sql{"regexp_matches(%s, %s)", d.Literal, "json_extract_string(payload, '$.%[1]s')"}
}

func (s sql) match(column, pattern string) string {
	return fmt.Sprintf(s.matches, column, s.quote(pattern))
}

func (s sql) violates(u *rule) string {
	name := u.column.Name
	switch {
	case u.action == Drop:
		return name + " IS NOT NULL"
	case name == "failure_message":
		return s.match(name, addressPattern)
	case name == "href":
		return "(" + s.match(name, addressPattern) + " OR " + s.match(name, "[?#].") + " AND NOT " + s.match(name, "[?]"+hashPattern+"$") + ")"
	default:
		return name + " IS NOT NULL AND NOT " + s.match(name, "^"+hashPattern+"$")
	}
}

func (s sql) payload(p *Policy) string {
	if p.payload == StripPayload {
		var parts []string
		for _, member := range []string{"content", "headers", "data.content", "data.headers"} {
			parts = append(parts, fmt.Sprintf(s.present(), member))
		}
		return "(" + strings.Join(parts, " OR ") + ")"
	}
	return "coalesce(" + fmt.Sprintf(s.member, "redacted") + ", '') <> " + s.quote(p.name)
}

// present is the condition that a member is neither absent nor null.
func (s sql) present() string {
	if strings.HasPrefix(s.member, "JSON_VALUE") {
		return "coalesce(JSON_TYPE(JSON_QUERY(payload, '$.%s')), 'null') <> 'null'"
	}
	return "coalesce(json_type(payload, '$.%s'), 'NULL') <> 'NULL'"
}
