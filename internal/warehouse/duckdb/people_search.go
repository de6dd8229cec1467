package duckdb

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// SQL of the identifiers that only the payload has: the phone number in all rows, and the
// person's own address in rows that were stored before the column existed. In a row of the
// first release, the payload may be a text, because DuckDB refused the body.
var (
	payloadPhone = payloadIdentifier("phone")
	payloadEmail = "coalesce(identifier_email, " + payloadIdentifier("email") + ")"
	payloadText  = `CASE WHEN identifier_email IS NULL AND starts_with(payload::VARCHAR, '"') THEN payload::VARCHAR END`
)

func payloadIdentifier(name string) string {
	return fmt.Sprintf("coalesce((payload->>'$.data.identifiers.%[1]s'), (payload->>'$.identifiers.%[1]s'))", name)
}

// identityColumns are the first columns of a search, which identityOf reads.
var identityColumns = strings.Join([]string{"workspace", "object_type", "customer_id", "cio_id", payloadEmail, payloadPhone, "email_address", "recipient", payloadText}, ", ")

const identities = 9

// identityOf returns the workspace and the event of the first columns of a row.
func identityOf(row []any) (workspace string, e *webhook.Event) {
	if text := textOf(row[8]); text != "" {
		if e, err := webhook.Parse(body(text)); err == nil {
			return textOf(row[0]), e
		}
	}
	return textOf(row[0]), &webhook.Event{
		ObjectType:   webhook.ObjectType(textOf(row[1])),
		Identifiers:  webhook.Identifiers{ID: textOf(row[2]), CioID: textOf(row[3]), Email: textOf(row[4]), Phone: textOf(row[5])},
		EmailAddress: textOf(row[6]),
		Recipient:    textOf(row[7]),
	}
}

func textOf(value any) string {
	text, _ := value.(string)
	return text
}

// candidates returns a condition that each row of the persons meets. Some other rows meet
// the condition, too: DuckDB cannot read all spellings of an address, and Search.Match
// decides.
//
// DuckDB reads a column only where a row before it fits. So a subquery names the rows by
// columns, and one more by payloads: of all rows for a phone number, and otherwise of rows
// without identifier_email. One condition of both would read all payloads.
func candidates(s *privacy.Search) string {
	phones, emails := s.Texts(privacy.Phone), s.Texts(privacy.Email)
	recipient := []string{mailbox("email_address", emails), mailbox("recipient", emails), among("recipient", phones)}
	columns := []string{
		among("customer_id", s.Texts(privacy.ID)),
		among("cio_id", s.Texts(privacy.CioID)),
		mailbox("identifier_email", emails),
		isBlank("customer_id") + " AND " + isBlank("cio_id") + " AND " + isBlank("identifier_email") + " AND (" + strings.Join(recipient, " OR ") + ")",
	}
	payload := []string{
		mayHave("payload::VARCHAR", phones) + " AND " + trimmed(payloadPhone, phones),
		"identifier_email IS NULL AND (" + mayHave("lower(payload::VARCHAR)", locals(emails)) + " AND " + spelled(payloadIdentifier("email"), emails) + " OR " + payloadText + " IS NOT NULL)",
	}
	numbers := func(conditions []string) string {
		return "SELECT rowid FROM " + eventsTable + " WHERE " + among("workspace", s.Workspaces()) + " AND (" + strings.Join(conditions, " OR ") + ")"
	}
	return "rowid IN (" + numbers(columns) + " UNION ALL " + numbers(payload) + ")"
}

// spaces are the characters that strings.TrimSpace removes from texts of people.
const spaces = "' \t\n\v\f\r\u0085\u00a0'"

// isBlank returns a condition on a text without a character. Only a text that begins with a
// space or beyond ASCII is worth the work of trim.
func isBlank(column string) string {
	return fmt.Sprintf("(%[1]s IS NULL OR (%[1]s < '!' OR %[1]s > '~') AND trim(%[1]s, %[2]s) = '')", column, spaces)
}

// among returns a condition on the text of a column without white space around the text.
func among(column string, texts []string) string {
	return "(" + contains(column, texts) + " AND " + trimmed(column, texts) + ")"
}

// trimmed is among for a column whose text hardly any row has.
func trimmed(column string, texts []string) string {
	if len(texts) == 0 {
		return "false"
	}
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = literal(t)
	}
	return fmt.Sprintf("trim(%s, %s) IN (%s)", column, spaces, strings.Join(quoted, ", "))
}

// fewTexts is the number of texts up to which contains is faster than trim.
const fewTexts = 8

// contains returns a condition that a text with one of some parts meets, and most other
// texts do not: DuckDB's contains takes a tenth of the time of trim.
func contains(text string, parts []string) string {
	if len(parts) > fewTexts {
		return "true"
	}
	list := []string{"false"}
	for _, p := range parts {
		list = append(list, "contains("+text+", "+literal(p)+")")
	}
	return "(" + strings.Join(list, " OR ") + ")"
}

// mayHave is contains for a text that may have a character of a part behind a backslash.
func mayHave(text string, parts []string) string {
	return contains(text, append(slices.Clone(parts), `\`))
}

// locals returns the parts of addresses before the at sign, which white space and comments
// may follow. The part is "" where it has several spellings: with quotes, or beyond ASCII,
// where DuckDB may know other cases of letters than Go.
func locals(addresses []string) []string {
	list := make([]string, len(addresses))
	for i, a := range addresses {
		local, _, _ := strings.Cut(a, "@")
		if !strings.ContainsFunc(local, func(r rune) bool { return r <= '"' || r > '~' }) {
			list[i] = strings.ToLower(local)
		}
	}
	return list
}

// mailbox returns a condition on a column that may have one of the addresses.
func mailbox(column string, addresses []string) string {
	return "(" + mayHave("lower("+column+")", locals(addresses)) + " AND " + spelled(column, addresses) + ")"
}

// spelled is mailbox for a column that hardly any row has. A text with characters beyond
// those of a bare address may have any address: see webhook.AddrSpec.
func spelled(column string, addresses []string) string {
	if len(addresses) == 0 {
		return "false"
	}
	special := `[\s()<>\[\]\\"]`
	for _, a := range addresses {
		if strings.ContainsFunc(a, func(r rune) bool { return r > '~' }) { // see locals
			special = `[\s()<>\[\]\\"]|[^ -~]`
		}
	}
	return fmt.Sprintf("(%s OR contains(%[2]s, '@') AND regexp_matches(%[2]s, '%[3]s'))", trimmed("lower("+column+")", addresses), column, special)
}
